"""Arrays in the object store of a Ray cluster: a machine fetches a block once, and its processes share it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame.features.batches import Pixels
from whosame.features.frozen_maps import FrozenMaps, read_rows

BLOCK = 64 * 2**20  # bytes


def in_blocks(pixels: Pixels) -> Pixels:
    """Return pixels, or maps after frozen stages, that every machine of the cluster can read.

    What is in files is put into the object store, in whose shared memory it takes as much as on the disk, and which
    moves what has no room to its disks. Pixels that are decoded at every read are returned as they are: they are read
    by path, from a folder that all machines share.
    """
    if isinstance(pixels, FrozenMaps):
        files = [file for file in pixels.files if isinstance(file, Path)]
        put = (Blocks.of(partial(read_rows, file), len(np.load(file, mmap_mode="r"))) for file in files)
        return replace(pixels, files=tuple(put))
    if hasattr(pixels, "path"):
        return BlockPixels(pixels.shape, Blocks.of(pixels.read, pixels.shape[0]))
    return pixels


class Blocks:
    """An array [n, …] in blocks of rows.

    Parameters
    ----------
    rows : int
        Of a block.
    blocks : list of ray.ObjectRef
    """

    def __init__(self, rows: int, blocks: list[Any]) -> None:
        self._rows, self._blocks = rows, blocks

    @classmethod
    def of(cls, read: Callable[[NDArray[np.int64]], NDArray[Any]], n: int) -> "Blocks":
        """Put an array of n rows into the store; ``read`` returns those of given numbers."""
        import ray

        rows = max(1, BLOCK // max(read(np.arange(min(n, 1))).nbytes, 1))
        return cls(rows, [ray.put(read(np.arange(start, min(start + rows, n)))) for start in range(0, n, rows)])

    def read(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows in the order of their numbers."""
        import ray

        of = rows // self._rows
        needed = np.unique(of).tolist() or [0]
        blocks = dict(zip(needed, ray.get([self._blocks[number] for number in needed]), strict=True))
        found = np.empty((len(rows), *blocks[needed[0]].shape[1:]), blocks[needed[0]].dtype)
        for number, block in blocks.items():
            here = of == number
            found[here] = block[rows[here] - number * self._rows]
        return found


class BlockPixels:
    """Pixels in blocks; ``shape`` is (M, H, W, 3)."""

    def __init__(self, shape: tuple[int, int, int, int], blocks: Blocks) -> None:
        self.shape, self._blocks = shape, blocks

    def read(self, image_ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the images' pixels, uint8 [n, H, W, 3], in the order of the ids."""
        return self._blocks.read(image_ids)
