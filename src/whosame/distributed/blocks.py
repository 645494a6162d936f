"""Pixels in the object store of a Ray cluster: a machine fetches a block once, and its processes share it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame.features.batches import Pixels

BLOCK = 64 * 2**20  # bytes


def in_blocks(pixels: Pixels) -> Pixels:
    """Return pixels that every machine of the cluster can read.

    Pixels in a file, ``path``, are put into the object store, in whose shared memory they take H × W × 3 bytes an image
    and which moves what has no room to its disks. Others (maps of frozen stages, pixels that are decoded at every read)
    are returned as they are: they are read by path, from a folder that all machines share.
    """
    if not hasattr(pixels, "path"):
        return pixels
    import ray

    rows = max(1, BLOCK // int(np.prod(pixels.shape[1:])))
    starts = range(0, pixels.shape[0], rows)
    blocks = [ray.put(pixels.read(np.arange(start, min(start + rows, pixels.shape[0])))) for start in starts]
    return BlockPixels(pixels.shape, rows, blocks)


class BlockPixels:
    """Pixels in blocks of rows; ``shape`` is (M, H, W, 3).

    Parameters
    ----------
    shape : (M, H, W, 3)
    rows : int
        Images of a block.
    blocks : list of ray.ObjectRef
        Each uint8 [rows, H, W, 3].
    """

    def __init__(self, shape: tuple[int, int, int, int], rows: int, blocks: list[Any]) -> None:
        self.shape, self._rows, self._blocks = shape, rows, blocks

    def read(self, image_ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the images' pixels, uint8 [n, H, W, 3], in the order of the ids."""
        import ray

        pixels = np.empty((len(image_ids), *self.shape[1:]), np.uint8)
        of = image_ids // self._rows
        needed = np.unique(of).tolist()
        for number, block in zip(needed, ray.get([self._blocks[number] for number in needed]), strict=True):
            here = of == number
            pixels[here] = block[image_ids[here] - number * self._rows]
        return pixels
