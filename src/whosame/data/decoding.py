"""Decoding of image files to upright RGB pixels, and the reasons why a file cannot be decoded."""

import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.Image import Transpose
from PIL.TiffImagePlugin import TiffImageFile

Resize = Literal["bilinear", "bicubic"]

T = TypeVar("T")
R = TypeVar("R")

DECODER = 2  # version; raise it when the same file gives other pixels, another size, or is accepted otherwise
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # PPM: PGM too. For others, Pillow may start a program
JPEGS = ("JPEG", "MPO")  # MPO: one with several pictures
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
GREY = (124, 116, 104)  # of the bars beside an image that keeps its aspect ratio: ImageNet's mean
BYTES_A_PIXEL = 8  # the most that any format read here needs: 16 bits for each of RGBA

# EXIF and TIFF tags
BITS_PER_SAMPLE, PHOTOMETRIC, ORIENTATION, SAMPLE_FORMAT = 258, 262, 274, 339
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
SIDEWAYS = frozenset(TURNS[orientation] for orientation in (5, 6, 7, 8))

PILLOWS_WARNINGS = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


class UnusableImageError(Exception):
    """An image that cannot be used; the message is the reason, without the file's name."""


class Upright(NamedTuple):
    """An image as RGB of 8 bits, perhaps reduced, and the height and width of the file's own, all upright."""

    pixels: Image.Image
    height: int
    width: int


def inspect(content: bytes, max_pixels: float) -> tuple[int, int]:
    """Check that an image can be decoded, and return its upright height and width in pixels.

    JPEGs are decoded at an eighth of their size: all the data is read, so that a truncated file is found at less cost.

    Raises
    ------
    UnusableImageError
        Empty, of no format that is read, truncated, damaged, of more than ``max_pixels`` pixels, or of pixels whose
        range is not known.
    """
    with opened(content) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise UnusableImageError(f"{width} × {height} pixels, absurdly large for a crop")
        found = upright(image, at_least=(1, 1))
    return found.height, found.width


def decode(
    content: bytes, height: int, width: int, *, invert: bool, resize: Resize = "bilinear", letterbox: bool = False
) -> NDArray[np.uint8]:
    """Decode an image, turn it upright, and resize it.

    With ``letterbox`` the image keeps its aspect ratio, in the middle of bars of grey (``GREY``).

    Resizing is over the area that a pixel covers. ``bilinear``: a JPEG of more than twice the size is first reduced by
    the decoder, which is faster and hardly visible. ``bicubic``: from all pixels, as torchvision resizes.

    Returns
    -------
    uint8 [height, width, 3]

    Raises
    ------
    UnusableImageError
        As for :func:`inspect`. What that accepts can be decoded.
    """
    with opened(content) as image:
        reduced = (2 * height, 2 * width) if resize == "bilinear" else None
        found = upright(image, at_least=reduced)
        if letterbox:
            scale = min(height / found.height, width / found.width)
            inside = max(1, round(found.width * scale)), max(1, round(found.height * scale))
            resized = Image.new("RGB", (width, height), GREY)
            left, top = (width - inside[0]) // 2, (height - inside[1]) // 2
            resized.paste(found.pixels.resize(inside, FILTERS[resize]), (left, top))
        else:
            resized = found.pixels.resize((width, height), FILTERS[resize])
    pixels = np.asarray(resized)
    return 255 - pixels if invert else pixels


@contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """Open an image in one of ``FORMATS``; nothing else in the package opens one.

    Raises
    ------
    UnusableImageError
        It cannot be opened, or what is done with it in the block fails.
    """
    if PILLOWS_WARNINGS not in warnings.filters:  # never for a block: that would not be safe in threads
        warnings.filterwarnings("ignore", module=r"PIL\.")
    if not content:
        raise UnusableImageError("empty file")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:  # noqa: TID251 - here only
            yield image
    except UnusableImageError:
        raise
    except UnidentifiedImageError:
        raise UnusableImageError(f"damaged, or no image in a known format ({', '.join(FORMATS)})") from None
    except Image.DecompressionBombError:
        raise UnusableImageError("absurdly large for a crop") from None
    except Exception as error:  # noqa: BLE001 - damaged files bring Pillow to any
        raise UnusableImageError(f"truncated or damaged: {error or type(error).__name__}") from None


def stored_upright(image: Image.Image) -> bool:
    """Return whether an opened image needs no turning, and has one frame: other programs show what is decoded here."""
    return not getattr(image, "is_animated", False) and _turn(image) is None


def upright(image: Image.Image, *, at_least: tuple[int, int] | None = None) -> Upright:
    """Decode an opened image to upright RGB of 8 bits.

    It is turned by the orientation in EXIF or XMP, whatever else these say. Greyscale and palettes become RGB, 12 and
    16 bits their upper 8; transparency is ignored; of several frames the first is taken.

    Parameters
    ----------
    image : PIL.Image.Image
        Of :func:`opened`, not loaded yet.
    at_least : tuple of int, optional
        Height and width, upright, below which a JPEG is not reduced as it is decoded; by default it is not reduced.

    Raises
    ------
    UnusableImageError
        Pixels whose range is not known: floating-point numbers, signed integers, integers of 32 bits.
    """
    turn = _turn(image)
    width, height = image.size
    if at_least is not None:
        high, wide = at_least
        image.draft(None, (high, wide) if turn in SIDEWAYS else (wide, high))  # of JPEGs, others have none
    image.load()
    eight_bits = _eight_bits(image)
    eight_bits.info.clear()  # or what it says of transparency would be converted too
    colour = eight_bits.convert("RGB")
    if turn is None:
        return Upright(colour, height, width)
    return Upright(colour.transpose(turn), *((width, height) if turn in SIDEWAYS else (height, width)))


def _turn(image: Image.Image) -> Transpose | None:
    """Return how an opened image is to be turned. JPEGs, which may be reduced as they are loaded, are not loaded."""
    if image.format not in JPEGS:
        image.load()
    if image.format == "TIFF":
        return None  # Pillow turns it as it loads it, and its size
    try:
        return TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF brings Pillow to any; other programs show the image as it is stored
        return None


def _eight_bits(image: Image.Image) -> Image.Image:
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    if image.mode == "F":
        raise UnusableImageError(_of_unknown_range("floating-point numbers"))
    if image.mode == "I" and image.format != "PPM":  # of which Pillow makes 16 bits, whatever its own range is
        raise UnusableImageError(_of_unknown_range("integers of 32 bits, or signed ones"))
    if 2 in tags.get(SAMPLE_FORMAT, ()):
        raise UnusableImageError(_of_unknown_range("signed integers"))
    if image.mode[0] != "I":
        return image
    bits = tags.get(BITS_PER_SAMPLE, (16,))[0]
    grey = (np.asarray(image, np.uint32) >> (bits - 8)).astype(np.uint8)
    return Image.fromarray(255 - grey if tags and not tags.get(PHOTOMETRIC, 0) else grey)  # 0: white is zero


def _of_unknown_range(kind: str) -> str:
    return f"its pixels are {kind}, which do not say what is black and what is white: save it with 8 or 16 bits"


def in_threads(work: Callable[[T], R], items: Iterable[T], pool: ThreadPoolExecutor, ahead: int) -> Iterator[R]:
    """Yield ``work(item)`` in order, ``ahead`` of them in work. Threads suffice: Pillow decodes outside the GIL."""
    source = iter(items)
    futures = [pool.submit(work, item) for item in islice(source, ahead)]
    while futures:
        yield futures.pop(0).result()
        futures += [pool.submit(work, item) for item in islice(source, 1)]
