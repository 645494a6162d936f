"""Training against its limit: images per second of ``fit``, set-up included, over those of a bare loop.

The bare loop is a forward pass, a backward pass and a step of the same optimiser on random tensors that are there
already: no reading, no augmentation, no memory bank, no answers. Both take turns in one process, and the table has the
median over the pairs of their ratio. With ``norm_chunk`` as large as the batch the bare loop passes the batch through
the network at once.

Three ratios: of the time on the clock; of the computing of the thread that has the network, which the first comes near
where another core is free for the thread that reads ahead; of the computing of both, which it comes near where none is.
The last two can be measured on a busy machine, with one thread.

    OMP_NUM_THREADS=1 python benchmarks/training_step.py
    python benchmarks/training_step.py --networks=small --losses=cluster-nce --pairs=9
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch

from whosame.data.pixels import MappedPixels
from whosame.features.config import NetworkConfig
from whosame.features.frozen_maps import FrozenMaps
from whosame.features.network import ReIDNetwork, build_network
from whosame.memory import LabelMemory
from whosame.training import TrainingConfig, fit, make_optimiser
from whosame.training.fit import OBJECTIVES

IMAGES, CLASSES, CAMERAS, ANSWERS = 3_000, 150, 6, 1_000
LITE0 = {"architecture": "timm/tf_efficientnet_lite0", "pooling": "average"}
NETWORKS = {  # with the size of the images, height and width
    "small": ({}, (64, 32)),
    "lite0": (LITE0, (128, 128)),
    "lite0-frozen": ({**LITE0, "frozen_stages": 5}, (128, 128)),  # conf/photos: trained from maps on the disk
}
WEIGHTED = ("cluster-nce", "camera-proxies", "hybrid-memory")  # they take training.answer_weight
LOSSES = {loss: (loss, 0.0) for loss in OBJECTIVES} | {f"{loss}, answers": (loss, 0.5) for loss in WEIGHTED}


class Times(NamedTuple):
    """Seconds."""

    clock: float
    thread: float
    process: float

    @classmethod
    def now(cls) -> Self:
        """Read the three clocks."""
        return cls(time.perf_counter(), time.thread_time(), time.process_time())

    def __sub__(self, earlier: Self) -> Self:
        """Return the time between."""
        return Times(*(now - then for now, then in zip(self, earlier, strict=True)))


def images(network: ReIDNetwork, size: tuple[int, int], folder: Path) -> MappedPixels | FrozenMaps:
    """Write random pixels, or random maps after the frozen stages, as the pipeline has them on the disk."""
    rng = np.random.default_rng(0)
    shape = (IMAGES, *size, 3)
    if not network.frozen_stages:
        np.save(folder / "pixels.npy", rng.integers(0, 256, shape, np.uint8))
        return MappedPixels(folder / "pixels.npy")
    form = frozen_form(network, size)
    files = tuple(folder / f"{version}.npy" for version in range(4))
    for file in files:
        np.save(file, rng.random((IMAGES, *form), np.float32).astype(np.float16))
    return FrozenMaps(shape, files, np.arange(IMAGES))


@torch.inference_mode()
def frozen_form(network: ReIDNetwork, size: tuple[int, int]) -> tuple[int, ...]:
    """Return the shape of what the trained part takes."""
    return tuple(network.frozen_map(torch.zeros(1, 3, *size)).shape[1:])


def answers(classes: np.ndarray) -> LabelMemory:
    """Return answers that agree with the classes: three of ten are "same"."""
    rng, memory = np.random.default_rng(1), LabelMemory()
    while len(memory) < ANSWERS:
        a = int(rng.integers(IMAGES))
        alike = rng.random() < 0.3
        b = int(rng.choice(np.flatnonzero((classes == classes[a]) == alike)))
        if memory.implied(a, b) is None:
            memory.add(a, b, same=alike)
    return memory


def bare(network: ReIDNetwork, size: tuple[int, int], config: TrainingConfig) -> Times:
    """Return the times of the bare loop."""
    network.move_to(torch.device("cpu")).train()
    optimiser = make_optimiser(network, config)
    batch = config.clusters_per_batch * config.images_per_cluster
    given = torch.rand(batch, *frozen_form(network, size)).contiguous(memory_format=network.memory_format)
    wanted = torch.randn(batch, network.dimension)
    after_frozen = network.after_frozen()
    started = Times.now()
    for _ in range(config.iterations):
        loss = (after_frozen(given) * wanted).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return Times.now() - started


def prepared(
    network: ReIDNetwork, pixels: Any, config: TrainingConfig, classes: np.ndarray | None = None
) -> Callable[[], object]:
    """Return a round of training, with all that it is given made before."""
    classes = np.arange(IMAGES) % CLASSES if classes is None else classes
    cameras = np.random.default_rng(2).integers(0, CAMERAS, IMAGES)
    vectors = np.random.default_rng(3).standard_normal((IMAGES, network.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    given = (network, make_optimiser(network, config), pixels, np.arange(IMAGES), classes, cameras, config)
    memory = answers(classes) if config.uses_answers else None
    return partial(fit, *given, round=0, rounds=1, seed=0, device="cpu", vectors=vectors, memory=memory)


def whole(network: ReIDNetwork, pixels: MappedPixels | FrozenMaps, config: TrainingConfig) -> Times:
    """Return the times of a round of training."""
    train = prepared(network, pixels, config)
    started = Times.now()
    train()
    return Times.now() - started


def compare(name: str, losses: list[str], iterations: int, pairs: int) -> None:
    """Print a line a loss."""
    options, size = NETWORKS[name]
    network = build_network(NetworkConfig(weights="random", **options), seed=0)
    with tempfile.TemporaryDirectory() as folder:
        pixels = images(network, size, Path(folder))
        for label in losses:
            loss, weight = LOSSES[label]
            config = TrainingConfig(loss=loss, answer_weight=weight, iterations=iterations)
            whole(network, pixels, config.replace(iterations=3))
            bare(network, size, config.replace(iterations=3))
            times = []
            for _ in range(pairs):
                own = whole(network, pixels, config)
                times.append((own, bare(network, size, config)))
            count = iterations * config.clusters_per_batch * config.images_per_cluster
            rates = [statistics.median(count / pair[which].clock for pair in times) for which in (0, 1)]
            ratios = [statistics.median(limit[kind] / own[kind] for own, limit in times) for kind in range(3)]
            shown = " | ".join(f"{ratio:.3f}" for ratio in ratios)
            print(f"| {name} | {label} | {rates[0]:,.0f} | {rates[1]:,.0f} | {shown} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--losses", default=";".join(LOSSES), help="separated by semicolons")
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=7)
    given = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print("| network | loss | images/s | bare loop | ratio | of the network's thread | of both threads |")
    print("|---|---|---|---|---|---|---|")
    for name in given.networks.split(","):
        compare(name, given.losses.split(";"), given.iterations, given.pairs)


if __name__ == "__main__":
    main()
