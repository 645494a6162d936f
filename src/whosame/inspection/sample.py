"""A drawn sample of a folder as a manifest of its own, with the pixels that the configured network sees."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from whosame.data.decoding import UnusableImageError, in_threads, inspect
from whosame.data.fitting import fitted
from whosame.data.manifest import DEFAULTS, SCHEMA, Manifest, as_table
from whosame.data.pixels import PixelsConfig, StreamedPixels
from whosame.data.readers.base import ImageFile
from whosame.features.backbones import check_image_size, input_settings
from whosame.features.config import NetworkConfig
from whosame.inspection.draw import Draw
from whosame.operating_system import usable_cores
from whosame.progress import track

IN_WORK = 64  # images in work at once
HELD = 2**30  # bytes of pixels in memory at most


@dataclass(frozen=True)
class Sample:
    """Some images of a folder.

    Attributes
    ----------
    manifest : Manifest of n images
        All of them for training; no identity.
    damaged : dict of str to str
        Paths of drawn files that cannot be decoded, with the reason.
    inspection : float
        Seconds that reading and checking an image took, as a run does when it indexes the folder.
    """

    manifest: Manifest
    damaged: dict[str, str]
    inspection: float


@dataclass(frozen=True, eq=False)
class HeldPixels:
    """Pixels in memory, uint8 [n, H, W, 3]; ``decoding``: seconds that an image took."""

    array: NDArray[np.uint8]
    decoding: float

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, H, W, 3)."""
        n, height, width, channels = self.array.shape
        return n, height, width, channels

    def read(self, image_ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the images' pixels, uint8 [k, H, W, 3], in the order of the ids."""
        return self.array[image_ids]


def draw_sample(
    root: Path, files: Sequence[ImageFile], cameras: Mapping[str, int], *, size: int, seed: int, max_pixels: float
) -> Sample:
    """Draw files, read and check them.

    Parameters
    ----------
    root : Path
    files : sequence of ImageFile
        Those to draw from.
    cameras : mapping of str to int
        By path; others are unknown.
    size : int
        How many are drawn at most.
    seed : int
    max_pixels : float
        A larger image cannot be used.
    """
    draw = Draw[ImageFile](size, seed=seed, purpose="sample")
    for file in files:
        draw.offer(file.path, file)
    drawn, started = draw.drawn(), time.perf_counter()
    with ThreadPoolExecutor(usable_cores()) as pool:
        work = partial(_checked, root=root, max_pixels=max_pixels)
        found = list(track(in_threads(work, drawn, pool, IN_WORK), "sample", len(drawn)))
    seconds = (time.perf_counter() - started) / max(len(drawn), 1)
    usable = [(file, each) for file, each in zip(drawn, found, strict=True) if not isinstance(each, str)]
    columns = {
        "path": [file.path for file, _ in usable],
        "split": ["train"] * len(usable),
        "camera": [cameras.get(file.path, -1) for file, _ in usable],
        "identity": [None] * len(usable),
        "height": [height for _, (_, height, _) in usable],
        "width": [width for _, (_, _, width) in usable],
        "digest": [digest for _, (digest, _, _) in usable],
        **{name: [value] * len(usable) for name, value in DEFAULTS.items()},
    }
    manifest = Manifest(root, root.name, as_table(pa.table(columns, schema=SCHEMA)))
    damaged = {file.path: each for file, each in zip(drawn, found, strict=True) if isinstance(each, str)}
    return Sample(manifest, damaged, seconds)


def pixels_config(config: PixelsConfig, network: NetworkConfig, manifest: Manifest) -> PixelsConfig:
    """Return height, width and resizing of the pixels, chosen from the sample's shapes where they are not given.

    Raises
    ------
    ParameterError
        The network does not take images of that size.
    """
    expected = input_settings(network)
    config = fitted(config, manifest, only=expected.size, multiple=expected.multiple)
    check_image_size(network, *config.size)
    return config.replace(resize=config.resize or expected.resize)


def decode_sample(manifest: Manifest, config: PixelsConfig) -> HeldPixels:
    """Decode the images of a sample, the first ones of it if all are too many for the memory.

    Parameters
    ----------
    manifest : Manifest of n images
    config : PixelsConfig
        With a height and a width.
    """
    streamed = StreamedPixels(manifest, config)
    count = min(len(manifest), max(HELD // int(np.prod(streamed.shape[1:])), 1))
    held, started = np.empty((count, *streamed.shape[1:]), np.uint8), time.perf_counter()
    for begin in track(range(0, count, IN_WORK), "decode", -(-count // IN_WORK)):
        ids = np.arange(begin, min(begin + IN_WORK, count))
        held[ids] = streamed.read(ids)
    return HeldPixels(held, (time.perf_counter() - started) / max(count, 1))


def _checked(file: ImageFile, *, root: Path, max_pixels: float) -> tuple[str, int, int] | str:
    """Return digest, height and width of a file, or why it cannot be used."""
    try:
        content = (root / file.path).read_bytes()
        height, width = inspect(content, max_pixels)
    except UnusableImageError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return hashlib.blake2b(content, digest_size=16).hexdigest(), height, width
