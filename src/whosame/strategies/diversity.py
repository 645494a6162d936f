"""How evenly the clusters are asked about (DCPS, Sec. 3.5, Eq. 7, 8 and 11, Fig. 2)."""

import math

import numpy as np
from numpy.typing import NDArray

from whosame.strategies.groups import Groups

Counts = NDArray[np.float64]


def cluster_counts(shown: NDArray[np.int64], labels: NDArray[np.int64]) -> Counts:
    """Return cnt(c): how often images of each cluster were in a question (DCPS, below Eq. 7).

    Counted per image over all rounds, so that it survives re-clustering (methods.md A.4 #7).

    Parameters
    ----------
    shown : int64 [N]
        How often each image was in a question.
    labels : int64 [N]
        Clusters; outliers (negative) are left out.

    Returns
    -------
    float64 [C]
        By ascending label.
    """
    return Groups(labels).total(shown)


def selection_shares(counts: Counts) -> Counts:
    """Return p_j, each cluster's share of the places in questions (DCPS, Eq. 7); zeros before any question.

    Eq. 7 divides by twice the whole budget; here it is by what was spent so far, so that the shares sum to 1 at
    any time. Fig. 2 is the histogram of these.

    Parameters
    ----------
    counts : float64 [C]
        From :func:`cluster_counts`.
    """
    total = counts.sum()
    return counts / total if total > 0 else np.zeros_like(counts, dtype=np.float64)


def kl_to_uniform(counts: Counts, *, kappa: float = 1.0) -> float:
    """Return D_KL(Q‖P) from the uniform distribution over clusters to the shares (DCPS, Eq. 8), in nats.

    Parameters
    ----------
    counts : float64 [C]
        From :func:`cluster_counts`.
    kappa : float
        Added to every count, at least 0 (methods.md A.4 #5). With 0 the result is infinite as long as there is
        a cluster that was never asked about.

    Returns
    -------
    float
        0 when all clusters were asked about equally often, and for no cluster or no question at all.
    """
    smoothed = np.asarray(counts, np.float64) + kappa
    if smoothed.sum() == 0:
        return 0.0
    if (smoothed == 0).any():
        return float("inf")
    return float(np.log(smoothed.mean()) - np.log(smoothed).mean())


def rarity(counts: Counts, first: int, second: int, kappa: float) -> float:
    """Return what a pair would add to the sum of log counts (DCPS, Eq. 11 without its sign and beta).

    Larger for clusters that were rarely asked about. It only shrinks as counts grow, which is what makes the lazy
    greedy exact.

    Parameters
    ----------
    counts : float64 [C]
    first, second : int
        Positions of the clusters of the pair's images; the same twice for a pair within a cluster.
    kappa : float
        Added to every count, above 0.
    """
    one = float(counts[first]) + kappa
    if first == second:
        return math.log((one + 2) / one)
    two = float(counts[second]) + kappa
    return math.log((one + 1) / one) + math.log((two + 1) / two)
