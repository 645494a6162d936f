"""FINCH against hierarchies worked by hand on a circle, where cosine is nearness of angles."""

from itertools import pairwise

import numpy as np
import pytest

from whosame.clustering.finch import closest_in_number, finch, first_partition
from whosame.errors import InputError


def circle(*degrees):
    radians = np.radians(np.array(degrees, float))
    return np.column_stack([np.cos(radians), np.sin(radians)]).astype(np.float32)


def test_rows_that_share_a_nearest_neighbour_are_together():
    assert first_partition(np.array([1, 0, 1, 4, 3])).tolist() == [0, 0, 0, 1, 1]  # Eq. 1: 0 and 2 by way of 1


def test_the_hierarchy_by_hand():
    # Nearest: 0-1, 2 to 1, 3-4, 5-6, 7-8. Means at 4.7, 31.5, 92.5 and 122 degrees: the first two are each other's
    # nearest (26.8), the last two too (29.5, against 61 to the second). Then two clusters: one, which is left out.
    partitions = finch(circle(0, 4, 10, 30, 33, 90, 95, 120, 124))
    assert [labels.tolist() for labels in partitions] == [[0, 0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 0, 0, 0, 1, 1, 1, 1]]


def test_clusters_are_numbered_by_their_smallest_row_whatever_the_order():
    (labels,) = finch(circle(90, 1, 94, 0))
    assert labels.tolist() == [0, 1, 0, 1]


def test_means_are_of_images_not_of_the_clusters_before():
    # Pairs half a degree wide at -32, -20, 12, 54, 64, 109, 119, and ten images at 0. Second partition: -26, (ten at 0,
    # two at 12), 59, 114. The mean of the second over images is at 2: 57 from 59, which goes to 114, 55 away. Over the
    # means of 0 and 12 it would be at 6: 53 from 59, and everything one cluster.
    pairs = [turn for middle in (-32, -20, 12, 54, 64, 109, 119) for turn in (middle - 0.25, middle + 0.25)]
    partitions = finch(circle(*pairs, *[0] * 10))
    assert [labels.max() + 1 for labels in partitions] == [8, 4, 2]
    assert partitions[-1].tolist() == [0] * 6 + [1] * 8 + [0] * 10


def test_partitions_only_unite_and_no_image_is_alone():
    draw = np.random.default_rng(0)
    features = draw.normal(size=(400, 8)).astype(np.float32)
    partitions = finch(features / np.linalg.norm(features, axis=1, keepdims=True))
    assert len(partitions) > 2
    assert np.bincount(partitions[0]).min() >= 2
    for fine, coarse in pairwise(partitions):
        assert len(np.unique(np.column_stack([fine, coarse]), axis=0)) == fine.max() + 1
        assert coarse.max() < fine.max()


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [((), []), ((5,), [[0]]), ((5, 170), [[0, 0]]), ((7, 7, 7), [[0, 0, 0]])],
)
def test_few_images(degrees, expected):
    assert [labels.tolist() for labels in finch(circle(*degrees).reshape(-1, 2))] == expected


def test_images_that_cancel_each_other_end_the_hierarchy():
    # At right angles ties go to the smaller row: 0-1, 2 to 1, 3 to 0, of mean zero; 4-5.
    features = np.array([[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, 1], [0, 0, 1]], np.float32)
    assert [labels.tolist() for labels in finch(features)] == [[0, 0, 0, 0, 1, 1]]


def test_the_partition_nearest_in_number_the_finer_on_a_tie():
    fine, middle, coarse = (np.arange(12) % count for count in (6, 4, 2))
    for wanted, expected in ((7, fine), (6, fine), (5, fine), (4, middle), (3, middle), (2, coarse), (0, coarse)):
        assert closest_in_number([fine, middle, coarse], wanted) is expected
    with pytest.raises(InputError, match="needs an image"):
        closest_in_number([], 3)


def test_nearest_rows_that_are_known_are_taken_as_they_are():
    features = circle(0, 1, 90, 91)
    assert [labels.tolist() for labels in finch(features)] == [[0, 0, 1, 1]]
    assert [labels.tolist() for labels in finch(features, np.array([3, 2, 1, 0]))] == [[0, 1, 1, 0]]


def test_nearest_rows_of_other_images_are_refused():
    with pytest.raises(InputError, match=r"shape \[2\] were given for 3 images"):
        finch(circle(0, 1, 2), np.array([1, 0]))


def test_features_without_direction_are_refused():
    with pytest.raises(InputError, match="have no direction"):
        finch(np.zeros((3, 2), np.float32))
