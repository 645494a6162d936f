"""Assignment: images whose cluster is clear after the answers join it."""

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from whosame.clustering.dbscan import OUTLIER, renumber
from whosame.memory import LabelMemory
from whosame.strategies.gain.plda_groups import PLDAGroups

Labels = NDArray[np.int64]
BLOCK = 4096  # images compared at once with their nearest clusters


def assign_clear(plda: PLDAGroups, memory: LabelMemory, *, clear: float, neighbours: int) -> Labels:
    """Let images join the cluster that they belong to with a probability of at least ``clear``.

    An outlier joins; an image of another cluster moves. An image with an answer, or of a known individual, stays where
    that put it, and a cluster that loses all its images but one is dissolved.

    Parameters
    ----------
    plda : PLDAGroups
        Of a state whose labels obey the answers.
    memory : LabelMemory
        The answers.
    clear : float
        In 0..1; 1 moves nothing.
    neighbours : int
        Nearest clusters that each image may belong to; all others are taken as impossible.

    Returns
    -------
    int64 [N]
        Clusters 0..C-1 by smallest row, -1 outliers. Pairs with answers are as they were.

    Notes
    -----
    With equal prior odds an image x belongs to cluster c, of those near it, with probability
    p_c = r_c / (1 + sum_k r_k), where r_k = p(x, k | one person) / p(x, k | two people) is the likelihood ratio of the
    two-covariance model, and the 1 stands for a person without a cluster (``docs/gain.md``).
    """
    labels = plda.state.labels
    clusters = np.flatnonzero(~plda.is_outlier)
    if len(clusters) < 2:
        return labels.copy()
    best, probability = most_probable(plda, clusters, min(neighbours, len(clusters)))
    answered = memory.individuals(len(labels)) >= 0
    answered[[row for a, b, _ in memory.log for row in (a, b)]] = True
    joins = ~answered & (probability >= clear) & (plda.group_of != best)
    placed = labels.copy()
    placed[joins] = plda.state.labels[plda.groups.rows[plda.groups.starts[best[joins]]]]
    sizes = np.bincount(placed[placed > OUTLIER])
    placed[(placed > OUTLIER) & (sizes[placed] < 2)] = OUTLIER
    inside = placed > OUTLIER
    placed[inside] = renumber(placed[inside])
    return placed


def most_probable(
    plda: PLDAGroups, clusters: NDArray[np.int64], wanted: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each image's most probable group among its nearest clusters, int64 [N], and the probability, float64 [N].

    Parameters
    ----------
    plda : PLDAGroups
    clusters : int64 [C]
        The groups that are clusters.
    wanted : int
        How many of them, the nearest of each image, are compared.
    """
    model = plda.model
    index = faiss.IndexFlatL2(plda.points.shape[1])
    index.add(model.shrunk(plda.means[clusters], plda.noise[clusters]))
    best, probability = np.empty(len(plda.points), np.int64), np.empty(len(plda.points))
    for begin in range(0, len(plda.points), BLOCK):
        here = slice(begin, begin + BLOCK)
        points = plda.points[here].astype(np.float64)
        _, near = index.search(model.shrunk(points, np.ones(len(points))), wanted)
        groups = clusters[near].ravel()  # wanted of every image
        images = np.repeat(points, wanted, axis=0)
        ratios = model.log_ratio(images, np.ones(len(images)), plda.means[groups], plda.noise[groups])
        odds = np.concatenate([ratios.reshape(-1, wanted), np.zeros((len(points), 1))], axis=1)
        shares = softmax(odds, axis=1)[:, :-1]
        first = shares.argmax(axis=1)
        best[here] = clusters[near[np.arange(len(near)), first]]
        probability[here] = shares[np.arange(len(near)), first]
    return best, probability
