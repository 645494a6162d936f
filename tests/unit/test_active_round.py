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
