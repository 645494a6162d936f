"""Candidate pairs of images: rows, clusters and distances."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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

    def where(self, keep: Callable[[int, int], bool]) -> "Pairs":
        """Return the pairs of rows that ``keep`` accepts."""
        mask = np.fromiter(map(keep, self.first.tolist(), self.second.tolist()), bool, len(self))
        return Pairs(self.first[mask], self.second[mask], self.clusters[mask], self.distances[mask])
