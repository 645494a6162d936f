"""The core of a round: where sessions begin, and which answers its labels obey."""

import numpy as np
import pytest

from whosame import active_round
from whosame.active_round import RunState
from whosame.clustering import ClusteringConfig, base_clusters
from whosame.memory import LabelMemory
from whosame.strategies import registry

VECTORS = np.eye(8, 4, dtype=np.float32)[np.arange(8) // 2]


@pytest.fixture
def state():
    clustering = base_clusters(VECTORS, np.zeros(8, np.int64), ClusteringConfig(k1=3, k2=1, min_samples=2))
    return active_round.describe_round(
        VECTORS, clustering, np.zeros(8, np.int64), RunState(asked=3), number=1, schedule=[4, 4, 4], seed=0
    )


def test_what_earlier_rounds_left_of_the_budget_is_carried_on(state):
    assert (state.round, state.rounds, state.budget) == (1, 3, 5)


def test_a_session_begun_again_asks_the_same(state):
    strategy = registry.make("random")
    asked = [active_round.select_pairs(strategy, state)[1] for _ in range(2)]
    assert asked[0] == asked[1] != []


def test_without_reuse_labels_obey_the_rounds_own_answers_only():
    memory = LabelMemory()
    memory.add(0, 2, same=True)
    earlier = len(memory.log)
    memory.add(3, 4, same=False)
    memory.skip(1, 5)
    assert active_round.memory_in_force(memory, earlier, reuse=True) is memory
    own = active_round.memory_in_force(memory, earlier, reuse=False)
    assert own.log == [(3, 4, "different"), (1, 5, "unsure")]
    labels = np.arange(4).repeat(2)
    assert active_round.apply_earlier_answers(labels, VECTORS, memory, reuse=False) is labels
    joined = active_round.apply_earlier_answers(labels, VECTORS, memory, reuse=True)
    assert joined[0] == joined[2]


def test_true_identities_are_the_labels_where_the_strategy_uses_them(state):
    identities = np.array([7, 7, 3, -2, -1, 0, 1, 1])
    labels = active_round.reassign(registry.make("supervised"), state, LabelMemory(), [], identities)
    assert labels.tolist() == [7, 7, 3, -1, -1, -1, 1, 1]


@pytest.mark.parametrize("base", ["dbscan", "spcl"])
def test_labels_to_train_on_obey_all_answers_or_the_same_ones_or_none(base):
    rng = np.random.default_rng(0)
    vectors = rng.normal(np.repeat(np.eye(4), 10, axis=0), 0.25).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    config = ClusteringConfig(k1=8, k2=2, eps=0.6, base=base, eps_gap=0.1)
    found = base_clusters(vectors, np.zeros(40, np.int64), config)
    first, second = (np.flatnonzero(found.labels == label) for label in (0, 1))
    memory = LabelMemory.from_log(
        [first[0], first[1]], [second[0], first[2]], ["same", "different"]
    )  # two clusters are joined, one is divided
    labels = np.arange(40)  # whatever obeys them all

    def trained_on(obeyed):
        return active_round.labels_to_train_on(labels, found.graph, memory, found.state, config, obeyed)

    assert trained_on("all") is labels
    np.testing.assert_array_equal(trained_on("none"), found.labels)
    joined = np.where(found.labels == 1, 0, found.labels)
    np.testing.assert_array_equal(trained_on("same"), np.where(joined > 1, joined - 1, joined))
