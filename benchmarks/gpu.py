"""Every figure of the documentation that needs a GPU, in 8 minutes on one H100 or H200.

ResNet-50 on images of 256 × 128 pixels in bfloat16, at Market-1501's size, with random weights and pixels and drawn
features: nothing is downloaded. Each part has a limit in seconds, within which it does less rather than stop; the two
files, JSON and Markdown, are written again after each part, so that a part that fails costs no other.

    python benchmarks/gpu.py --out=docs/gpu
    python benchmarks/gpu.py --out=/tmp/gpu --parts=step,round --limits=step=120,round=200
    python benchmarks/gpu.py --out=/tmp/gpu --toy        # a small network on a CPU, in seconds: whether the script runs
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
import reid_features

from whosame.clustering import cluster, neighbours
from whosame.data.pixels import MappedPixels
from whosame.evaluation import evaluate_retrieval
from whosame.features.config import ExtractionConfig, NetworkConfig
from whosame.features.device import autocast
from whosame.features.extraction import extract
from whosame.features.network import ReIDNetwork, build_network
from whosame.training import TrainingConfig, fit, make_optimiser
from whosame.training.optimiser import follow_parameters

LIMITS = {"step": 170, "round": 150, "extraction": 40, "neighbours": 90}  # seconds
TARGETS = {"step": 0.9, "rounds_50_minutes": 25}
Figures = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """What is measured: the published setting, or a toy."""

    network: NetworkConfig
    height: int
    width: int
    images: int
    queries: int
    gallery: int
    classes: int
    training: TrainingConfig
    extracted: int
    device: str
    precision: str
    searched: int


PUBLISHED = Size(
    network=NetworkConfig(architecture="resnet50", weights="random"),
    height=256,
    width=128,
    images=12_936,
    queries=3_368,
    gallery=15_913,
    classes=751,
    training=TrainingConfig(iterations=200, images_per_cluster=16, compile=True),
    extracted=512,
    device="cuda",
    precision="bfloat16",
    searched=2_000,
)
TOY = Size(
    network=NetworkConfig(widths=(8, 16), weights="random"),
    height=32,
    width=16,
    images=300,
    queries=20,
    gallery=40,
    classes=30,
    training=TrainingConfig(iterations=4, clusters_per_batch=4, norm_chunk=8),
    extracted=64,
    device="cpu",
    precision="float32",
    searched=50,
)


class Bench:
    """Random pixels on the disk, drawn features, one network."""

    def __init__(self, size: Size, folder: Path) -> None:
        self.size, self.folder, self.on = size, folder, torch.device(size.device)
        self.network: ReIDNetwork = build_network(size.network, seed=0)
        self.labels = np.arange(size.images) % size.classes
        self.batch = size.training.clusters_per_batch * size.training.images_per_cluster

    @cached_property
    def pixels(self) -> MappedPixels:
        """Random images on the disk, from where a round reads them."""
        path, shape = self.folder / "pixels.npy", (self.size.images, self.size.height, self.size.width, 3)
        array = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
        rng = np.random.default_rng(0)
        for begin in range(0, len(array), 512):
            array[begin : begin + 512] = rng.integers(0, 256, array[begin : begin + 512].shape, np.uint8)
        return MappedPixels(path)

    @cached_property
    def features(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Features of as many dimensions as the network's, identities, cameras."""
        return reid_features.features(self.size.images, self.network.dimension)

    def train(self, iterations: int) -> float:
        """Return the seconds of a training, set-up included."""
        config = self.size.training.replace(iterations=iterations)
        cameras = np.arange(self.size.images) % 6
        optimiser = make_optimiser(self.network, config)
        started = time.perf_counter()
        fit(
            self.network,
            optimiser,
            self.pixels,
            np.arange(self.size.images),
            self.labels,
            cameras,
            config,
            round=0,
            rounds=1,
            seed=0,
            device=self.size.device,
            precision=self.size.precision,
            vectors=self.features[0],
        )
        return time.perf_counter() - started

    def bare(self, iterations: int, chunk: int) -> float:
        """Return the seconds of forward, backward and step on random tensors, a batch or chunks of it at a time."""
        self.network.move_to(self.on).train()
        optimiser = make_optimiser(self.network, self.size.training)
        follow_parameters(optimiser)
        forward: Any = self.network.after_frozen()
        if self.size.training.compile:
            forward = torch.compile(forward, dynamic=False)
        images = torch.rand(self.batch, 3, self.size.height, self.size.width, device=self.on)
        parts = images.contiguous(memory_format=self.network.memory_format).split(chunk)
        wanted = torch.randn(self.batch, self.network.dimension, device=self.on)
        self.wait()
        started = time.perf_counter()
        for _ in range(iterations):
            with autocast(self.on, self.size.precision):
                features = torch.cat([forward(part) for part in parts])
            loss = (features * wanted).sum()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        self.wait()
        return time.perf_counter() - started

    def wait(self) -> None:
        """Wait for the GPU."""
        if self.on.type == "cuda":
            torch.cuda.synchronize()

    def peak_gib(self) -> float:
        """Return the most memory of the GPU, or of the process, so far."""
        if self.on.type == "cuda":
            return torch.cuda.max_memory_allocated() / 2**30
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def step(bench: Bench, until: float) -> Figures:
    """Training against the bare loop, in turns; the bare loop has the batch at once, and in our chunks."""
    chunk, iterations = bench.size.training.norm_chunk, min(40, bench.size.training.iterations)
    for size in (bench.batch, chunk):
        bench.bare(3, size)  # compiles
    bench.train(3)
    peak = bench.peak_gib()
    pairs: list[tuple[float, float, float]] = []
    begun = time.perf_counter()
    while len(pairs) < 7 and (not pairs or time.perf_counter() + (time.perf_counter() - begun) / len(pairs) < until):
        pairs.append((bench.train(iterations), bench.bare(iterations, bench.batch), bench.bare(iterations, chunk)))
    images = iterations * bench.batch
    own, whole, chunks = (statistics.median(images / pair[which] for pair in pairs) for which in range(3))
    return {
        "images_per_second": own,
        "bare_loop": whole,
        "bare_loop_in_chunks": chunks,
        "ratio": statistics.median(pair[1] / pair[0] for pair in pairs),
        "ratio_in_chunks": statistics.median(pair[2] / pair[0] for pair in pairs),
        "pairs": len(pairs),
        "peak_gib": peak,
    }


