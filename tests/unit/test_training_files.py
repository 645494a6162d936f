"""The parameter files of features and training: the same names and values as the data classes, and the papers'."""

from pathlib import Path

import pytest
import yaml

from whosame.features import ExtractionConfig, NetworkConfig
from whosame.parameters import parse
from whosame.training import TrainingConfig, WarmupConfig

CONF = Path(__file__).parents[2] / "conf"
GROUPS = {"network": NetworkConfig, "extraction": ExtractionConfig, "training": TrainingConfig, "warmup": WarmupConfig}


def read(environment):
    values = {}
    for stage in ("features", "training"):
        path = CONF / environment / f"parameters_{stage}.yml"
        values |= yaml.safe_load(path.read_text()) if path.exists() else {}
    return values


@pytest.mark.parametrize(("environment", "iterations"), [("market1501", 200), ("dukemtmc", 200), ("msmt17", 400)])
def test_the_papers_recipe(environment, iterations):
    values = read(environment)
    training = parse(TrainingConfig, values["training"], "training")
    assert parse(NetworkConfig, values["network"], "network").architecture == "resnet50"
    assert training.iterations == iterations
    assert (training.clusters_per_batch, training.images_per_cluster, training.norm_chunk) == (16, 16, 64)
    assert (training.learning_rate, training.weight_decay, training.schedule) == (3.5e-4, 5e-4, "step")
    assert (training.step_rounds, training.step_factor) == (20, 0.1)
    assert (training.augment.flip, training.augment.pad, training.augment.erase) == (0.5, 10, 0.5)
    assert training.augment.colour == training.augment.channel_gain == 0


def test_characters_are_not_mirrored():
    values = read("omniglot")
    for name in ("training", "warmup"):
        augment = parse(GROUPS[name], values[name], name).augment
        assert augment.flip == augment.colour == augment.channel_gain == 0
        assert augment.rotation > 0
