"""The node that extracts features: a disk that they and the graph do not fit on is an error before it begins."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from whosame.data.manifest import TrainSet
from whosame.errors import StorageError
from whosame.features import NetworkConfig, build_network
from whosame.pipelines.active_round.select import extract_features
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.training import Checkpoint, TrainingConfig, make_optimiser

CONFIG = NetworkConfig(widths=(4, 8), weights="random")
ROUND = ThisRound("uid", "mine", 0, (10,), 0, "cpu", "float32", "sqlite://", needs_vertical=False)


def test_a_disk_too_small_for_the_graph_is_said_before_anything_is_read(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    network = build_network(CONFIG, seed=0)
    start = Checkpoint.of(network, make_optimiser(network, TrainingConfig()), CONFIG, rounds=0)
    images = TrainSet(np.arange(1_000_000), np.zeros(1_000_000, np.int64), ())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=400 * 2**20))
    with pytest.raises(StorageError, match=r"features and the graph .* 0\.48 GiB .*mine.* 0\.39 GiB are free.*prune"):
        extract_features(ROUND, start, None, images, CONFIG.model_dump(), {})
