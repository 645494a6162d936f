"""Several processes against one on a CPU: seconds of an extraction and of a training, and whether results differ.

One process has all cores as threads, as it has by default; several share them. Starting the processes, once a command,
is timed apart.

    python benchmarks/processes.py
    python benchmarks/processes.py --architecture=small --height=64 --width=32 --processes=2
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from whosame.data.pixels import MappedPixels
from whosame.distributed.engine import Engine, OneProcess
from whosame.distributed.extraction import ExtractionJob
from whosame.distributed.several_processes import SeveralProcesses
from whosame.distributed.training import TrainingJob
from whosame.features.config import ExtractionConfig, NetworkConfig
from whosame.features.network import build_network
from whosame.memory import LabelMemory
from whosame.operating_system import usable_cores
from whosame.training import Checkpoint, TrainingConfig, make_optimiser

IMAGES, CLASSES = 512, 64


def jobs(options: argparse.Namespace, folder: Path) -> tuple[ExtractionJob, TrainingJob]:
    """Return both jobs, on random pixels."""
    rng = np.random.default_rng(0)
    np.save(folder / "pixels.npy", rng.integers(0, 256, (IMAGES, options.height, options.width, 3), np.uint8))
    pixels = MappedPixels(folder / "pixels.npy")
    network = NetworkConfig(architecture=options.architecture, weights="random")
    config = TrainingConfig(iterations=options.iterations, norm_chunk=64 // options.processes)
    made = build_network(network, seed=0)
    start = Checkpoint.of(made, make_optimiser(made, config), network, rounds=0)
    vectors = rng.standard_normal((IMAGES, made.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids, labels = np.arange(IMAGES), np.arange(IMAGES) % CLASSES
    cameras = np.full(IMAGES, -1)
    extraction = ExtractionJob(start, network, pixels, (ids,), ExtractionConfig(batch_size=32), device="cpu")
    training = TrainingJob(
        start,
        network,
        pixels,
        ids,
        labels,
        cameras,
        config,
        round=0,
        rounds=1,
        seed=0,
        vectors=vectors,
        memory=LabelMemory(),
        device="cpu",
    )
    return extraction, training


def seconds(engine: Engine, extraction: ExtractionJob, training: TrainingJob) -> tuple[float, float, float]:
    """Return the seconds of both, and the loss."""
    started = time.perf_counter()
    engine.extract(extraction)
    extracted = time.perf_counter()
    _, report = engine.train(training)
    return extracted - started, time.perf_counter() - extracted, report.loss


def main() -> None:
    """Print a line for each number of processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", default="resnet18")
    parser.add_argument("--height", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--iterations", type=int, default=8)
    parser.add_argument("--processes", type=int, default=usable_cores())
    options = parser.parse_args()
    torch.set_num_threads(usable_cores())
    with tempfile.TemporaryDirectory() as folder:
        extraction, training = jobs(options, Path(folder))
        several = SeveralProcesses(options.processes, "cpu")
        started = time.perf_counter()
        few = dataclasses.replace(extraction, image_ids=(np.arange(4),))
        several.extract(few)
        print(f"start of {options.processes} processes: {time.perf_counter() - started:.1f} s")
        for name, engine in ((1, OneProcess()), (options.processes, several)):
            engine.extract(few)
            extracted, trained, loss = seconds(engine, extraction, training)
            print(
                f"processes={name}: {IMAGES / extracted:.0f} images/s extracted, "
                f"{64 * options.iterations / trained:.0f} images/s trained, loss {loss:.7f}"
            )
        several.pool.close()


if __name__ == "__main__":
    main()
