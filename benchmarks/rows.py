"""The rows of the benchmarks' table: what is timed at a number of images, and its limit on the same machine.

A row is a function of the number of images that prepares everything and returns :class:`Work`. The limit is the least
that the work could take: a matrix product of the same size, the bare network, the library alone, a copy of memory.
"""

import sqlite3
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from benchmarks import reid_features, training_step
from PIL import Image

from whosame.active_round import RunState, describe_round, play_round, select_pairs
from whosame.annotation.store.store import open_store
from whosame.annotators.oracle import NoisyOracle
from whosame.annotators.record import RoundRecord
from whosame.clustering import (
    ClusteringConfig,
    base_clusters,
    camera_jaccard_graph,
    dbscan,
    enforce,
    jaccard_from_neighbours,
    neighbours,
)
from whosame.data.decoding import decode, in_threads
from whosame.evaluation import evaluate_retrieval
from whosame.features.batches import to_unit
from whosame.features.config import ExtractionConfig, NetworkConfig
from whosame.features.extraction import extract
from whosame.features.network import build_network
from whosame.memory import LabelMemory
from whosame.operating_system import usable_cores
from whosame.questions import Answer, Question
from whosame.simulation import Unkept
from whosame.strategies import registry
from whosame.training import TrainingConfig

DIMENSIONS = 256
SIZE = (64, 32)  # of the images that networks see
PAPERS = ClusteringConfig(distance="jaccard", k1=30, eps=0.6, centre_cameras=False)
FEW = 600  # images on which everything is compiled first


class Work(NamedTuple):
    """What is timed, and its limit."""

    work: Callable[[], object]
    limit: Callable[[], object]
    name: str


class Memory:
    """Pixels in memory."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape = array, array.shape

    def read(self, image_ids: np.ndarray) -> np.ndarray:
        """Return images."""
        return self.array[image_ids]


def product(features: np.ndarray, others: np.ndarray | None = None) -> None:
    """Multiply all rows with all, a block at a time: the limit of a search."""
    columns = (features if others is None else others).T
    for begin in range(0, len(features), 1024):
        np.matmul(features[begin : begin + 1024], columns)


def decoding(n: int) -> Work:
    """JPEG files of 128 × 64 pixels, decoded and resized by threads; Pillow alone, in as many."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(64):
        file = BytesIO()
        Image.fromarray(rng.integers(0, 256, (16, 8, 3), np.uint8)).resize((64, 128)).save(file, "jpeg")
        files.append(file.getvalue())
    given = [files[number % len(files)] for number in range(n)]

    def bare(content: bytes) -> np.ndarray:
        return np.asarray(Image.open(BytesIO(content)).convert("RGB").resize(SIZE[::-1], Image.Resampling.BILINEAR))

    def through(work: Callable[[bytes], np.ndarray]) -> None:
        with ThreadPoolExecutor(usable_cores()) as pool:
            for _ in in_threads(work, given, pool, 64):
                pass

    ours = partial(decode, height=SIZE[0], width=SIZE[1], invert=False)
    return Work(lambda: through(ours), lambda: through(bare), "Pillow")


def extraction(n: int) -> Work:
    """Features of the small network; its forward pass on pixels that are there."""
    network = build_network(NetworkConfig(weights="random"), seed=0)
    pixels = Memory(np.random.default_rng(0).integers(0, 256, (n, *SIZE, 3), np.uint8))
    batches = torch.arange(n).split(64)
    images = to_unit(torch.from_numpy(pixels.array))

    @torch.inference_mode()
    def bare() -> None:
        network.eval()
        for batch in batches:
            network(images[batch[0] : batch[-1] + 1])

    run = partial(extract, network, pixels, np.arange(n), ExtractionConfig(), device="cpu")
    return Work(run, bare, "bare network")


def search(n: int) -> Work:
    """The 30 nearest of every row."""
    features, _, _ = reid_features.features(n, DIMENSIONS)
    return Work(lambda: neighbours(features, 30), lambda: product(features), "matrix product")


def jaccard(n: int) -> Work:
    """Jaccard distances and DBSCAN, after the search; the search's product."""
    features, _, _ = reid_features.features(n, DIMENSIONS)
    near = neighbours(features, 30)

    def run() -> None:
        dbscan(jaccard_from_neighbours(near, features, k1=30, k2=6, max_distance=0.6), eps=0.6, min_samples=4)

    return Work(run, lambda: product(features), "matrix product")


def camera_jaccard(n: int) -> Work:
    """Camera-aware Jaccard distances with their search, and DBSCAN."""
    features, _, cameras = reid_features.features(n, DIMENSIONS)

    def run() -> None:
        dbscan(camera_jaccard_graph(features, cameras, max_distance=0.6), eps=0.6, min_samples=4)

    return Work(run, lambda: product(features), "matrix product")


