"""Pixels of one size by image_id: decoded once to the disk, or at every read where the disk is too small."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, model_validator

from whosame.atomic import GIB, require_space, writing
from whosame.data.decoding import DECODER, Resize, UnusableImageError, decode, in_threads
from whosame.data.manifest import Manifest
from whosame.errors import InputError
from whosame.operating_system import usable_cores
from whosame.parameters import Parameters, parameter
from whosame.progress import track

IN_WORK = 64  # images in work at once


class PixelsConfig(Parameters):
    """Size and form of the pixels, and how much of the disk they may take."""

    height: int | None = parameter(64, ge=8, le=2048, unit="pixels", source="own choice; papers: 256")
    """Of the images as the network sees them. null, and so the width: from the images' median aspect ratio and area."""
    width: int | None = parameter(32, ge=8, le=2048, unit="pixels", source="own choice; papers: 128")
    """Of the images as the network sees them; null where the height is."""
    area: int = parameter(16384, ge=256, le=4194304, unit="pixels")
    """Where height and width are null: height × width, about. 16384 is 128 × 128."""
    fit: Literal["stretch", "letterbox"] = parameter("stretch", source="papers: stretch")
    """Images of another aspect ratio are stretched, or keep it between bars of grey."""
    resize: Resize | None = parameter(None, takes="bilinear, bicubic or null", source="papers: bicubic")
    """How images are resized. null: as timm says that the network's images are, and bilinear for other networks."""
    invert: bool = False
    """White becomes black: for dark drawings on white paper."""
    disk_budget_gib: NonNegativeFloat = parameter(20.0, unit="GiB", results=False)
    """What would take more is decoded at every read."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.height is None) != (self.width is None):
            raise ValueError("has a height without a width, or a width without a height: give both, or null for both")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, in pixels; :func:`whosame.data.fitting.fitted` gives both where they are null."""
        assert self.height is not None
        assert self.width is not None
        return self.height, self.width


class MappedPixels:
    """Pixels in a memory-mapped ``.npy`` file; ``shape`` is (M, H, W, 3), ``key`` identifies them."""

    def __init__(self, path: Path) -> None:
        self.path, self.key = path, path.stem
        self._array = np.load(path, mmap_mode="r")
        self.shape = self._array.shape

    def read(self, image_ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the images' pixels, uint8 [n, H, W, 3], in the order of the ids."""
        pixels: NDArray[np.uint8] = np.asarray(self._array[image_ids])
        return pixels

    def __reduce__(self) -> tuple[Any, ...]:
        return MappedPixels, (self.path,)  # another process maps the file; the array is not copied


class StreamedPixels:
    """Pixels decoded at every read, by a thread per core; ``shape`` is (M, H, W, 3), ``key`` identifies them."""

    def __init__(self, manifest: Manifest, config: PixelsConfig) -> None:
        self.shape = (len(manifest), *config.size, 3)
        self.key = _key(manifest, config)
        self._manifest, self._config = manifest, config
        self._pool = ThreadPoolExecutor(usable_cores())

    def read(self, image_ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the images' pixels, uint8 [n, H, W, 3], in the order of the ids.

        Raises
        ------
        InputError
            A file is missing or can no longer be decoded.
        """
        pixels = np.empty((len(image_ids), *self.shape[1:]), np.uint8)
        work = partial(_decode_file, config=self._config)
        for row, image in enumerate(in_threads(work, self._manifest.paths(image_ids), self._pool, IN_WORK)):
            pixels[row] = image
        return pixels

    def __reduce__(self) -> tuple[Any, ...]:
        return StreamedPixels, (self._manifest, self._config)  # threads cannot be pickled


Pixels = MappedPixels | StreamedPixels


def open_pixels(manifest: Manifest, config: PixelsConfig, cache: Path) -> Pixels:
    """Return the pixels of all images of a manifest, decoding them first where necessary.

    Parameters
    ----------
    manifest : Manifest of M images
    config : PixelsConfig
        With a height and a width.
    cache : Path
        The project's data folder; the array is in its ``03_pixels``, named by the images' bytes and the size, so that
        another split or other identities of the same images need no decoding.

    Returns
    -------
    Pixels [M, H, W, 3]
        Memory-mapped, or streamed if they take more than ``disk_budget_gib``.

    Raises
    ------
    InputError
        A file is missing or has changed since the manifest was made.
    StorageError
        The disk is full or cannot be written to.
    """
    shape = (len(manifest), *config.size, 3)
    size = int(np.prod(shape, dtype=np.int64))
    if size > config.disk_budget_gib * GIB:
        return StreamedPixels(manifest, config)
    path = cache.resolve() / "03_pixels" / f"{_key(manifest, config)}.npy"
    try:
        return MappedPixels(path)
    except (OSError, ValueError, EOFError):  # absent or damaged
        advice = "lower pixels.height and pixels.width, or decode at every read with pixels.disk_budget_gib=0"
        require_space(path.parent, size, "decoded pixels", advice)
        _decode_all(manifest, config, shape, path)
    return MappedPixels(path)


def _key(manifest: Manifest, config: PixelsConfig) -> str:
    changed = "_bicubic" * (config.resize == "bicubic") + "_inverted" * config.invert
    changed += "_letterbox" * (config.fit == "letterbox")
    height, width = config.size
    return f"{manifest.bytes_digest}_{height}x{width}{changed}_v{DECODER}"


def _decode_all(manifest: Manifest, config: PixelsConfig, shape: tuple[int, ...], path: Path) -> None:
    """Write the images in order: a full disk is then an error, not a crash as with a mapped file."""
    work = partial(_decode_file, config=config)
    with writing(path) as file, ThreadPoolExecutor(usable_cores()) as pool:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for image in track(in_threads(work, manifest.paths(), pool, IN_WORK), "decode", len(manifest)):
            file.write(image.tobytes())


def _decode_file(path: Path, *, config: PixelsConfig) -> NDArray[np.uint8]:
    try:
        return decode(
            path.read_bytes(),
            *config.size,
            invert=config.invert,
            resize=config.resize or "bilinear",
            letterbox=config.fit == "letterbox",
        )
    except UnusableImageError as error:
        raise InputError(f"{path} has changed since it was indexed: {error}. Run again to index it.") from error
    except OSError as error:
        raise InputError(f"{path} was there when indexed, but now {error.strerror}. Run again to index.") from error