def whole_round(bench: Bench, until: float) -> Figures:
    """Return the seconds of each step of a round of Market-1501's size; training scaled up if time is short."""
    size = bench.size
    bench.train(2)
    one = bench.train(5) / 5
    fits = int((until - time.perf_counter()) * 0.6 / one)
    played = max(5, min(size.training.iterations, fits))
    training = bench.train(played) * size.training.iterations / played
    seconds = {"training": training, "extraction": _seconds(lambda: _extract(bench, size.images))}
    seconds["extraction of the test set"] = _seconds(lambda: _extract(bench, size.queries + size.gallery))
    features, identities, cameras = bench.features
    cluster(features[:200].copy())  # compiles
    seconds["clustering"] = _seconds(lambda: cluster(features, k1=30, eps=0.6))
    query, gallery = (np.arange(count) % size.images for count in (size.queries, size.gallery))
    parts = (features, identities, cameras)
    test = [part[rows] for rows in (query, gallery) for part in parts]
    seconds["evaluation"] = _seconds(lambda: evaluate_retrieval(*test))
    total = sum(seconds.values())
    return {
        "seconds": seconds,
        "iterations_played": played,
        "round_seconds": total,
        "everything_but_training": (total - training) / training,
        "rounds_50_minutes": 50 * total / 60,
        "peak_gib": bench.peak_gib(),
    }


def extraction(bench: Bench, until: float) -> Figures:
    """Images a second, twice or more."""
    rates: list[float] = []
    count = min(bench.size.images, 8 * bench.size.extracted)
    while len(rates) < 2 or (len(rates) < 5 and time.perf_counter() < until):
        rates.append(count / _seconds(lambda: _extract(bench, count)))
    return {"images_per_second": statistics.median(rates[1:]), "batch_size": bench.size.extracted}