def constraints(n: int) -> Work:
    """A tenth as many answers as images, enforced on clusters; a copy of the features."""
    features, who, _ = reid_features.features(n, DIMENSIONS)
    draw = np.random.default_rng(1)
    labels = np.where(draw.random(n) < 0.2, -1, who + who.max() * (draw.random(n) < 0.3))
    a, b = draw.integers(0, n, (2, n // 10))
    order = np.argsort(who, kind="stable")
    half = len(a) // 2
    a[:half] = order[draw.integers(0, n - 1, half)]
    b[:half] = order[np.argsort(order)[a[:half]] - 1]
    a, b = a[a != b], b[a != b]
    verdicts = np.where(who[a] == who[b], "same", "different").tolist()
    memory = LabelMemory.from_log(a.tolist(), b.tolist(), verdicts)
    return Work(lambda: enforce(labels, features, memory), features.copy, "memory copy")


def choice(n: int, *, strategy: str) -> Work:
    """A strategy's questions, up to 3,000."""
    features, _, cameras = reid_features.features(n, DIMENSIONS)
    clustering = base_clusters(features, cameras, PAPERS)
    made = registry.make(strategy)
    vertical = np.random.default_rng(0).integers(0, 16, features.shape, np.uint8) if made.needs_vertical else None
    options = {"number": 0, "schedule": [3_000], "seed": 0, "vertical": vertical, "map_height": 16}
    state = describe_round(features, clustering, cameras, RunState(), **options)
    return Work(lambda: select_pairs(made, state), lambda: product(features), "matrix product")


def training(n: int, *, loss: str) -> Work:
    """A round of ten batches on random pixels; the bare loop of ``training_step.py``."""
    network = build_network(NetworkConfig(weights="random"), seed=0)
    training_step.IMAGES, training_step.ANSWERS = n, n // 3
    kind, weight = training_step.LOSSES[loss]
    config = TrainingConfig(loss=kind, answer_weight=weight, iterations=10)
    pixels = Memory(np.random.default_rng(0).integers(0, 256, (n, *SIZE, 3), np.uint8))
    ours = training_step.prepared(network, pixels, config)
    return Work(ours, lambda: training_step.bare(network, SIZE, config), "bare loop")


def evaluation(n: int) -> Work:
    """A fifth of the images as queries against all."""
    features, who, cameras = reid_features.features(n, DIMENSIONS)
    query = np.arange(0, n, 5)
    given = (features[query], who[query], cameras[query], features, who, cameras)
    return Work(lambda: evaluate_retrieval(*given), lambda: product(features[query], features), "matrix product")


def label_store(n: int) -> Work:
    """As many answers as images, committed a hundred at a time and read again; SQLite alone."""
    folder = Path(tempfile.mkdtemp())
    digests = [f"{image:032x}" for image in range(n)]
    draw = np.random.default_rng(0)
    pairs = np.unique(np.sort(draw.integers(0, n, (2 * n, 2)), axis=1), axis=0)
    pairs = draw.permutation(pairs[pairs[:, 0] != pairs[:, 1]])[:n].tolist()
    times = iter(range(1_000))

    def run() -> None:
        with open_store(f"sqlite:///{folder / f'{next(times)}.db'}") as store:
            options = {"run_uid": "a", "run": "a", "round": 0, "image_ids": np.arange(n), "digests": digests}
            record = RoundRecord(store, **options)
            for begin in range(0, n, 100):
                questions = [Question(a, b, "between") for a, b in pairs[begin : begin + 100]]
                record.commit([Answer(question, "same", "oracle", "oracle", 0.0) for question in questions])
            RoundRecord(store, **options)

    def bare() -> None:
        with sqlite3.connect(folder / f"bare-{next(times)}.db") as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("CREATE TABLE answers (a, b, c, d, e, f, g)")
            for begin in range(0, n, 100):
                rows = [(a, b, digests[a], digests[b], "same", "oracle", 0.0) for a, b in pairs[begin : begin + 100]]
                database.executemany("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                database.commit()
            database.execute("SELECT * FROM answers").fetchall()

    return Work(run, bare, "SQLite alone")


def whole_round(n: int) -> Work:
    """Extraction, clusters, 100 questions and answers, training, evaluation; the training's bare loop."""
    features, who, cameras = reid_features.features(n, 128)
    network = build_network(NetworkConfig(weights="random"), seed=0)
    pixels = Memory(np.random.default_rng(0).integers(0, 256, (n, *SIZE, 3), np.uint8))
    config = TrainingConfig(iterations=max(10, n // 64))  # every image about once
    train = training_step.prepared(network, pixels, config, classes=who - 1)
    strategy, query = registry.make("gain"), np.arange(0, n, 5)

    def run() -> None:
        extract(network, pixels, np.arange(n), ExtractionConfig(), device="cpu")
        clustering = base_clusters(features, cameras, PAPERS)
        annotator = NoisyOracle(who, dict.fromkeys(("within", "between", "pool"), 0.0), seed=0)
        record = Unkept([str(row) for row in range(n)])
        given = (strategy, annotator, record, features, clustering, cameras, who, RunState())
        play_round(*given, number=0, schedule=[100], seed=0)
        train()
        extract(network, pixels, np.arange(n), ExtractionConfig(), device="cpu")
        evaluate_retrieval(features[query], who[query], cameras[query], features, who, cameras)

    return Work(run, lambda: training_step.bare(network, SIZE, config), "bare training loop")


def all_rows() -> dict[str, Callable[[int], Work]]:
    """Return every row by its name."""
    rows: dict[str, Callable[[int], Work]] = {
        "decode": decoding,
        "extraction, small network": extraction,
        "neighbour search": search,
        "Jaccard and DBSCAN": jaccard,
        "camera Jaccard and DBSCAN": camera_jaccard,
        "constraints": constraints,
    }
    rows |= {f"choice: {name}": partial(choice, strategy=name) for name in registry.names() if registry.make(name).asks}
    rows |= {f"training: {name}": partial(training, loss=name) for name in training_step.LOSSES}
    rows |= {"evaluation": evaluation, "label store": label_store, "whole round": whole_round}
    return rows
