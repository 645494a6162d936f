"""Pair constraints: must-links and cannot-links among the images that are trained on, and likely pairs."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.memory import LabelMemory
from whosame.questions import LikelyPairs

Positions = NDArray[np.int64]


class PairConstraints:
    """Must-links and cannot-links, closed under transitivity, among some images of the training set.

    Parameters
    ----------
    memory : LabelMemory
        Answers about rows 0..N-1.
    rows : int64 [n]
        The images, ascending; below they are positions 0..n-1.
    total : int
        N.
    likely : LikelyPairs, optional
        About rows 0..N-1. Nothing follows from them, and a pair that the answers decide is decided by the answers.

    Attributes
    ----------
    roots : int64 [n]
        The must-link component of each image.
    """

    def __init__(
        self, memory: LabelMemory, rows: NDArray[np.int64], total: int, likely: LikelyPairs | None = None
    ) -> None:
        self.roots = memory.must_link_roots(total)[rows]
        first, second = memory.cannot_links().T
        self._apart = symmetric(first, second, np.ones(len(first), bool), total)
        of_all = memory.individuals(total)
        self._individuals = of_all[rows]
        self._named = np.unique(memory.must_link_roots(total)[of_all >= 0])  # a component each
        a, b, same = likely or (rows[:0], rows[:0], np.empty(0, np.float32))
        self._same = symmetric(a, b, same, total)[rows][:, rows]
        self._different = symmetric(a, b, 1 - same, total)[rows][:, rows]

    def same(self, a: Positions, b: Positions) -> NDArray[np.bool_]:
        """Return which pairs are known to be two images of one person, bool [len(a), len(b)]."""
        together: NDArray[np.bool_] = (self.roots[a][:, None] == self.roots[b][None]) & (a[:, None] != b[None])
        return together

    def different(self, a: Positions, b: Positions) -> NDArray[np.bool_]:
        """Return which pairs are known to be two persons, bool [len(a), len(b)]."""
        apart: NDArray[np.bool_] = self._apart[self.roots[a]][:, self.roots[b]].toarray()
        one, other = self._individuals[a][:, None], self._individuals[b][None]
        apart |= (one >= 0) & (other >= 0) & (one != other)
        return apart

    def shares(self, a: Positions, b: Positions) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return how far pairs count as one person and as two, float32 [len(a), len(b)] each.

        By the answers 1 and 0 or 0 and 1, for a likely pair p and 1 - p, otherwise 0 and 0.
        """
        together, apart = self.same(a, b), self.different(a, b)
        open_ = ~(together | apart)
        same: NDArray[np.float32] = together + open_ * self._same[a][:, b].toarray()
        different: NDArray[np.float32] = apart + open_ * self._different[a][:, b].toarray()
        return same.astype(np.float32), different.astype(np.float32)

    @property
    def components(self) -> int:
        """A number above those of all components."""
        return int(self._apart.shape[0])

    def cannot_linked(self, root: int) -> Positions:
        """Return the components that are known to be other people than a component, ascending."""
        answered = self._apart.indices[self._apart.indptr[root] : self._apart.indptr[root + 1]].astype(np.int64)
        answered.sort()
        return np.union1d(answered, self._named[self._named != root]) if root in self._named else answered

    def related(self, images: Positions) -> Positions:
        """Return every image with a must-link or cannot-link to one of these, or likely, ascending."""
        components = np.unique(self.roots[images])
        wanted = np.zeros(self._apart.shape[0], bool)
        wanted[components] = np.bincount(self.roots, minlength=len(wanted))[components] > 1
        wanted[self._apart[components].indices] = True
        known = np.intersect1d(components, self._named)
        if len(known):
            wanted[self._named if len(known) > 1 else self._named[self._named != known]] = True
        return np.union1d(np.flatnonzero(wanted[self.roots]), self._same[images].indices)


def symmetric(a: NDArray[np.int64], b: NDArray[np.int64], values: NDArray[np.generic], n: int) -> csr_array:
    """Return the sparse matrix [n, n] with values at (a, b) and (b, a)."""
    places = np.concatenate([a, b]), np.concatenate([b, a])
    return csr_array((np.concatenate([values, values]), places), shape=(n, n))