def nearest(bench: Bench, until: float) -> Figures:
    """The neighbours found, on a GPU where faiss has one, against float64 products of some rows with all."""
    del until
    features = bench.features[0]
    gpus = getattr(faiss, "get_num_gpus", lambda: 0)()
    neighbours(features[:64], 8)  # compiles
    started = time.perf_counter()
    found = neighbours(features, 30)
    seconds = time.perf_counter() - started
    some = np.linspace(0, len(features) - 1, bench.size.searched).astype(int)
    exact = features[some].astype(np.float64) @ features.astype(np.float64).T
    exact[np.arange(len(some)), some] = np.inf  # a row is its own first neighbour
    expected = np.argsort(-exact, axis=1, kind="stable")[:, : found.indices.shape[1]]
    equal = (np.sort(found.indices[some], axis=1) == np.sort(expected, axis=1)).all(axis=1)
    figures: Figures = {"faiss_gpus": gpus, "seconds": seconds, "equal_sets": float(equal.mean()), "rows": len(some)}
    if gpus:
        started = time.perf_counter()
        faiss.knn(features, features, 38, metric=faiss.METRIC_INNER_PRODUCT)
        figures["seconds_of_the_cpu"] = time.perf_counter() - started
    return figures


def _extract(bench: Bench, count: int) -> None:
    ids = np.arange(count) % bench.size.images
    options = ExtractionConfig(batch_size=bench.size.extracted)
    extract(bench.network, bench.pixels, ids, options, device=bench.size.device, precision=bench.size.precision)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


PARTS = {"step": step, "round": whole_round, "extraction": extraction, "neighbours": nearest}


def machine(size: Size) -> Figures:
    """Return what it was measured on."""
    gpu = torch.cuda.get_device_name() if size.device == "cuda" else None
    return {
        "gpu": gpu,
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "network": size.network.architecture,
        "image": [size.height, size.width],
        "precision": size.precision,
        "batch": size.training.clusters_per_batch * size.training.images_per_cluster,
        "norm_chunk": size.training.norm_chunk,
        "compile": size.training.compile,
    }


def write(out: Path, results: Figures) -> None:
    """Write both files."""
    out.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    lines = [", ".join(f"{name} {value}" for name, value in results["machine"].items()), ""]
    lines += ["| part | figure | value |", "|---|---|---|"]
    for part, figures in results["parts"].items():
        flat = {**figures, **figures.get("seconds", {})} if isinstance(figures.get("seconds"), dict) else figures
        for name, value in flat.items():
            if not isinstance(value, dict):
                shown = f"{value:,.3f}" if isinstance(value, float) and value < 100 else value
                shown = f"{shown:,.0f}" if isinstance(shown, float) else shown
                lines.append(f"| {part} | {name.replace('_', ' ')} | {shown} |")
    out.with_suffix(".md").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Measure the parts in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="of both files, without an ending")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--limits", default="", help="seconds by part: step=120,round=200")
    parser.add_argument("--toy", action="store_true")
    given = parser.parse_args()
    limits = LIMITS | {name: float(s) for name, s in (pair.split("=") for pair in given.limits.split(",") if pair)}
    size = TOY if given.toy else PUBLISHED
    if size.device == "cuda" and not torch.cuda.is_available():
        parser.error("torch sees no GPU; --toy runs on a CPU")
    results: Figures = {"machine": machine(size), "targets": TARGETS, "parts": {}}
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(size, Path(folder))
        _ = bench.pixels, bench.features  # not part of any measurement
        for name in given.parts.split(","):
            started = time.perf_counter()
            try:
                figures = PARTS[name](bench, started + limits[name])
            except Exception:  # noqa: BLE001 - the other parts are measured all the same
                figures, failed = {"failed": traceback.format_exc()}, True
            results["parts"][name] = figures | {"took_seconds": round(time.perf_counter() - started, 1)}
            write(given.out, results)
            print(name, json.dumps(results["parts"][name]), flush=True)
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
