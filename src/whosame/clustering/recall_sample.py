"""Recall of a neighbour search: the share of the true neighbours of some rows, searched exactly, that it finds."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.blocks import in_threads
from whosame.seeding import stream

ROWS = 500
AT_ONCE = 16  # of these: all their similarities are in memory
FOR_AXES = 20_000  # rows that the principal axes are computed of
ROUNDING = 1e-6  # of float32 similarities


@dataclass(frozen=True)
class RecallSample:
    """Some rows and the similarity of the farthest of their true neighbours, in their group and in all others.

    Attributes
    ----------
    rows : int64 [S]
    within, across : int
        How many neighbours of the own group, without the row itself, and of others are looked for.
    least : float32 [S, 2]
        The least similarity of those within and of those across; inf where there is none.
    there : int
        How many true neighbours there are in all.
    """

    rows: NDArray[np.int64]
    within: int
    across: int
    least: NDArray[np.float32]
    there: int

    @classmethod
    def of(cls, unit: NDArray[Any], groups: NDArray[np.int32], within: int, across: int) -> Self:
        """Search the neighbours of a sample of rows exactly.

        Parameters
        ----------
        unit : float [N, D]
            Of unit length.
        groups : int32 [N]
        within, across : int
        """
        n = len(unit)
        rows = np.sort(stream(0, "recall").choice(n, min(ROWS, n), replace=False))
        least = np.full((len(rows), 2), np.inf, np.float32)

        def search(begin: int) -> int:
            some = rows[begin : begin + AT_ONCE]
            near = (unit[some] @ unit.T).astype(np.float32, copy=False)
            near[np.arange(len(some)), some] = -np.inf
            there = 0
            for at, row in enumerate(some):
                own = groups == groups[row]
                for part, (k, members) in enumerate(((within, own), (across, ~own))):
                    found = near[at, members]
                    wanted = min(k, len(found) - (part == 0))
                    if wanted > 0:
                        least[begin + at, part] = np.partition(found, len(found) - wanted)[len(found) - wanted]
                        there += wanted
            return there

        there = sum(in_threads(search, range(0, len(rows), AT_ONCE)))
        return cls(rows, within, across, least, there)

    def recall(self, unit: NDArray[Any], found: NDArray[np.int32], within: int) -> float:
        """Return the share of the true neighbours that is among those found; 1 where there is none.

        Parameters
        ----------
        unit : float [N, D]
        found : int [S, K]
            Of each row of the sample, those of the own group first; -1 is none.
        within : int
            How many columns are of the own group.
        """
        near = np.stack([unit[some] @ unit[row] for row, some in zip(self.rows, found, strict=True)])
        near[found < 0] = -np.inf
        parts = ((near[:, :within], self.within), (near[:, within:], self.across))
        hits = sum(
            np.minimum((part >= self.least[:, at, None] - ROUNDING).sum(axis=1), k).sum()
            for at, (part, k) in enumerate(parts)
        )
        return float(hits / self.there) if self.there else 1.0

    def principal_axes(
        self, unit: NDArray[Any], groups: NDArray[np.int32], dimensions: int, spare: int, loss: float
    ) -> NDArray[np.float32] | None:
        """Return the axes with most of the rows' length, float32 [D, dimensions], if they find the true neighbours.

        None where the features have no more dimensions, or where the share of the true neighbours that is among the
        first by these dimensions, with ``spare`` more of each part, is below 1 - ``loss``.
        """
        if unit.shape[1] <= dimensions:
            return None
        some = unit[stream(0, "axes").choice(len(unit), min(FOR_AXES, len(unit)), replace=False)]
        axes = np.linalg.eigh((some.T @ some).astype(np.float64))[1][:, : -dimensions - 1 : -1].astype(np.float32)

        def first(begin: int) -> NDArray[np.int32]:
            rows = self.rows[begin : begin + AT_ONCE]
            near = ((unit[rows] @ axes) @ axes.T) @ unit.T  # = the inner products of the reduced rows
            near[np.arange(len(rows)), rows] = -np.inf
            own = groups == groups[rows, None]
            parts = [(np.where(own, near, -np.inf), self.within), (np.where(own, -np.inf, near), self.across)]
            return np.hstack([_first(part, k + spare) for part, k in parts if k])

        found = np.concatenate(in_threads(first, range(0, len(self.rows), AT_ONCE)))
        columns = min(self.within + spare, len(unit)) if self.within else 0
        return axes if self.recall(unit, found, columns) > 1 - loss else None


def _first(near: NDArray[Any], k: int) -> NDArray[np.int32]:
    k = min(k, near.shape[1])
    found = np.argpartition(-near, k - 1, axis=1)[:, :k].astype(np.int32)
    found[np.isneginf(np.take_along_axis(near, found, axis=1))] = -1
    return found
