"""Picture of a round's pairs with their answers."""

import io
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from whosame.errors import InputError
from whosame.questions import Answer, Verdict

HEIGHT = 72  # pixels of a crop in the picture
BORDER, GAP, STRIP, HEADER, MARGIN = 3, 2, 29, 24, 4
COLOURS: dict[Verdict, tuple[int, int, int]] = {  # distinct for colour-blind readers; white text is legible on each
    "same": (0, 90, 160),
    "different": (178, 70, 0),
    "unsure": (90, 90, 90),
}
Picture = NDArray[np.uint8]


def pair_images(
    left: Picture, right: Picture, answers: Sequence[Answer], changed: NDArray[np.bool_], *, total: int | None = None
) -> bytes:
    """Draw pairs side by side, framed and labelled by verdict, with a diamond where the partition changed.

    Colour, a sign (=, ≠, ?) and a word each show the verdict. Labels also have the kind of question, and ``free``
    where the answer followed from others.

    Parameters
    ----------
    left, right : uint8 [n, H, W, 3]
        The crops of each pair.
    answers : sequence of n Answer
    changed : bool [n]
        From :func:`whosame.evaluation.changes_partition`.
    total : int, optional
        How many pairs the round had, where these are only the first of them.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    InputError
        The arguments differ in length or are no images.
    """
    shapes = {left.shape, right.shape}
    if len(shapes) > 1 or left.ndim != 4 or left.shape[3] != 3 or not len(left) == len(answers) == len(changed):
        found = f"{list(left.shape)} and {list(right.shape)}, {len(answers)} answers, {len(changed)} marks of change"
        raise InputError(f"a picture of n pairs takes two uint8 [n, H, W, 3], n answers and n marks, not {found}")
    count, high, wide = left.shape[:3]
    width = max(1, round(HEIGHT * wide / high)) if count else HEIGHT // 2
    cell_width, cell_height = 2 * BORDER + GAP + 2 * width, BORDER + HEIGHT + STRIP
    columns = max(1, min(count, round((1.5 * count * cell_height / cell_width) ** 0.5)))  # about 3 to 2
    rows = -(-count // columns)
    header = _header(answers, changed, total)
    canvas = np.full(
        (HEADER + rows * (cell_height + MARGIN), max(columns * (cell_width + MARGIN), header.shape[1]), 3),
        255,
        np.uint8,
    )
    canvas[: header.shape[0], : header.shape[1]] = header
    for position, (answer, changes) in enumerate(zip(answers, changed, strict=True)):
        row, column = divmod(position, columns)
        y, x = HEADER + row * (cell_height + MARGIN), column * (cell_width + MARGIN)
        cell = canvas[y : y + cell_height, x : x + cell_width]
        cell[:] = COLOURS[answer.verdict]
        inside = cell[BORDER : BORDER + HEIGHT]
        inside[:, BORDER : BORDER + width] = _crop(left[position], width)
        inside[:, BORDER + width + GAP : -BORDER] = _crop(right[position], width)
        cell[-STRIP:] = _label(
            answer.verdict, answer.question.kind, answer.source == "closure", bool(changes), cell_width
        )
    file = io.BytesIO()
    Image.fromarray(canvas).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _crop(pixels: Picture, width: int) -> Picture:
    if pixels.shape[:2] == (HEIGHT, width):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((width, HEIGHT), Image.Resampling.BILINEAR))


@cache
def _label(verdict: Verdict, kind: str, free: bool, changes: bool, width: int) -> Picture:
    image = Image.new("RGB", (width, STRIP), COLOURS[verdict])
    draw = ImageDraw.Draw(image)
    if verdict == "unsure":
        draw.text((6, 1), "?", "white", _font())
    else:
        draw.line([(4, 5), (11, 5)], "white", 2)
        draw.line([(4, 10), (11, 10)], "white", 2)
    if verdict == "different":
        draw.line([(4, 13), (11, 2)], "white", 1)
    draw.text((15, 1), verdict, "white", _font())
    draw.text((4, 14), f"{kind}{', free' if free else ''}", "white", _font())
    if changes:
        _diamond(draw, width - 7, 7, "white")
    return np.asarray(image)


def _header(answers: Sequence[Answer], changed: NDArray[np.bool_], total: int | None) -> Picture:
    verdicts = Counter(answer.verdict for answer in answers)
    of = f"first {len(answers)} of {total} pairs" if total and total > len(answers) else f"{len(answers)} pairs"
    counts = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in COLOURS)
    text, legend = f"{of}: {counts};", f"{int(np.sum(changed))} changed the partition"
    indent = 4 + int(_font().getlength(text)) + 14
    image = Image.new("RGB", (indent + 8 + int(_font().getlength(legend)), HEADER), "white")
    draw = ImageDraw.Draw(image)
    draw.text((4, 5), text, "black", _font())
    _diamond(draw, indent - 4, 12, "black")
    draw.text((indent + 4, 5), legend, "black", _font())
    return np.asarray(image)


def _diamond(draw: ImageDraw.ImageDraw, x: int, y: int, colour: str) -> None:
    draw.polygon([(x - 5, y), (x, y - 5), (x + 5, y), (x, y + 5)], fill=colour)


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(11)
