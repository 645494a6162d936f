"""Cells: an image in a frame with lines of text below it, and rows of cells with a title."""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont

from whosame.data.decoding import UnusableImageError, opened, upright

Colour = tuple[int, int, int]
Size = tuple[int, int]  # width and height, in pixels

BLUE, ORANGE = (0, 90, 160), (178, 70, 0)  # distinct for colour-blind readers, legible on white
BLACK, GREY, PALE, WHITE = (0, 0, 0), (110, 110, 110), (232, 232, 232), (255, 255, 255)
FRAME, MARGIN, TEXT = 4, 5, 13  # pixels of a frame, between cells, and of the text
LINE = 17  # pixels of a line of text


def box(shapes: ArrayLike, side: int) -> Size:
    """Return the size that images are fitted into: the longer side given, the shape that of the median image.

    Parameters
    ----------
    shapes : int [n, 2]
        Heights and widths of the images, in pixels; at least one.
    side : int

    Examples
    --------
    >>> box([(128, 64), (128, 64), (100, 100)], 96)
    (48, 96)
    """
    ratio = float(np.median(np.divide(*np.asarray(shapes).T)))
    return (max(side // 4, round(side / ratio)), side) if ratio > 1 else (side, max(side // 4, round(side * ratio)))


def cell(path: Path, size: Size, frame: Colour = WHITE, lines: Sequence[str] = (), ink: Colour = BLACK) -> Image.Image:
    """Return an image in a frame, fitted into a box, with lines of text below it; grey where the file is gone."""
    wide, high = size[0] + 2 * FRAME, size[1] + 2 * FRAME
    canvas = Image.new("RGB", (wide, high + LINE * len(lines)), WHITE)
    canvas.paste(frame, (0, 0, wide, high))
    canvas.paste(PALE, (FRAME, FRAME, wide - FRAME, high - FRAME))
    try:
        with opened(path.read_bytes()) as image:
            small = upright(image, at_least=size).pixels
        scale = min(size[0] / small.width, size[1] / small.height)
        fitted = small.resize(
            (max(1, round(small.width * scale)), max(1, round(small.height * scale))), Image.Resampling.LANCZOS
        )
        canvas.paste(fitted, ((wide - fitted.width) // 2, (high - fitted.height) // 2))
    except (OSError, UnusableImageError):
        pass  # gone or changed since: the grey box says so
    draw = ImageDraw.Draw(canvas)
    for number, line in enumerate(lines):
        draw.text((2, high + 1 + number * LINE), line, ink, font(TEXT))
    return canvas


def text(line: str, ink: Colour = BLACK, height: int = TEXT) -> Image.Image:
    """Return a line of text as a picture."""
    image = Image.new("RGB", (int(font(height).getlength(line)) + 4, round(height * LINE / TEXT) + 2), WHITE)
    ImageDraw.Draw(image).text((1, 1), line, ink, font(height))
    return image


def beside(parts: Sequence[Image.Image], gap: int = MARGIN) -> Image.Image:
    """Return pictures side by side, their upper edges in one line."""
    width = sum(part.width for part in parts) + gap * (len(parts) - 1)
    canvas = Image.new("RGB", (width, max(part.height for part in parts)), WHITE)
    x = 0
    for part in parts:
        canvas.paste(part, (x, 0))
        x += part.width + gap
    return canvas


def below(parts: Sequence[Image.Image], gap: int = MARGIN) -> Image.Image:
    """Return pictures one below the other, their left edges in one line."""
    height = sum(part.height for part in parts) + gap * (len(parts) - 1)
    canvas = Image.new("RGB", (max(part.width for part in parts), height), WHITE)
    y = 0
    for part in parts:
        canvas.paste(part, (0, y))
        y += part.height + gap
    return canvas


def wide(part: Image.Image, width: int) -> Image.Image:
    """Return a picture with white to its right, at least so wide."""
    canvas = Image.new("RGB", (max(width, part.width), part.height), WHITE)
    canvas.paste(part, (0, 0))
    return canvas


def png(image: Image.Image, margin: int = 10) -> bytes:
    """Return a picture with a white margin as a PNG file."""
    canvas = Image.new("RGB", (image.width + 2 * margin, image.height + 2 * margin), WHITE)
    canvas.paste(image, (margin, margin))
    file = io.BytesIO()
    canvas.save(file, "PNG", compress_level=6)
    return file.getvalue()


@cache
def font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font."""
    return ImageFont.load_default(height)
