"""Pair constraints: must-links and cannot-links among the images that are trained on."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.memory import LabelMemory

Positions = NDArray[np.int64]


class PairConstraints:
    """Must-links and cannot-links, closed under transitivity, among some images of the training set.

    Parameters
    ----------
    memory : LabelMemory
        Answers about rows 0..N-1.
    rows : int64 [n]
        The images; below they are positions 0..n-1.
    total : int
        N.

    Attributes
    ----------
    roots : int64 [n]
        The must-link component of each image.
    """

    def __init__(self, memory: LabelMemory, rows: NDArray[np.int64], total: int) -> None:
        self.roots = memory.must_link_roots(total)[rows]
        a, b = memory.cannot_links().T
        self._apart = csr_array(
            (np.ones(2 * len(a), bool), (np.concatenate([a, b]), np.concatenate([b, a]))), shape=(total, total)
        )

    def same(self, a: Positions, b: Positions) -> NDArray[np.bool_]:
        """Return which pairs are known to be two images of one person, bool [len(a), len(b)]."""
        together: NDArray[np.bool_] = (self.roots[a][:, None] == self.roots[b][None]) & (a[:, None] != b[None])
        return together

    def different(self, a: Positions, b: Positions) -> NDArray[np.bool_]:
        """Return which pairs are known to be two persons, bool [len(a), len(b)]."""
        apart: NDArray[np.bool_] = self._apart[self.roots[a]][:, self.roots[b]].toarray()
        return apart

    def cannot_linked(self, root: int) -> Positions:
        """Return the components that are known to be other people than a component."""
        return self._apart.indices[self._apart.indptr[root] : self._apart.indptr[root + 1]].astype(np.int64)

    def related(self, images: Positions) -> Positions:
        """Return every image with a must-link or cannot-link to one of these, ascending."""
        components = np.unique(self.roots[images])
        wanted = np.zeros(self._apart.shape[0], bool)
        wanted[components] = np.bincount(self.roots, minlength=len(wanted))[components] > 1
        wanted[self._apart[components].indices] = True
        return np.flatnonzero(wanted[self.roots])
