"""Reliability of a cluster's division: compactness and independence of its groups (UCAL, Eq. 2 and 3)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whosame.strategies.ucal.similarities import Similarities


def reliability(
    similarities: Similarities, groups: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how compact and how independent the groups of a cluster are (Eq. 2 and 3).

    Parameters
    ----------
    similarities : Similarities
        Of the cluster's n members.
    groups : int64 [n]
        The group of each, 0..k-1, none of them empty.

    Returns
    -------
    compactness : float64 [k]
        The least similarity within each group; 1 for a group of one (methods.md B.2 #4).
    independence : float64 [k]
        1 less the greatest similarity of a member to an image of another group of the cluster.
    """
    least, greatest = _extremes(similarities.indptr, similarities.indices, similarities.values, groups)
    return least, 1.0 - greatest


@njit(nogil=True, cache=True)
def _extremes(
    indptr: NDArray[np.int64], indices: NDArray[np.int64], values: NDArray[np.float64], groups: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # pragma: no cover - compiled
    k = groups.max() + 1
    least, greatest = np.ones(k), np.zeros(k)
    sizes, met = np.zeros(k, np.int64), np.zeros(k, np.int64)
    for i in range(len(groups)):
        own = groups[i]
        sizes[own] += 1
        for at in range(indptr[i], indptr[i + 1]):
            if groups[indices[at]] == own:
                met[own] += 1
                least[own] = min(least[own], values[at])
            else:
                greatest[own] = max(greatest[own], values[at])
    for own in range(k):
        if met[own] < sizes[own] * (sizes[own] - 1):  # a pair is absent: its similarity is 0
            least[own] = 0.0
    return least, greatest
