"""Retrieval strips: a row a query, its image first, then what it finds, hits and misses in frames of two colours."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from whosame.data.manifest import Manifest
from whosame.pictures.cells import BLACK, BLUE, GREY, ORANGE, Size, below, beside, box, cell, png, text
from whosame.pictures.retrieval_examples import GROUPS, Example, Found

FRAMES = {True: BLUE, False: ORANGE}
SIGNS = {True: "hit", False: "miss"}
TITLES = {
    "worst": "Worst queries",
    "median": "Queries of median average precision",
    "best": "Best queries",
}


def retrieval_strips(examples: Sequence[Example], manifest: Manifest, root: Path, side: int) -> bytes:
    """Draw examples of retrieval.

    Frames are blue around images of the query's individual, orange around others; word, score and camera are below.

    Parameters
    ----------
    examples : sequence of Example
        At least one.
    manifest : Manifest
    root : Path
        The folder of the images.
    side : int
        The longer side of an image, in pixels.

    Returns
    -------
    bytes
        A PNG file.
    """
    shown = sorted({image for each in examples for image in (each.image, *(one.image for one in each.found))})
    size = box(manifest.table[["height", "width"]].to_numpy()[shown], side)
    parts: list[Image.Image] = [_legend()]
    for group in GROUPS:
        rows = [_row(each, manifest, root, size) for each in examples if each.group == group]
        if rows:
            parts += [text(TITLES[group], height=16), *rows]
    return png(below(parts, 8))


def _row(example: Example, manifest: Manifest, root: Path, size: Size) -> Image.Image:
    found = f"AP {100 * example.average_precision:.1f} %"
    query = cell(
        root / _path(manifest, example.image), size, BLACK, ["query", *_camera(manifest, example.image), found]
    )
    cells = [_found(each, manifest, root, size) for each in example.found]
    return beside([query, Image.new("RGB", (6, 1), "white"), *cells])


def _found(found: Found, manifest: Manifest, root: Path, size: Size) -> Image.Image:
    lines = [SIGNS[found.hit], *_camera(manifest, found.image), f"{found.score:.2f}"]
    return cell(root / _path(manifest, found.image), size, FRAMES[found.hit], lines, FRAMES[found.hit])


def _legend() -> Image.Image:
    return beside(
        [
            text("hit: the query's individual;", FRAMES[True]),
            text("miss: another;", FRAMES[False]),
            text("below: camera, if known, and cosine similarity. AP: average precision of the whole ranking.", GREY),
        ]
    )


def _path(manifest: Manifest, image: int) -> str:
    return str(manifest.table["path"].iat[image])


def _camera(manifest: Manifest, image: int) -> list[str]:
    camera = manifest.cameras()[image]
    return [f"camera {camera}"] if camera >= 0 else []
