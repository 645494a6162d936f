"""The least scores of a row are those of a stable sort; open pairs are those that each alone is."""

import numpy as np
import pytest

from whosame.memory import LabelMemory
from whosame.strategies.base import RoundState
from whosame.strategies.groups import lowest
from whosame.strategies.session import SessionBudget


@pytest.mark.parametrize(("columns", "k"), [(1, 1), (65, 64), (130, 130), (1000, 7)])
def test_they_are_those_of_a_stable_sort(columns, k):
    scores = np.random.default_rng(0).integers(0, 50, (20, columns)).astype(np.float32)  # with many ties
    scores[:, ::7] = np.inf
    np.testing.assert_array_equal(lowest(scores, k), np.argsort(scores, axis=1, kind="stable")[:, :k])


def test_open_pairs_among_many_are_those_that_each_alone_is():
    draw = np.random.default_rng(1)
    memory = LabelMemory()
    for a, b in draw.integers(0, 40, (30, 2)).tolist():
        if a != b:
            memory.skip(a, b) if (a + b) % 3 == 0 else memory.add(a, b, (a + b) % 3 == 1)
    budget = SessionBudget(RoundState(np.eye(60, dtype=np.float32), None, np.zeros(60, np.int64), 9, memory=memory))
    budget.question(50, 55, "within", score=0, group=0, reason="")
    first, second = np.triu_indices(60, 1)
    found = budget.open_among(second, first)  # in either order
    assert found.tolist() == [budget.is_open(a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    assert 0 < (~found).sum() < len(found)
