"""How much a cluster is expected to be mixed, by its least central members (MASS-like #5)."""

import numpy as np
from numpy.typing import NDArray

from whosame.strategies.groups import Groups


def impurity(
    values: NDArray[np.float64],
    groups: Groups,
    centre: NDArray[np.int64],
    roots: NDArray[np.int64],
    *,
    tail: float,
) -> NDArray[np.float64]:
    """Return how much each cluster is expected to be mixed: the mean of 1 - centrality over its least central members.

    A member that answers have made one with the centre is no sign of a mixture any more and counts as 0.

    Parameters
    ----------
    values : float64 [N]
        From :func:`whosame.clustering.centrality`.
    groups : Groups
    centre : int64 [C]
        The most central member of each cluster.
    roots : int64 [N]
        From :meth:`LabelMemory.must_link_roots`.
    tail : float
        Share of a cluster's members that are looked at, rounded up; in 0..1.

    Returns
    -------
    float64 [C]
        In 0..1.
    """
    doubt = 1.0 - values[groups.rows]
    doubt[roots[groups.rows] == roots[centre][groups.of]] = 0.0
    order = np.lexsort((-doubt, groups.of))  # within each cluster, the most doubtful first
    count = np.ceil(tail * groups.sizes).astype(np.int64)
    looked_at = order[np.arange(len(order)) - groups.starts[groups.of] < count[groups.of]]
    means: NDArray[np.float64] = np.bincount(groups.of[looked_at], doubt[looked_at], len(groups)) / count
    return means
