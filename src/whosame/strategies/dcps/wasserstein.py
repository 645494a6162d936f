"""Wasserstein distances between clusters: which may be one person (DCPS, Sec. 3.4.2, Eq. 6)."""

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.blocks import in_threads
from whosame.strategies.groups import distances, lowest
from whosame.strategies.pairs import Pairs

BLOCK = 1024  # clusters compared with all others at once


def gaussian_points(means: NDArray[np.float32], variances: NDArray[np.float32]) -> NDArray[np.float32]:
    """Write each cluster, taken as a Gaussian with independent dimensions, as the point [mean; deviation].

    Between diagonal Gaussians the trace of Eq. 6 is the sum of squared differences of the standard deviations
    (Olkin and Pukelsheim 1982), so that W2 is the Euclidean distance between these points.

    Parameters
    ----------
    means, variances : float32 [C, D]
        From :meth:`Groups.mean` and :meth:`Groups.dispersion`.

    Returns
    -------
    float32 [C, 2 D]
    """
    return np.hstack([means, np.sqrt(variances)])


def nearest_pairs(
    points: NDArray[np.float32],
    representatives: NDArray[np.int64],
    *,
    neighbours: int,
    squared: bool = False,
    block: int = BLOCK,
) -> Pairs:
    """Pair each cluster's representative with those of its nearest clusters, each pair once.

    Only the nearest clusters of each block are kept: O(C² D) time, O(C) memory for each neighbour.

    Parameters
    ----------
    points : float32 [C, 2 D]
        From :func:`gaussian_points`.
    representatives : int64 [C]
        Representatives, as rows.
    neighbours : int
        Number of nearest clusters that each is paired with; C - 1 or more gives every pair.
    squared : bool
        Whether distances are W2², not W2 (methods.md A.4 #4).
    block : int
        Clusters compared with all others at once.

    Returns
    -------
    Pairs
        Ordered by the two clusters' positions.
    """
    count = len(points)
    wanted = min(neighbours, count - 1)
    if wanted < 1:
        return Pairs.none()
    norms = np.einsum("cd,cd->c", points, points)

    def near_codes(begin: int) -> NDArray[np.int64]:
        some = points[begin : begin + block]
        here = np.arange(begin, begin + len(some))
        ranks = norms - 2 * (some @ points.T)  # of the squared distance, less what is constant in a row
        ranks[here - begin, here] = np.inf
        near = lowest(ranks, wanted)
        codes: NDArray[np.int64] = np.minimum(here[:, None], near) * count + np.maximum(here[:, None], near)
        return codes.ravel()

    codes = in_threads(near_codes, range(0, count, block))
    clusters = np.stack(np.divmod(np.unique(np.concatenate(codes)), count), axis=1)
    apart = distances(points, *clusters.T)
    first, second = representatives[clusters].T
    return Pairs(first, second, clusters, apart**2 if squared else apart)
