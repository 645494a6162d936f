"""Greedy choice of pairs by distance and diversity (DCPS, Sec. 3.6, Eq. 9 to 11)."""

import heapq
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]


class LazyGreedy:
    """Take the pair with the least o = cost - weight × rarity, again and again (DCPS, Eq. 10).

    Counts only grow, so a pair's o only rises, and one computed earlier is a lower bound: only the pair on top of
    the heap needs another look (Minoux 1978). O((P + T) log P) where the literal loop is O(P T), with the same
    result; the pair of smaller index wins a tie.

    Parameters
    ----------
    costs : float64 [P]
        The pairs' scaled distances; negative where far is wanted.
    clusters : int64 [P, 2]
        As in :class:`whosame.strategies.pairs.Pairs`.
    counts : float64 [C]
        cnt(c), raised in place with every pair taken, so that several stages can share it.
    weight : float
        lambda of methods.md A.4 #6, at least 0.
    kappa : float
        Smoothing of the counts, above 0.
    """

    def __init__(
        self,
        costs: NDArray[np.float64],
        clusters: NDArray[np.int64],
        counts: Counts,
        *,
        weight: float,
        kappa: float,
    ) -> None:
        self._costs, self._clusters, self._counts = costs.tolist(), clusters.tolist(), counts
        self._weight, self._kappa = weight, kappa
        self._heap = [(self._increment(index), index) for index in range(len(costs))]
        heapq.heapify(self._heap)

    def take(self, accept: Callable[[int], bool] = lambda _: True) -> tuple[int, float] | None:
        """Take the best pair that is accepted.

        Parameters
        ----------
        accept : callable
            Asked with the index of the best pair; a pair refused is never offered again.

        Returns
        -------
        tuple of int and float, or None
            The pair's index and its o; None when no pair is left.
        """
        while self._heap:
            key, index = self._heap[0]
            now = self._increment(index)
            if now > key:
                heapq.heapreplace(self._heap, (now, index))
                continue
            heapq.heappop(self._heap)
            if accept(index):
                for cluster in self._clusters[index]:
                    self._counts[cluster] += 1
                return index, now
        return None

    def _increment(self, index: int) -> float:
        first, second = self._clusters[index]
        return float(self._costs[index] - self._weight * rarity(self._counts, first, second, self._kappa))


def rarity(counts: Counts, first: int, second: int, kappa: float) -> float:
    """Return what a pair would add to the sum of log counts (DCPS, Eq. 11 without its sign and beta).

    Larger for clusters that were rarely asked about. It only shrinks as counts grow, which makes the lazy greedy exact.

    Parameters
    ----------
    counts : float64 [C]
    first, second : int
        Positions of the clusters of the pair's images; the same twice for a pair within a cluster.
    kappa : float
        Added to every count, above 0.
    """
    one = float(counts[first]) + kappa
    if first == second:
        return math.log((one + 2) / one)
    two = float(counts[second]) + kappa
    return math.log((one + 1) / one) + math.log((two + 1) / two)
