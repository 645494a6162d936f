"""Decoding of image files to upright RGB pixels, and the reasons why a file cannot be decoded."""

import io
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

T = TypeVar("T")
R = TypeVar("R")

ORIENTATION = 0x0112  # the EXIF tag
SIDEWAYS = frozenset({5, 6, 7, 8})
BYTES_A_PIXEL = 8  # the most that any format read here needs: 16 bits for each of RGBA
FAILURES = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError, Image.DecompressionBombWarning)


class UnusableImageError(Exception):
    """An image that cannot be used; the message is the reason, without the file's name."""


def inspect(content: bytes, max_pixels: float) -> tuple[int, int]:
    """Check that an image can be decoded, and return its upright height and width in pixels.

    JPEGs are decoded at an eighth of their size: all the data is read, so that a truncated file is found at less cost.

    Raises
    ------
    UnusableImageError
        Empty, of no known format, truncated, broken, or of more than ``max_pixels`` pixels.
    """
    if not content:
        raise UnusableImageError("empty file")
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise UnusableImageError(f"{width} × {height} pixels, absurdly large for a crop")
            sideways = image.getexif().get(ORIENTATION) in SIDEWAYS
            image.draft("RGB", (1, 1))
            image.load()
    except UnidentifiedImageError:
        raise UnusableImageError("no image in any known format") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnusableImageError("absurdly large for a crop") from None
    except FAILURES as error:
        raise UnusableImageError(f"truncated or broken: {error}") from None
    return (width, height) if sideways else (height, width)


def decode(content: bytes, height: int, width: int, *, invert: bool) -> NDArray[np.uint8]:
    """Decode an image, turn it upright, and resize it.

    The EXIF orientation is applied; greyscale and palettes become RGB, 16-bit greyscale its upper 8 bits; transparency
    is ignored. Resizing is bilinear over the area that a pixel covers; a JPEG of more than twice the size is first
    reduced by the decoder, which is faster and hardly visible.

    Returns
    -------
    uint8 [height, width, 3]

    Raises
    ------
    UnusableImageError
        The bytes cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(content)) as opened:
            turned = opened.getexif().get(ORIENTATION, 1)
            opened.draft(None, (2 * height, 2 * width) if turned in SIDEWAYS else (2 * width, 2 * height))
            image = ImageOps.exif_transpose(opened) if turned != 1 else opened
            image = eight_bits(image).convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    except FAILURES as error:
        raise UnusableImageError(f"truncated or broken: {error}") from None
    pixels = np.asarray(image)
    return 255 - pixels if invert else pixels


def eight_bits(image: Image.Image) -> Image.Image:
    """Return 16-bit greyscale as its upper 8 bits, which Pillow's own conversion would clip to white; others as is."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image, np.uint32) >> 8).astype(np.uint8))


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads(work: Callable[[T], R], items: Iterable[T], pool: ThreadPoolExecutor, ahead: int) -> Iterator[R]:
    """Yield ``work(item)`` in order, ``ahead`` of them in work. Threads suffice: Pillow decodes outside the GIL."""
    source = iter(items)
    futures = [pool.submit(work, item) for item in islice(source, ahead)]
    while futures:
        yield futures.pop(0).result()
        futures += [pool.submit(work, item) for item in islice(source, 1)]
