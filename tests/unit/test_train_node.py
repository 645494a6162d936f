"""The node ``train``: what it hands to the training of each loss."""

import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from whosame.data.manifest import TrainSet
from whosame.features import NetworkConfig, build_network
from whosame.features.extraction import Features
from whosame.memory import LabelMemory
from whosame.pipelines.active_round import nodes
from whosame.pipelines.active_round.tables import memory_table
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.questions import Answer, Question
from whosame.training import Checkpoint, TrainingConfig, TrainingReport, make_optimiser

NETWORK = {"widths": [4, 8], "weights": "random"}
TRAIN_SET = TrainSet(np.arange(10, 16), np.zeros(6, np.int64), ("d",) * 6)
LABELS = np.array([0, 0, 0, 1, 1, -1])


@pytest.fixture
def handed_over(monkeypatch):
    """Return what ``fit`` would be called with, in round 1, when 0 = 1 was said in round 0 and 3 = 4 in round 1."""
    config = NetworkConfig(widths=(4, 8), weights="random")
    network = build_network(config, seed=0)
    start = Checkpoint.of(network, make_optimiser(network, TrainingConfig()), config, rounds=1)
    memory = LabelMemory()
    memory.add(0, 1, same=True)
    said = [Answer(Question(a, a + 1, "within"), "same") for a in (0, 3)]
    table = memory_table(None, memory, said, TRAIN_SET, 0)
    memory.add(3, 4, same=True)
    table = memory_table(table, memory, said, TRAIN_SET, 1)
    distances = np.full((6, 6), 0.9, np.float32)  # 2 is nearer to 0 than 1 is
    distances[0, 2] = distances[2, 0] = 0.1
    features = Features(np.ones((6, 8), np.float32), None, 4)

    def call(**parameters):
        seen = {}

        def fit(*arguments, **more):
            seen.update(more, labels=arguments[4])
            return TrainingReport(math.nan, 0, 0, 0, 0, math.nan, 0.0)

        monkeypatch.setattr(nodes, "fit", fit)
        nodes.train(
            ThisRound("u", "r", 1, 2, 0, "cpu"),
            start,
            features,
            None,
            TRAIN_SET,
            LABELS,
            csr_array(distances),
            table,
            {"network": NETWORK, **parameters},
        )
        return seen

    return call


def test_answers_are_handed_over_and_weights_where_the_loss_asks(handed_over):
    seen = handed_over()
    assert seen["memory"].log == [(0, 1, "same"), (3, 4, "same")]
    assert seen["weights"] is None
    weights = handed_over(training={"loss": "purification"})["weights"]
    # Centralities in {0,1,2}: (0.1 + 0.9) / 2, 0.1, (0.9 + 0.1) / 2; 0 and 1, 3 and 4 are confirmed, 5 is an outlier.
    np.testing.assert_allclose(weights, 1)
    weights = handed_over(training={"loss": "purification"}, clustering={"reuse": False})["weights"]
    np.testing.assert_allclose(weights, [1, 0.2, 1, 1, 1, 1])


def test_without_reuse_only_the_rounds_own_answers_count(handed_over):
    assert handed_over(clustering={"reuse": False})["memory"].log == [(3, 4, "same")]
