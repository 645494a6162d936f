"""Training by two processes: the weights and the loss of one; and training that has not enough memory."""

import dataclasses

import numpy as np
import pytest
import torch

from whosame.data.pixels import MappedPixels
from whosame.distributed.engine import OneProcess
from whosame.distributed.extraction import ExtractionJob
from whosame.distributed.several_processes import SeveralProcesses
from whosame.distributed.tasks import extraction, training
from whosame.distributed.training import TrainingJob
from whosame.errors import ParameterError
from whosame.features import ExtractionConfig, NetworkConfig, ReIDNetwork, build_network
from whosame.features.frozen_maps import FrozenMaps
from whosame.memory import LabelMemory
from whosame.training import AugmentConfig, Checkpoint, TrainingConfig, make_optimiser
from whosame.training.fit import OBJECTIVES
from whosame.training.ranks import Ranks

pytestmark = pytest.mark.xdist_group("distributed")

NETWORK = NetworkConfig(widths=(4, 8), weights="random")
CONFIG = TrainingConfig(iterations=6, clusters_per_batch=4, norm_chunk=8, augment=AugmentConfig(pad=2, shift=0.1))
LABELS = np.repeat(np.arange(6), 8)


def answers():
    memory = LabelMemory()
    for one in range(0, 48, 8):
        memory.add(one, one + 3, same=True)
        memory.add(one, (one + 8) % 48, same=False)
    return memory


@pytest.fixture(scope="module")
def pixels(tmp_path_factory):
    path = tmp_path_factory.mktemp("pixels") / "pixels.npy"
    rng = np.random.default_rng(0)
    colours = rng.integers(40, 216, (6, 1, 1, 3))
    np.save(path, (colours[LABELS] + rng.normal(0, 30, (48, 16, 8, 3))).clip(0, 255).astype(np.uint8))
    return MappedPixels(path)


def job(pixels, network=NETWORK, **changes):
    made = build_network(network, seed=0)
    vectors = np.random.default_rng(1).standard_normal((48, made.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    config = CONFIG.replace(**changes)
    return TrainingJob(
        Checkpoint.of(made, make_optimiser(made, config), network, rounds=0),
        network,
        pixels,
        np.arange(48),
        LABELS,
        np.tile(np.arange(4), 12),
        config,
        round=0,
        rounds=2,
        seed=0,
        vectors=vectors,
        memory=answers(),
        weights=np.linspace(0.2, 1, 48, dtype=np.float32),
        device="cpu",
    )


def compare(pool, what, count=2):
    """Train alone and in processes, and compare weights, running statistics, the optimiser and the report."""
    expected, report = OneProcess().train(what)
    (found, of_two), *others = pool.run(training, [what] * count)
    assert others == [None] * (count - 1)
    assert found.rounds == expected.rounds == 1
    for name, value in expected.network.items():
        torch.testing.assert_close(
            found.network[name], value, rtol=1e-4, atol=1e-5, msg=lambda text, n=name: f"{n}: {text}"
        )
    moments = [{**found.optimiser["state"]}, {**expected.optimiser["state"]}]
    torch.testing.assert_close(*moments, rtol=1e-3, atol=1e-5)
    same = {"seconds": 0, "loss": pytest.approx(report.loss, rel=1e-5)}
    assert dataclasses.replace(of_two, seconds=0) == dataclasses.replace(report, **same)


@pytest.mark.parametrize("loss", OBJECTIVES)
def test_two_processes_train_what_one_does(pool, pixels, loss):
    compare(pool, job(pixels, loss=loss))


def test_uneven_shares_and_answers_in_the_loss(pool, pixels):
    """Three chunks of 8 and one of 4."""
    compare(pool, job(pixels, clusters_per_batch=7, answer_weight=0.5))


def test_a_process_without_a_chunk_waits(pool, pixels):
    compare(pool, job(pixels, norm_chunk=64))


def test_versions_of_frozen_maps_are_those_of_one_process(pool, tmp_path):
    network = NETWORK.replace(widths=(4, 8, 8), frozen_stages=2)
    form = build_network(network, seed=0).frozen_map(torch.zeros(48, 3, 16, 8)).shape
    files = tuple(tmp_path / f"{version}.npy" for version in range(3))
    for number, file in enumerate(files):
        np.save(file, np.random.default_rng(number).random(form, np.float32).astype(np.float16))
    compare(pool, job(FrozenMaps((48, 16, 8, 3), files, np.arange(48)), network))


def test_fewer_chunks_than_processes_are_told(pool, pixels, caplog):
    engine = SeveralProcesses(2, "cpu")
    engine._pool = pool
    engine.train(job(pixels, norm_chunk=64, iterations=1))
    assert "1 of 2 processes train: a batch of 16 images is 1 chunk of training.norm_chunk=64" in caplog.text


class SmallDevice:
    """Has memory for so many images at a time."""

    def __init__(self, monkeypatch, most):
        embed = ReIDNetwork.embed

        def limited(network, feature_map):
            if len(feature_map) > most:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return embed(network, feature_map)

        monkeypatch.setattr(ReIDNetwork, "embed", limited)


@pytest.mark.parametrize(
    ("most", "words"),
    [
        (9, r"16 images at a time: 8 fit, use extraction\.batch_size=8"),
        (0, "not even the smallest extraction.batch_size"),
    ],
)
def test_extraction_without_enough_memory_names_the_batch_that_fits(pixels, monkeypatch, most, words):
    SmallDevice(monkeypatch, most)
    trained = job(pixels)
    config = ExtractionConfig(batch_size=16)
    of = ExtractionJob(trained.start, NETWORK, pixels, (np.arange(48),), config, device="cpu")
    with pytest.raises(ParameterError, match=words):
        extraction(Ranks(), of)


@pytest.mark.parametrize(
    ("most", "words"),
    [(9, r"8 clusters with 4 images each: 2 fit, use training\.clusters_per_batch=2"), (7, "not even the smallest")],
)
def test_training_without_enough_memory_names_the_clusters_that_fit(pixels, monkeypatch, most, words):
    SmallDevice(monkeypatch, most)
    with pytest.raises(ParameterError, match=words):
        training(Ranks(), job(pixels, clusters_per_batch=8, norm_chunk=32))
