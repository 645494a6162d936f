"""Strips of a search: a row a query, its image first, then what was found, with score, camera and name."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from whosame.data.decoding import UnusableImageError, opened, upright
from whosame.errors import InputError
from whosame.reporting.contact_sheet import contact_sheet
from whosame.search.ranking import Hit, Ranking

SIDE = 112  # pixels of the square that an image is fitted into
LINES, LINE = 3, 14  # lines of text below it, and pixels of one
GREY, FAR = (238, 238, 238), (178, 70, 0)
MOST = 200  # queries on one picture


def search_strip(rankings: list[Ranking], root: Path) -> bytes:
    """Draw the rankings of queries.

    Parameters
    ----------
    rankings : list of Ranking
        Whose queries are paths of images; at least one.
    root : Path
        The folder of the gallery's images.

    Returns
    -------
    bytes
        A PNG file. "nobody near" is below a query whose best score is below the threshold; the score of each image,
        its camera, the name of its identity and how many images support it are below it.

    Raises
    ------
    InputError
        More than 200 queries.
    """
    if len(rankings) > MOST:
        raise InputError(f"{len(rankings):,} queries are too many for a picture, {MOST} at most: take --out=FILE.csv")
    columns = 1 + max(len(ranking.hits) for ranking in rankings)
    cells = []
    for ranking in rankings:
        said = ["query", *(["nobody near"] if ranking.nobody_near else [])]
        row = [_cell(Path(ranking.query), said, FAR if ranking.nobody_near else (0, 0, 0))]
        row += [_cell(root / hit.path, _lines(hit)) for hit in ranking.hits]
        cells += row + [np.full_like(row[0], 255)] * (columns - len(row))
    file = io.BytesIO()
    Image.fromarray(contact_sheet(np.stack(cells), columns)).save(file, "PNG")
    return file.getvalue()


def _lines(hit: Hit) -> list[str]:
    camera = "" if hit.camera is None else f"  cam {hit.camera}"
    support = f"{hit.images} confirmed" if hit.images > 1 else hit.known
    return [f"{hit.score:.2f}{camera}", f"identity {hit.identity}" if hit.identity else "no name", support]


def _cell(path: Path, lines: list[str], colour: tuple[int, int, int] = (0, 0, 0)) -> NDArray[np.uint8]:
    canvas = Image.new("RGB", (SIDE, SIDE + LINES * LINE + 2), "white")
    try:
        with opened(path.read_bytes()) as image:
            small = upright(image, at_least=(SIDE, SIDE)).pixels
            small.thumbnail((SIDE, SIDE))
            canvas.paste(small, ((SIDE - small.width) // 2, SIDE - small.height))
    except (OSError, UnusableImageError):
        canvas.paste(GREY, (0, 0, SIDE, SIDE))  # gone since; the line below says which
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(11)
    for number, line in enumerate(lines[:LINES]):
        draw.text((3, SIDE + 1 + number * LINE), line, colour, font)
    return np.asarray(canvas)
