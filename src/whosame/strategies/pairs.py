"""Candidate pairs of images, and the pairs that answers decide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from whosame.memory import LabelMemory


@dataclass(frozen=True)
class Pairs:
    """Pairs of images that a strategy may ask about.

    Attributes
    ----------
    first, second : int64 [P]
        Rows of the training set.
    clusters : int64 [P, 2]
        Positions of their clusters in a :class:`Groups`; the same twice for a pair within a cluster.
    distances : float64 [P]
        The strategy's own distance, for example DCPS's chaotic degree or W2.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    clusters: NDArray[np.int64]
    distances: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)

    @classmethod
    def none(cls) -> "Pairs":
        """Return no pairs."""
        empty = np.empty(0, np.int64)
        return cls(empty, empty, empty.reshape(0, 2), np.empty(0))

    def where(self, mask: NDArray[np.bool_]) -> "Pairs":
        """Return the pairs that a mask [P] keeps."""
        return Pairs(self.first[mask], self.second[mask], self.clusters[mask], self.distances[mask])


def decided_pairs(memory: LabelMemory, n: int) -> csr_array:
    """Return the pairs of ``n`` rows that need no question: decided by transitivity, or answered with "unsure".

    Parameters
    ----------
    memory : LabelMemory
    n : int

    Returns
    -------
    scipy.sparse.csr_array, bool [N, N]
        Symmetric. Row and column of an image that no answer is about are empty.

    Raises
    ------
    ValueError
        The memory holds answers about rows outside 0..n-1.

    Notes
    -----
    Takes as much memory as there are such pairs: for a cannot-link, the product of its components' sizes.
    """
    roots = memory.must_link_roots(n)
    cannot = np.array(memory.differing(memory.parted()), np.int64).reshape(-1, 2)
    rows = np.flatnonzero((np.bincount(roots, minlength=n)[roots] > 1) | np.isin(roots, cannot))
    components, of = np.unique(roots[rows], return_inverse=True)
    count = len(components)
    members = _mask(rows, of, (n, count))
    one, other = np.searchsorted(components, cannot).T
    itself = np.arange(count)
    alike = _mask(np.concatenate([itself, one, other]), np.concatenate([itself, other, one]), (count, count))
    unsure = np.array([(a, b) for a, b, verdict in memory.log if verdict == "unsure"], np.int64).reshape(-1, 2)
    skipped = _mask(unsure.ravel(), unsure[:, ::-1].ravel(), (n, n))
    return csr_array(members @ alike @ members.T + skipped)


def _mask(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> csr_array:
    return coo_array((np.ones(len(rows), bool), (rows, columns)), shape=shape).tocsr()
