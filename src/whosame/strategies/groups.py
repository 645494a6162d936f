"""Clusters as groups of rows, with their means, variances and distances; no N x N matrix, no copy of the features."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.clustering.dbscan import singletons

__all__ = ["Groups", "distances", "lowest", "singletons"]

BLOCK = 256  # rows gathered at once: 2 MiB of 2048 float32 stay in the cache
TOGETHER = 64  # scores whose least is compared first
PAIRS = 128  # pairs compared at once: 2 MiB of 4096 float32 stay in the cache


class Groups:
    """Clusters as positions 0..C-1 and their members, one cluster after the other.

    Parameters
    ----------
    labels : int64 [N]
        Clusters; negative numbers are outliers and belong to no group.

    Attributes
    ----------
    ids : int64 [C]
        Labels of the clusters, ascending.
    rows : int64 [n]
        Members, by cluster, ascending within.
    cluster_of : int64 [n]
        Position of the cluster of each of ``rows``.
    sizes, starts : int64 [C]
        Cluster j is ``rows[starts[j] : starts[j] + sizes[j]]``.
    """

    def __init__(self, labels: NDArray[np.int64]) -> None:
        rows = np.flatnonzero(labels >= 0)
        self.ids, positions = np.unique(labels[rows], return_inverse=True)
        order = np.argsort(positions, kind="stable")
        self.rows = rows[order]
        self.cluster_of = positions[order].astype(np.int64)
        self.sizes = np.bincount(self.cluster_of, minlength=len(self.ids))
        self.starts = np.cumsum(self.sizes) - self.sizes

    def __len__(self) -> int:
        return len(self.ids)

    def members(self, position: int) -> slice:
        """Return where the members of a cluster are in ``rows``."""
        return slice(int(self.starts[position]), int(self.starts[position] + self.sizes[position]))

    def total(self, values: NDArray[np.generic]) -> NDArray[np.float64]:
        """Sum a number per image over each cluster: [N] to float64 [C]."""
        sums = np.bincount(self.cluster_of, values[self.rows].astype(np.float64), len(self))
        return np.asarray(sums, np.float64)  # without groups, bincount returns whole numbers

    def argmin(self, values: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Return the member with the least value in each cluster, int64 [C] rows; the smallest on a tie.

        ``values`` are in the order of ``rows``, [n]. Of the distances to the mean (:meth:`dispersion`), these are the
        representatives of the clusters (DCPS, Eq. 3).
        """
        order = np.lexsort((values, self.cluster_of))  # stable, and rows ascend within a cluster
        chosen: NDArray[np.int64] = self.rows[order[self.starts]]
        return chosen

    def mean(self, values: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return the plain, unnormalised mean of each cluster: [N, D] to float32 [C, D] (A.4 #20)."""
        means = np.zeros((len(self), values.shape[1]), np.float32)
        for part in self._parts():
            self._add(means, part, values[self.rows[part]].astype(np.float32, copy=False))
        means /= self.sizes[:, None]
        return means

    def dispersion(
        self, values: NDArray[np.generic], means: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return how far members lie from the mean, and how much each dimension varies, in one pass.

        Parameters
        ----------
        values : [N, D]
        means : float32 [C, D]
            From :meth:`mean`.

        Returns
        -------
        distances : float32 [n]
            Euclidean distance of each of ``rows`` to the mean of its cluster.
        variances : float32 [C, D]
            Population variance; 0 for a cluster of one.
        """
        distances, variances = np.zeros(len(self.rows), np.float32), np.zeros_like(means)
        for part in self._parts():
            squares = values[self.rows[part]].astype(np.float32, copy=False)
            squares -= means[self.cluster_of[part]]
            squares *= squares
            distances[part] = np.sqrt(squares.sum(axis=1))
            self._add(variances, part, squares)
        variances /= self.sizes[:, None]
        return distances, variances

    def _parts(self) -> Iterator[slice]:
        for begin in range(0, len(self.rows), BLOCK):
            yield slice(begin, min(begin + BLOCK, len(self.rows)))

    def _add(self, sums: NDArray[np.float32], part: slice, values: NDArray[np.float32]) -> None:
        clusters = self.cluster_of[part]  # every cluster from the first to the last of the part occurs in it
        low, high = int(clusters[0]), int(clusters[-1]) + 1
        ones = np.ones(len(clusters), np.float32)
        members = csr_array((ones, (clusters - low, np.arange(len(clusters)))), shape=(high - low, len(clusters)))
        sums[low:high] += members @ values  # five times faster than np.add.reduceat


def distances(points: NDArray[np.float32], first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the Euclidean distance of each pair of rows, float64 [P].

    Computed from the differences: |x|² - 2xy + |y|² loses the digits in which near rows differ.

    Parameters
    ----------
    points : float32 [N, D]
    first, second : int64 [P]
        Rows of ``points``.
    """
    found = np.zeros(len(first))
    for begin in range(0, len(first), PAIRS):
        part = slice(begin, begin + PAIRS)
        differences = points[first[part]]
        differences -= points[second[part]]
        found[part] = np.sqrt(np.einsum("pd,pd->p", differences, differences))
    return found


@njit(nogil=True, cache=True, fastmath={"nnan", "nsz"})
def lowest(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:  # pragma: no cover - compiled
    """Return the columns of the ``k`` least scores of each row, ascending; the smaller column where scores tie.

    One pass: of ten thousand scores hardly any are among the least, and ``np.argpartition`` moves them all.

    Parameters
    ----------
    scores : float32 [B, C]
        Finite or inf.
    k : int
        From 1 to C.

    Returns
    -------
    int64 [B, k]
    """
    columns = np.empty((len(scores), k), np.int64)
    least = np.empty(k, scores.dtype)
    for row in range(len(scores)):
        filled = 0
        for begin in range(0, scores.shape[1], TOGETHER):
            end = min(begin + TOGETHER, scores.shape[1])
            if filled == k:
                low = scores[row, begin]
                for column in range(begin + 1, end):
                    low = min(low, scores[row, column])
                if low >= least[k - 1]:
                    continue
            for column in range(begin, end):
                score = scores[row, column]
                if filled == k and score >= least[k - 1]:
                    continue
                at = filled if filled < k else k - 1
                while at > 0 and least[at - 1] > score:
                    least[at], columns[row, at] = least[at - 1], columns[row, at - 1]
                    at -= 1
                least[at], columns[row, at] = score, column
                filled = min(filled + 1, k)
    return columns
