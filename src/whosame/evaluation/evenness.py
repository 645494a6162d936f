"""How evenly the clusters have been asked about (DCPS, Eq. 7 and 8, Fig. 2)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whosame.strategies.diversity import cluster_counts, kl_to_uniform, selection_shares


@dataclass(frozen=True, eq=False)
class SelectionEvenness:
    """How evenly questions were spread over clusters.

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


def selection_evenness(shown: NDArray[np.int64], labels: NDArray[np.int64], *, kappa: float = 1.0) -> SelectionEvenness:
    """Measure how evenly questions were spread over clusters.

    Parameters
    ----------
    shown : int64 [N]
        How often each image was in a question, all rounds so far (``LabelMemory.shown``).
    labels : int64 [N]
        The clusters to measure over; outliers are left out.
    kappa : float
        Added to every count, at least 0 (methods.md A.4 #5). With 0 the divergence is infinite, and no metric, until
        every cluster was asked about.
    """
    counts = cluster_counts(shown, labels)
    return SelectionEvenness(selection_shares(counts), kl_to_uniform(counts, kappa=kappa))
