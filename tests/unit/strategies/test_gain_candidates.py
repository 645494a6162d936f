"""What may be asked, on scenes small enough to be worked by hand."""

import numpy as np
import pytest

from whosame.memory import LabelMemory
from whosame.strategies.gain.candidates import COLUMNS, HOME, MERGE, PAIR, SPLIT
from whosame.strategies.gain.joins import NEAREST_OUTLIERS, find_joins, lead
from whosame.strategies.gain.plda_groups import PLDAGroups
from whosame.strategies.gain.splits import divisions, find_splits
from whosame.testing import round_state


def groups_of(points, labels, *, edges=(), shared_view=0.2, **fields):
    points = np.asarray(points, np.float32).reshape(len(labels), -1)
    state = round_state(points, labels, graph=dict(edges), **fields)
    return PLDAGroups(state, points, np.random.default_rng(0), shared_view=shared_view)


def found_in(plda, neighbours):
    return find_joins(plda, neighbours).joined(find_splits(plda))


def pairs(found):
    return {tuple(groups): int(kind) for groups, kind in zip(found.groups.tolist(), found.kind, strict=True)}


# Four clusters of two on a line, two near each other here and two there.
LINE = [0, 0.2, 1, 1.2, 10, 10.2, 11, 11.2]
FOUR = [3, 3, 5, 5, 7, 7, 9, 9]


def test_clusters_are_paired_with_the_nearest_and_with_those_the_graph_links():
    assert pairs(find_joins(groups_of(LINE, FOUR), 1)) == {(0, 1): MERGE, (2, 3): MERGE}
    assert len(pairs(find_joins(groups_of(LINE, FOUR), 3))) == 6
    found = find_joins(groups_of(LINE, FOUR, edges={(0, 7): 0.4, (1, 6): 0.2, (0, 1): 0.1}), 1)
    assert pairs(found) == {(0, 1): MERGE, (0, 3): MERGE, (2, 3): MERGE}
    # Similarities .6 + .8 over 2 · 2 pairs of images: .35, times 4. The link within a cluster is none.
    np.testing.assert_allclose(found.evidence[:, 3], [0, 1.4, 0], atol=1e-6)


def test_groups_that_an_answer_keeps_apart_are_left_out():
    memory = LabelMemory()
    memory.add(6, 4, same=False)
    memory.add(7, 5, same=True)  # within a cluster or not: only what is apart matters here
    labels = [3, 3, 5, 5, 7, -1, 9, 9]
    found = find_joins(groups_of(LINE, labels, memory=memory, edges={(4, 6): 0.1}), 3)
    assert (2, 3) not in pairs(found)
    assert (2, 4) in pairs(found)  # row 5, the outlier


def test_evidence_and_rows_of_two_clusters_by_hand():
    # Cluster 0: rows 0..2 at 0, 1, 5 (mean 2: row 1 stands for it). Cluster 1: rows 3, 4 at 20, 24.
    plda = groups_of([0, 1, 5, 20, 24], [0, 0, 0, 1, 1], cameras=[0, 0, 1, 1, -1], shared_view=0.5)
    found = find_joins(plda, 5)
    assert (found.first.tolist(), found.second.tolist()) == ([1], [3])
    assert found.sizes.tolist() == [[3, 2]]
    assert found.across.tolist() == [3 * 2 - 1]  # rows 2 and 3 are of camera 1
    # Half of the noise is the camera's: .5 / 3 + .5 / 2 for three images by two cameras, .5 / 2 + .5 / 2 for the other.
    np.testing.assert_allclose(plda.noise, [5 / 12, 1 / 2])
    ratio = plda.model.log_ratio(plda.means[:1], np.array([5 / 12]), plda.means[1:], np.array([1 / 2]))
    assert ratio[0] < 0
    # No other candidate to lead: the lead is the largest there is, 60 / 10.
    np.testing.assert_allclose(found.evidence, [[1, ratio[0] / 10, 6, 0, np.log(2), np.log(3)]])


def test_images_of_unknown_camera_count_as_of_one():
    found = find_joins(groups_of([0, 1, 5, 20, 24], [0, 0, 0, 1, 1]), 5)
    assert found.across.tolist() == [0]


def test_outliers_have_homes_and_each_other():
    # Clusters at 0 and 10, outliers 4 and 5 near the first.
    found = find_joins(groups_of([0, 0.2, 10, 10.2, 1, 1.1], [0, 0, 1, 1, -1, -1]), 1)
    assert {(0, 2): HOME, (0, 3): HOME, (2, 3): PAIR}.items() <= pairs(found).items()
    assert found.first[found.kind == PAIR].tolist() == [4]
    assert found.second[found.kind == PAIR].tolist() == [5]
    assert found.sizes[found.kind == HOME].tolist() == [[2, 1]] * (found.kind == HOME).sum()


def test_an_outlier_is_paired_with_a_few_outliers_only():
    points = np.arange(40.0) ** 1.5
    found = find_joins(groups_of(points, [-1] * 40), 10)
    assert set(found.kind) == {PAIR}
    assert NEAREST_OUTLIERS * 40 / 2 <= len(found.kind) <= NEAREST_OUTLIERS * 40
    assert {(0, 1), (0, 2), (0, 3), (0, 4)} <= set(pairs(found))
    assert (0, 5) not in pairs(found)


