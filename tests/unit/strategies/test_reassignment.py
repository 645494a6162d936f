"""Labels after a round: splits by seeds, then unions."""

import numpy as np
import pytest

from whosame.memory import LabelMemory
from whosame.strategies.reassignment import split_by_seeds, unite


def on_line(*values):
    return np.array(values, np.float32)[:, None]


def remembered(*answers):
    return LabelMemory.from_log(*zip(*answers, strict=True))


@pytest.mark.parametrize(
    ("positions", "answers", "expected"),
    [
        ([0.0, 0.4, 0.6, 1.0], [(0, 3, "different")], [0, 0, 1, 1]),  # to the nearer seed
        # A must-link group moves as a block by its mean, here .6; or it is the seed's own.
        ([0.0, 0.3, 0.9, 1.0, 0.45], [(0, 3, "different"), (1, 2, "same")], [0, 1, 1, 1, 0]),
        ([0.0, 0.3, 0.9, 1.0, 0.45], [(0, 3, "different"), (1, 2, "same"), (0, 1, "same")], [0, 0, 0, 1, 0]),
        ([0.0, 0.1, 0.9, 1.0], [(0, 3, "different"), (0, 1, "different")], [0, 1, 1, 1]),  # apart from the nearer seed
    ],
)
def test_a_split_by_seeds(positions, answers, expected):
    labels = np.array([5] * len(positions) + [2])  # an image of another cluster beside them
    found = split_by_seeds(labels, on_line(*positions, 0.1), remembered(*answers), [(0, 3)])
    assert found.tolist() == [5 + part for part in expected] + [2]


def test_no_split_without_need():
    memory, features = remembered((0, 1, "same")), on_line(0, 1, 2)
    assert split_by_seeds(np.array([0, 0, -1]), features, memory, [(0, 1), (0, 2), (1, 2)]).tolist() == [0, 0, -1]


@pytest.mark.parametrize(
    ("labels", "answers", "pairs", "expected"),
    [
        # Unions chain to the smallest label.
        ([7, 7, 3, 3, 5, 9], [(0, 2, "same"), (3, 4, "same")], [(0, 2), (3, 4)], [3, 3, 3, 3, 3, 9]),
        # Outliers join with their must-link group.
        (
            [-1, -1, -1, 0, 0, -1],
            [(0, 1, "same"), (1, 3, "same"), (2, 5, "same")],
            [(1, 3), (2, 5)],
            [0, 0, 1, 0, 0, 1],
        ),
    ],
)
def test_unions(labels, answers, pairs, expected):
    given = np.array(labels)
    assert unite(given, remembered(*answers), pairs).tolist() == expected
    assert given.tolist() == labels


def test_a_union_that_would_violate_an_answer_is_left_out(caplog):
    memory = remembered((1, 3, "different"), (0, 2, "same"))
    with caplog.at_level("INFO", "whosame.strategies.reassignment"):
        assert unite(np.array([0, 0, 1, 1]), memory, [(0, 2)]).tolist() == [0, 0, 1, 1]
    assert "clusters 0 and 1 stay apart" in caplog.text
