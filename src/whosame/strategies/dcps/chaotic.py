"""Chaotic degree of cluster members, and the pairs within clusters (DCPS, Sec. 3.4.1, Eq. 5)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from whosame.strategies.groups import Groups
from whosame.strategies.pairs import Pairs


def chaotic_degrees(
    distances: NDArray[np.float32],
    groups: Groups,
    vertical: NDArray[np.uint8] | None = None,
    *,
    map_height: int = 1,
    gamma: float = 0.5,
) -> NDArray[np.float64]:
    """Return how little each image looks like its cluster (DCPS, Eq. 5).

    The feature's distance to the cluster mean, plus gamma times the same for the vertical positions of the
    channels' maxima. Positions are scaled to 0..1 and their distance is divided by the root of the number of
    channels, so that it is a root-mean-square deviation in parts of the image's height (methods.md A.4 #19):
    raw rows would drown the feature's term a hundredfold.

    Parameters
    ----------
    distances : float32 [n]
        Distance of each of ``groups.rows``' features to the mean of its cluster.
    groups : Groups
    vertical : uint8 [N, C], optional
        Row of each channel's maximum in the last feature map; without it the vertical term is left out.
    map_height : int
        Rows of that feature map. With one row there is nothing to compare.
    gamma : float
        Weight of the vertical term, at least 0; 0 leaves it out.

    Returns
    -------
    float64 [n]
        In the order of ``groups.rows``.
    """
    degrees: NDArray[np.float64] = distances.astype(np.float64)
    if vertical is None or gamma == 0 or map_height < 2:
        return degrees
    scale = (map_height - 1) * np.sqrt(vertical.shape[1])
    deviations, _ = groups.dispersion(vertical, groups.mean(vertical))
    degrees += gamma * deviations / scale
    return degrees


def chaotic_pairs(
    degrees: NDArray[np.float64],
    representatives: NDArray[np.int64],
    groups: Groups,
    is_open: Callable[[int, int], bool],
) -> Pairs:
    """Pair each cluster's representative with its most chaotic member that is still undecided (A.4 #15).

    Parameters
    ----------
    degrees : float64 [n]
        From :func:`chaotic_degrees`.
    representatives : int64 [C]
        Representatives, as rows.
    groups : Groups
    is_open : callable
        Tells whether a pair of rows may be asked. A cluster with no such pair gives none.
    """
    found: list[tuple[int, int, int, float]] = []
    for position, representative in enumerate(representatives.tolist()):
        part = groups.members(position)
        rows = groups.rows[part]
        for i in np.argsort(-degrees[part], kind="stable").tolist():
            other = int(rows[i])
            if other != representative and is_open(representative, other):
                found.append((representative, other, position, float(degrees[part][i])))
                break
    table = np.array([pair[:3] for pair in found], np.int64).reshape(-1, 3)
    return Pairs(table[:, 0], table[:, 1], table[:, [2, 2]], np.array([pair[3] for pair in found], np.float64))
