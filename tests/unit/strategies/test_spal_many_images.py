"""SPAL's extreme pairs among many images: with all groups compared they are the exact ones, decided pairs left out."""

import numpy as np
import pytest

from whosame.memory import LabelMemory
from whosame.strategies.groups import Groups
from whosame.strategies.pairs import decided_pairs
from whosame.strategies.spal.extremes import farthest_inside, nearest_outside
from whosame.strategies.spal.many_images import extremes_of_many


def images(seed):
    draw = np.random.default_rng(seed)
    features = draw.standard_normal((300, 24)).astype(np.float32) + 2 * draw.standard_normal((300, 1)).astype(
        np.float32
    )
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features, np.where(draw.random(300) < 0.2, -1, draw.integers(0, 40, 300)), draw


@pytest.mark.parametrize("seed", [0, 1])
def test_with_all_groups_compared_they_are_the_exact_ones(seed):
    features, labels, draw = images(seed)
    memory = LabelMemory()
    for a, b in draw.integers(0, 300, (200, 2)).tolist():
        if a != b:
            memory.add(a, b, labels[a] == labels[b])
    exact = (find(features, Groups(labels), decided_pairs(memory, 300)) for find in (farthest_inside, nearest_outside))
    found = extremes_of_many(features, labels, decided_pairs(memory, 300), nearest=300)
    for one, other in zip(found, exact, strict=True):
        ends, expected = (np.sort([pairs.first, pairs.second], axis=0) for pairs in (one, other))
        np.testing.assert_array_equal(ends, expected)
        np.testing.assert_array_equal(np.sort(one.clusters), np.sort(other.clusters))
        np.testing.assert_allclose(one.distances, other.distances, rtol=1e-6)
        assert len(one) > 20


def test_ten_groups_have_nearly_all_of_them():
    features, labels, _ = images(2)
    decided = decided_pairs(LabelMemory(), 300)
    exact = nearest_outside(features, Groups(labels), decided)
    found = extremes_of_many(features, labels, decided)[1]
    assert (found.clusters[:, 0] == exact.clusters[:, 0]).all()
    assert (found.distances >= exact.distances - 1e-6).all()
    assert np.median(found.distances / exact.distances) < 1.1


@pytest.mark.parametrize("labels", [[-1, -1], [0, 0], [0, -1]])
def test_hardly_any_images(labels):
    features = np.eye(2, dtype=np.float32)
    inside, outside = extremes_of_many(features, np.array(labels), decided_pairs(LabelMemory(), 2))
    assert len(inside) == (labels == [0, 0])
    assert len(outside) == (labels == [0, -1])
