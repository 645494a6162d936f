"""Membership: how probably an image belongs to the identity that it is given, learnt from the answers."""

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from whosame.memory import LabelMemory
from whosame.strategies.gain.candidates import RATIOS
from whosame.strategies.gain.plda_groups import PLDAGroups
from whosame.strategies.logistic_regression import fit_logistic

BLOCK = 4096  # images compared at once with their nearest clusters
# Weights of the evidence before any answer: constant, likelihood ratio / 10, its lead / 10. Small ones: a network draws
# the clusters that it was trained on together, right or wrong. Between those that fit the truth on the demo's runs.
PRIOR = np.array([-1.5, 0.3, 0.5])
PRECISION = 1.0  # of the prior: inverse variance of each weight

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]


def fit_membership(plda: PLDAGroups, memory: LabelMemory, neighbours: int) -> Numbers:
    """Fit p("an image shows the same individual as the cluster of another one") to the answers about the two.

    Parameters
    ----------
    plda : PLDAGroups
        Of clusters that no answer was applied to: others agree with the answers whatever they are worth.
    memory : LabelMemory
        The answers; each pair counts once, half from either side.
    neighbours : int
        Nearest clusters of each image that may compete for it.

    Returns
    -------
    float64 [3]
        Weights for :func:`membership`; without an answer the prior's.
    """
    pairs = [(a, b, verdict == "same") for a, b, verdict in memory.log if verdict != "unsure"]
    if not pairs:
        return PRIOR
    first, second, same = np.array(pairs, np.int64).T
    rows, others = np.concatenate([first, second]), np.concatenate([second, first])
    evidence = _evidence(plda, rows, plda.group_of[others], neighbours)
    both = np.concatenate([same, same]).astype(np.float64)
    return fit_logistic(evidence, both, PRIOR, PRECISION, counts=np.full(len(both), 0.5))


def membership(plda: PLDAGroups, weights: Numbers, neighbours: int) -> Numbers:
    """Return for each image the probability that it belongs to its cluster, or, as an outlier, to none.

    Parameters
    ----------
    plda : PLDAGroups
        Clusters and outliers in the space of the two-covariance model (``docs/gain.md``).
    weights : float64 [3]
        From :func:`fit_membership`.
    neighbours : int
        Nearest clusters of each image that may compete for it.

    Returns
    -------
    float64 [N]
        In 0..1.

    Notes
    -----
    A logistic curve of the log likelihood ratio between one person and two, and of its lead over the next best cluster
    or none. An image is compared with its own cluster as if it were not in it: it says nothing about itself.
    """
    probability = np.ones(len(plda.points))
    clusters = np.flatnonzero(~plda.is_outlier)
    for begin in range(0, len(plda.points) if len(clusters) else 0, BLOCK):
        rows = np.arange(begin, min(begin + BLOCK, len(plda.points)))
        alone = plda.is_outlier[plda.group_of[rows]]
        near, ratios = _near(plda, rows, neighbours)
        groups = np.where(alone, near[np.arange(len(rows)), ratios.argmax(axis=1)], plda.group_of[rows])
        p = expit(_evidence(plda, rows, groups, neighbours) @ weights)
        probability[rows] = np.where(alone, 1 - p, p)
    return probability


def _evidence(plda: PLDAGroups, rows: Rows, groups: Rows, neighbours: int) -> Numbers:
    """Return the evidence that images belong to groups, float64 [n, 3]: as :data:`PRIOR` weighs it."""
    ratio = _ratio(plda, rows, groups)
    rival = np.zeros(len(rows))  # none: a person without a cluster
    if not plda.is_outlier.all():
        near, ratios = _near(plda, rows, neighbours)
        rival = np.maximum(rival, np.where(near == groups[:, None], -np.inf, ratios).max(axis=1))
    clipped = (np.clip(value, -RATIOS, RATIOS) / 10 for value in (ratio, ratio - rival))
    return np.stack([np.ones(len(rows)), *clipped], axis=1)


def _near(plda: PLDAGroups, rows: Rows, neighbours: int) -> tuple[Rows, Numbers]:
    """Return the clusters near each image, int64 [n, k], and the log likelihood ratio of each, float64 [n, k]."""
    clusters = np.flatnonzero(~plda.is_outlier)
    points = plda.points[rows]
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(plda.model.shrunk(plda.means[clusters], plda.noise[clusters]))
    _, found = index.search(plda.model.shrunk(points, np.ones(len(rows))), min(neighbours, len(clusters)))
    near = clusters[found]
    ratios = _ratio(plda, np.repeat(rows, near.shape[1]), near.ravel())
    return near, ratios.reshape(near.shape)


def _ratio(plda: PLDAGroups, rows: Rows, groups: Rows) -> Numbers:
    """Return the log likelihood ratio of images and groups, without the image itself where it is in the group."""
    means, noise = plda.means[groups], plda.noise[groups]
    inside = np.flatnonzero((plda.group_of[rows] == groups) & (plda.groups.sizes[groups] > 1))
    means[inside], noise[inside] = _without(plda, rows[inside])
    return plda.model.log_ratio(plda.points[rows].astype(np.float64), np.ones(len(rows)), means, noise)


def _without(plda: PLDAGroups, rows: Rows) -> tuple[Numbers, Numbers]:
    """Return mean, float64 [n, d], and noise, float64 [n], of each image's group of two or more without the image."""
    own = plda.group_of[rows]
    left = plda.groups.sizes[own] - 1
    means = (plda.means[own] * (left + 1)[:, None] - plda.points[rows]) / left[:, None]
    cameras = plda.state.cameras + 1
    view = plda.group_of * (cameras.max() + 1) + cameras
    _, which, count = np.unique(view, return_inverse=True, return_counts=True)
    seen = np.diff(plda.views.indptr)[own] - (count[which[rows]] == 1)
    return means, (1 - plda.shared_view) / left + plda.shared_view / seen
