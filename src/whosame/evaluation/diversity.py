"""Selection diversity: how evenly questions are spread over clusters (DCPS, Eq. 7 and 8, Fig. 2)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SelectionDiversity:
    """Spread of the questions over clusters.

    Attributes
    ----------
    shares : float64 [C]
        p_j by ascending label (DCPS, Eq. 7); its histogram is DCPS Fig. 2.
    kl : float
        From the uniform distribution to the smoothed shares, in nats (DCPS, Eq. 8).
    """

    shares: NDArray[np.float64]
    kl: float

    def to_dict(self) -> dict[str, float]:
        """Return the figures by flat names; those that are undefined are left out."""
        figures = {"kl_to_uniform": self.kl} if np.isfinite(self.kl) else {}
        if len(self.shares):
            figures["clusters_asked_share"] = float((self.shares > 0).mean())
        return {f"annotation/{name}": value for name, value in figures.items()}


def selection_diversity(
    shown: NDArray[np.int64], labels: NDArray[np.int64], *, kappa: float = 1.0
) -> SelectionDiversity:
    """Measure how evenly questions were spread over clusters.

    Parameters
    ----------
    shown : int64 [N]
        How often each image was in a question, all rounds so far (``LabelMemory.query_counts``).
    labels : int64 [N]
        The clusters to measure over; outliers are left out.
    kappa : float
        Added to every count, at least 0 (methods.md A.4 #5). With 0 the divergence is infinite, and no metric, until
        every cluster was asked about.
    """
    counts = cluster_counts(shown, labels)
    return SelectionDiversity(selection_shares(counts), kl_to_uniform(counts, kappa=kappa))


def cluster_counts(shown: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
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
    clustered = labels >= 0
    _, cluster = np.unique(labels[clustered], return_inverse=True)
    return np.bincount(cluster, shown[clustered]).astype(np.float64)


def selection_shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
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


def kl_to_uniform(counts: NDArray[np.float64], *, kappa: float = 1.0) -> float:
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