def test_the_lead_by_hand():
    # Clusters 0, 1, 2, outliers 3, 4. Cluster 1 is the second of the first pair and the first of the next.
    a, b = np.array([0, 1, 0, 1, 3]), np.array([1, 2, 3, 3, 4])
    ratio = np.array([5.0, 3, 2, -1, 7])
    alone = np.array([False, False, False, True, True])
    leads = lead(ratio, a, b, np.stack([alone[a], alone[b]], axis=1))
    # 0-1 leads 1's other merge by 2, 1-2 is behind it by 2; outlier 3 has homes 2 and -1; two outliers have none.
    assert leads.tolist() == [2, -2, 3, -3, 0]
    # Without a rival the lead is the largest there is.
    assert lead(ratio[:1], a[:1], b[:1], np.zeros((1, 2), bool)).tolist() == [60]


def divided(points, block=None):
    points = np.asarray(points, np.float64).reshape(len(points), -1)
    block = np.arange(len(points)) if block is None else np.array(block)
    return [side.tolist() for side in divisions(points, block)]


@pytest.mark.parametrize(
    ("points", "block", "expected"),
    [
        # Mean 4.98, farthest 10. From 10 and 0: {9, 10} and the rest, centres 9.5 and 1.97, and so it stays.
        ([0, 1, 9, 10, 4.9], None, [[0, 0, 0, 1, 0], [0, 0, 1, 1, 0]]),
        ([0, 1, 2, 10], None, [[0, 0, 0, 1]]),  # both ways the same
        ([0, 4, 10], None, [[0, 0, 1]]),  # three blocks: nothing else to try
        ([5], None, []),
        ([[1, 1]] * 6, None, [[1, 0, 0, 0, 0, 0]]),  # equal points divide once
        ([0, 10, 4], [0, 0, 1], [[0, 0, 1]]),  # mean 4.67: the block 0, 10 is .33 away, the other .67
        ([0, 10], [0, 0], []),
        # Two means weighs blocks by their images: 0, 4 (nine of them), 5.2 and 10. {5.2, 10} first; the other centre is
        # 3.6, so 5.2 goes back to it and 10 is alone again. Without weights that centre would be 2 and 5.2 would stay.
        ([0, *[4] * 9, 5.2, 10], [0, *[1] * 9, 2, 3], [[0] * 11 + [1]]),
    ],
)
def test_divisions_are_the_farthest_alone_and_two_means(points, block, expected):
    assert divided(points, block) == expected


def test_blocks_are_never_divided():
    draw = np.random.default_rng(0)
    for _ in range(50):
        block = np.unique(draw.integers(0, 6, 20), return_inverse=True)[1]
        for side in divided(draw.normal(size=(20, 3)), block):
            assert len({*zip(block.tolist(), side, strict=True)}) == block.max() + 1
            assert 0 < sum(side) < 20


def test_splits_of_a_scene_by_hand():
    # Cluster 0 as above, rows 0..4; cluster 1, rows 5 and 6; row 7 alone.
    memory = LabelMemory()
    plda = groups_of([0, 1, 9, 10, 4.9, 50, 53, 90], [0, 0, 0, 0, 0, 1, 1, -1], cameras=[0, 1, 0, 1, 2, 0, 0, 0])
    found = find_splits(plda)
    assert found.kind.tolist() == [SPLIT] * 3
    assert found.groups.tolist() == [[0, 0], [0, 0], [1, 1]]
    assert found.sizes.tolist() == [[4, 1], [3, 2], [1, 1]]
    # Without 10 the mean is 3.7: row 4. Of {0, 1, 4.9} it is 1.97: row 1. Of {9, 10} both are as near: the first.
    assert found.first[:2].tolist() == [4, 1]
    assert found.second[:2].tolist() == [3, 2]
    assert {found.first[2], found.second[2]} == {5, 6}  # as far from their mean, up to rounding
    assert found.across.tolist() == [4 - 1, 6 - 2, 0]
    noise = [0.8 / 4 + 0.2 / 3, 0.8 / 3 + 0.2 / 3, 1.0], [1.0, 0.8 / 2 + 0.2 / 2, 1.0]
    middle = plda.model.points.mean()
    scale = (plda.model.points[1] - plda.model.points[0]).item()  # 1 of the line
    means = np.array([[3.725, 5.9 / 3, 50], [10, 9.5, 53]])[..., None] * scale + plda.model.points[0] - middle
    ratio = plda.model.log_ratio(means[0], np.array(noise[0]), means[1], np.array(noise[1]))
    np.testing.assert_allclose(found.evidence[:, 1], ratio / 10, rtol=1e-3)
    assert (found.evidence[:, 2:4] == 0).all()
    memory.add(5, 6, same=True)
    held = groups_of([0, 1, 9, 10, 4.9, 50, 53, 90], [0, 0, 0, 0, 0, 1, 1, -1], memory=memory)
    assert find_splits(held).groups.tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    "labels",
    [[-1] * 6, [0] * 6, list(range(6)), [0, 0, 0, 1, 1, 1], [-1, 0, 0, 0, -1, 0]],
    ids=["no cluster", "one cluster", "each alone in a cluster", "two", "one and outliers"],
)
@pytest.mark.parametrize("points", [np.zeros((6, 3)), np.eye(6, 200), np.eye(6)], ids=["equal", "wide", "square"])
def test_everything_is_finite_and_of_one_length(labels, points):
    plda = groups_of(points, labels, edges={(0, 5): 0.3})
    found = found_in(plda, 3)
    assert np.isfinite(found.evidence).all()
    assert found.evidence.shape == (len(found.kind), COLUMNS)
    assert (found.first != found.second).all()
    assert (found.sizes >= 1).all()
    split = found.kind == SPLIT
    assert (plda.group_of[found.first] == found.groups[:, 0]).all()
    assert (plda.group_of[found.second] == found.groups[:, 1]).all()
    assert (found.groups[split, 0] == found.groups[split, 1]).all()
    assert (found.groups[~split, 0] < found.groups[~split, 1]).all()
