"""Maps after the frozen stages on the disk, read in the place of the pixels that they were computed from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Rows(Protocol):
    """What has a file's rows in the place of the file."""

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float16]:
        """Return rows in the order of their numbers."""


@dataclass(frozen=True, eq=False)
class FrozenMaps:
    """Maps of M images, float16 of any form, such as [C, h, w].

    Attributes
    ----------
    shape : (M, H, W, 3)
        Of the pixels.
    files : tuple of Path or Rows
        ``.npy`` files, a row an image: of all images as they are; then, a file a version, of n augmented images.
    rows : int64 [M]
        Each image's row in the files of the versions, n for an image that is not augmented.
    """

    shape: tuple[int, int, int, int]
    files: tuple[Path | Rows, ...]
    rows: NDArray[np.int64]

    def read(self, image_ids: NDArray[np.int64]) -> NDArray[np.float16]:
        """Return the maps of images as they are, float16 [k, …], in the order of the ids."""
        return read_rows(self.files[0], image_ids)

    def varied(self, rng: np.random.Generator, size: int | None = None, share: slice = slice(None)) -> "VariedMaps":
        """Return the maps of the images to train on: each read gives each image in a version that is drawn for it.

        Parameters
        ----------
        rng : numpy.random.Generator
        size : int, optional
            Images of a batch, for all of which a version is drawn; by default those that are read.
        share : slice
            Which of them are read.
        """
        return VariedMaps(self, rng, size, share)


@dataclass(frozen=True, eq=False)
class VariedMaps:
    """Maps of augmented images in versions drawn at random; one of the versions is the image as it is."""

    maps: FrozenMaps
    rng: np.random.Generator
    size: int | None
    share: slice

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(M, H, W, 3), of the pixels."""
        return self.maps.shape

    def read(self, image_ids: NDArray[np.int64]) -> NDArray[np.float16]:
        """Return a version of each image's map, float16 [k, …], in the order of the ids."""
        version = self.rng.integers(len(self.maps.files), size=self.size or len(image_ids))[self.share]
        found = self.maps.read(image_ids)
        for number, file in enumerate(self.maps.files[1:], start=1):
            found[version == number] = read_rows(file, self.maps.rows[image_ids[version == number]])
        return found


def read_rows(file: Path | Rows, rows: NDArray[np.int64]) -> NDArray[np.float16]:
    """Return rows of a file, in the order of their numbers."""
    if not isinstance(file, Path):
        return file.read(rows)
    found: NDArray[np.float16] = np.asarray(np.load(file, mmap_mode="r")[rows])
    return found
