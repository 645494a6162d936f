"""Label sets of different quality, drawn with known identities, and the truth that an audit of them estimates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whosame.audit.estimates import Estimates, estimate
from whosame.audit.population import Population
from whosame.audit.session import AuditSession
from whosame.evaluation.partition_scores import partition_scores
from whosame.memory import LabelMemory
from whosame.questions import Answer

KINDS = ("clusters", "split", "merged", "mixed", "scattered")
QUALITIES = ("good", "useless", "misleading")  # of p
Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LabelSet:
    """Names of N images, and their true identities.

    Attributes
    ----------
    kind : str
        ``clusters``: k-means with too few or too many means; ``split``: identities divided, by camera or at random;
        ``merged``: identities joined with their nearest; ``scattered``: images moved to other names; ``mixed``: all.
    quality : str
        Of p: ``good``, ``useless`` (nothing to do with the errors), ``misleading`` (errors have a high p).
    labels, truth : int64 [N]
        -1 is an outlier.
    features : float32 [N, D]
    p : float64 [N]
    """

    kind: str
    quality: str
    labels: Rows
    truth: Rows
    features: NDArray[np.float32]
    p: Numbers

    def scores(self) -> dict[str, float]:
        """Return what an audit estimates."""
        names, alone = self.labels.copy(), self.labels < 0
        names[alone] = names.max(initial=-1) + 1 + np.arange(alone.sum())
        found = partition_scores(names, self.truth)
        assert found is not None
        return {
            "precision": found.pairwise_precision,
            "recall": found.pairwise_recall,
            "bcubed_precision": found.bcubed_precision,
            "bcubed_recall": found.bcubed_recall,
            "individuals": float(len(np.unique(self.truth))),
        }


def draw_label_set(
    seed: int, *, images: tuple[int, int] = (400, 2000), noise: tuple[float, float] = (0.2, 0.75)
) -> LabelSet:
    """Draw features with known identities, and names with errors.

    Identities have 1 to 120 images and are in groups that look alike; cameras and views shift the images. Noise from
    0.2 to 0.75 leaves 98 to 50 % of an image's ten nearest neighbours to its own identity.

    Parameters
    ----------
    seed : int
        Kinds and qualities of p follow each other with it.
    images : (int, int)
        Least and greatest number of images.
    noise : (float, float)
        Least and greatest noise of the features.
    """
    g = np.random.default_rng([seed, 77])
    truth, camera, features = _features(g, int(g.integers(*images)), noise)
    kind, quality = KINDS[seed % len(KINDS)], QUALITIES[seed // len(KINDS) % len(QUALITIES)]
    labels = _clusters(g, features, truth) if kind == "clusters" else _damaged(g, kind, features, truth, camera)
    labels = np.where(labels >= 0, np.unique(labels, return_inverse=True)[1], -1).astype(np.int64)
    right = np.zeros(len(labels), dtype=bool)
    for name in np.unique(labels[labels >= 0]):
        rows = np.flatnonzero(labels == name)
        right[rows] = truth[rows] == np.bincount(truth[rows]).argmax()
    shapes = {"good": ((8, 1), (1.5, 2)), "useless": ((1, 1), (1, 1)), "misleading": ((2, 2), (6, 1))}[quality]
    (a, b), (c, d) = shapes
    p = np.where(right, g.beta(a, b, len(labels)), g.beta(c, d, len(labels)))
    return LabelSet(kind, quality, labels, truth, features, p)


def audited(names: LabelSet, questions: int, seed: int) -> tuple[Estimates, AuditSession]:
    """Return the estimates of an audit that is answered with the true identities, and its session."""
    population = Population(names.labels, names.features, names.p)
    session = AuditSession(population, LabelMemory(), questions, seed)
    while session.asked < questions and (batch := session.ask()):
        left = batch[: questions - session.asked]
        same = [names.truth[each.a] == names.truth[each.b] for each in left]
        session.tell([Answer(each, "same" if one else "different") for each, one in zip(left, same, strict=True)])
    return estimate(population, session.results), session


def _features(
    g: np.random.Generator, n: int, noise: tuple[float, float], dimensions: int = 32
) -> tuple[Rows, Rows, NDArray[np.float32]]:
    sizes, mean = list[int](), g.uniform(1.2, 3.6)
    while sum(sizes) < n:
        sizes.append(min(int(np.clip(np.round(g.lognormal(mean, 0.7)), 1, 120)), n - sum(sizes)))
    people = len(sizes)
    truth = np.repeat(np.arange(people), sizes)
    groups = max(1, people // 4)
    alike = g.standard_normal((groups, dimensions))[g.integers(0, groups, people)]
    looks = 0.7 * (alike + g.standard_normal((people, dimensions)))
    camera = g.integers(0, 6, n)
    hard = g.lognormal(0, 0.45, people)[truth] * g.lognormal(0, 0.3, n)
    view = np.unique(truth * 6 + camera, return_inverse=True)[1]
    shift = g.standard_normal((view.max() + 1, dimensions))[view]
    random = g.standard_normal((n, dimensions)) * hard[:, None] + 0.5 * shift
    points = looks[truth] + 0.35 * g.standard_normal((6, dimensions))[camera] + g.uniform(*noise) * random
    return truth, camera, (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def _clusters(g: np.random.Generator, features: NDArray[np.float32], truth: Rows) -> Rows:
    """Return k-means with half to twice as many means as identities; images far from their mean are outliers."""
    k = max(2, min(len(truth) // 2, int((truth.max() + 1) * g.uniform(0.5, 2.0))))
    means = features[g.choice(len(features), k, replace=False)]
    for _ in range(6):
        nearest = (features @ means.T).argmax(axis=1)
        means = np.zeros_like(means)
        np.add.at(means, nearest, features)
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    likeness = features @ means.T
    far = likeness.max(axis=1) < np.quantile(likeness.max(axis=1), g.uniform(0, 0.3))
    return np.where(far, -1, likeness.argmax(axis=1))


def _damaged(g: np.random.Generator, kind: str, features: NDArray[np.float32], truth: Rows, camera: Rows) -> Rows:
    """Return the true identities with errors."""
    n, people, labels = len(truth), int(truth.max()) + 1, truth.copy()
    if kind in ("split", "mixed"):
        cut, parts, by_camera = g.random(people) < g.uniform(0.1, 0.9), g.integers(2, 5, people), g.random(people) < 0.5
        piece = np.where(by_camera[truth], camera, g.integers(0, 60, n)) % parts[truth]
        labels = labels * 8 + piece * cut[truth]
    if kind in ("merged", "mixed"):
        names, labels = np.unique(labels, return_inverse=True)
        means = np.zeros((len(names), features.shape[1]))
        np.add.at(means, labels, features)
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        likeness = means @ means.T
        np.fill_diagonal(likeness, -2)
        joined = g.random(len(names)) < g.uniform(0.05, 0.6)
        labels = np.where(joined, likeness.argmax(axis=1), np.arange(len(names)))[labels]
    if kind in ("scattered", "mixed"):
        moved = g.random(n) < g.uniform(0.01, 0.3)
        labels = np.where(moved, labels[g.integers(0, n, n)], labels)
    if g.random() < 0.6:
        labels = np.where(g.random(n) < g.uniform(0, 0.4), -1, labels)
    return labels
