"""Sparse similarities within a cluster, from the Jaccard graph or from features."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.strategies.groups import Groups


@dataclass(frozen=True)
class Similarities:
    """Similarities of n images in sparse rows, symmetric. Absent ones are 0; an image to itself is 1.

    Attributes
    ----------
    indptr : int64 [n + 1]
    indices : int64 [m]
        Images 0..n-1, without the diagonal.
    values : float64 [m]
        In [0, 1].
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def between(self, i: int, j: int) -> float:
        """Return the similarity of two images."""
        row = slice(self.indptr[i], self.indptr[i + 1])
        return 1.0 if i == j else float(self.values[row][self.indices[row] == j].sum())

    def part(self, rows: slice) -> "Similarities":
        """Return the similarities of some rows, whose columns are counted among themselves."""
        indptr = self.indptr[rows.start : rows.stop + 1]
        entries = slice(indptr[0], indptr[-1])
        return Similarities(indptr - indptr[0], self.indices[entries], self.values[entries])


def jaccard_similarities(graph: csr_array, groups: Groups) -> Similarities:
    """Return 1 less the Jaccard distances within all clusters.

    Rows are as ``groups.rows``, columns are counted within their cluster: :meth:`Similarities.part` cuts one out.
    """
    place = np.full(graph.shape[0], -1, np.int64)
    place[groups.rows] = np.arange(len(groups.rows))
    taken = graph[groups.rows]
    left = np.repeat(np.arange(len(groups.rows)), np.diff(taken.indptr))
    right = place[taken.indices]
    inside = right >= 0
    one, other = left[inside], right[inside]
    inside[inside] = (groups.cluster_of[one] == groups.cluster_of[other]) & (one != other)
    left, right = left[inside], right[inside]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(left, minlength=len(groups.rows)))]).astype(np.int64)
    values = (1.0 - taken.data[inside].astype(np.float64)).clip(0, 1)
    return Similarities(indptr, right - groups.starts[groups.cluster_of[right]], values)


def cosine_similarities(features: NDArray[np.float32]) -> Similarities:
    """Return the cosines of L2-normalised features, float32 [n, D]; negative ones are 0."""
    n = len(features)
    others = ~np.eye(n, dtype=bool)
    values = (features @ features.T).clip(0, 1)[others].astype(np.float64)
    return Similarities(np.arange(n + 1) * (n - 1), np.nonzero(others)[1].astype(np.int64), values)
