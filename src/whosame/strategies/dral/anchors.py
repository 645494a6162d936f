"""The order in which DRAL's anchors come, each once in a run."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]


class Anchors:
    """Every image in some order, and how many of them were anchors already.

    Parameters
    ----------
    carried : mapping of str to array
        From :meth:`arrays` of the round before; with nothing of DRAL's in it, the order is drawn.
    images : int
        N.
    generator : numpy.random.Generator
        Draws the order.
    """

    def __init__(self, carried: Arrays, images: int, generator: np.random.Generator) -> None:
        given = "dral_anchors" in carried
        self._order = np.array(carried["dral_anchors"] if given else generator.permutation(images), np.int64)
        self._done = int(carried["dral_done"]) if given else 0

    def put_first(self, rows: NDArray[np.int64]) -> None:
        """Move those of some rows that are still to come before all others; both keep their order."""
        coming = self._order[self._done :]
        preferred = np.isin(coming, rows)
        self._order[self._done :] = np.concatenate([coming[preferred], coming[~preferred]])

    def take(self, count: int) -> NDArray[np.int64]:
        """Return the next anchors, int64 [count] or fewer where they end."""
        anchors = self._order[self._done : self._done + count]
        self._done += len(anchors)
        return anchors

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what the next round goes on from."""
        return {"dral_anchors": self._order.copy(), "dral_done": np.array(self._done)}
