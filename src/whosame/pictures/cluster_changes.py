"""Picture of clusters before and after an answer, with the question between them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from whosame.data.manifest import Manifest, TrainSet
from whosame.pictures.cells import BLACK, BLUE, FRAME, GREY, ORANGE, WHITE, Colour, Size, below, beside, box, cell, png
from whosame.pictures.cells import text as line
from whosame.pictures.cells import wide as widened
from whosame.pictures.cluster_cases import ClusterCase

COLUMNS, SHOWN = 5, 10  # images in a row, and of a cluster
GROUPS = 4  # clusters after an answer
FROM = {"A": BLUE, "B": ORANGE, "": GREY}  # frames: the cluster that an image was in before; another one
SIGNS = {"same": "=", "different": "≠", "unsure": "?"}


def cluster_changes_picture(
    cases: Sequence[ClusterCase], number: int, manifest: Manifest, train_set: TrainSet, root: Path, side: int
) -> bytes:
    """Draw cases one below the other: the clusters of the pair before, the question, the clusters after.

    A frame says which cluster an image was in before: A is that of the question's first image, B that of the second.
    Blue, orange and grey are told apart by colour-blind readers; the letter stands below each image too.

    Parameters
    ----------
    cases : sequence of ClusterCase
        At least one.
    number : int
        Of the round, from 0.
    manifest, train_set
        The images.
    root : Path
        Their folder.
    side : int
        The longer side of an image, in pixels.

    Returns
    -------
    bytes
        A PNG file.
    """
    rows = np.concatenate([group for case in cases for group in (*case.before, *case.after)])
    shapes = manifest.table[["height", "width"]].to_numpy()[train_set.image_ids[rows]]
    paths = [root / path for path in manifest.table["path"].iloc[train_set.image_ids]]
    drawing = _Drawing(paths, box(shapes, side))
    legend = beside(
        [
            line("Frames: before the answers the image was in cluster"),
            line("A", BLUE),
            line("B", ORANGE),
            line("or another one.", GREY),
            line("Other answers of the round may have had a part in a change.", GREY),
        ]
    )
    return png(below([legend, *(drawing.case(case, number) for case in cases)], 14))


class _Drawing:
    def __init__(self, paths: Sequence[Path], size: Size) -> None:
        self._paths, self._size = paths, size

    def case(self, case: ClusterCase, number: int) -> Image.Image:
        origin = {row: name for name, group in zip("AB", case.before, strict=False) for row in group.tolist()}
        pair = [case.answer.question.a, case.answer.question.b]
        before = [
            self._group(f"before: {_named(f'cluster {name}', group)}", group, origin, pair)
            for name, group in zip("AB", case.before, strict=False)
        ]
        after = [
            self._group(f"after: {_named('a cluster', group)}, {_mixture(group, origin)}", group, origin, pair)
            for group in case.after[:GROUPS]
        ]
        rest = case.after[GROUPS:]
        if rest:
            images = sum(len(group) for group in rest)
            after.append(line(f"and {len(rest)} more clusters of {images} images", GREY))
        width = COLUMNS * (self._size[0] + 2 * FRAME + 5)
        title = line(
            f"Round {number}, question {case.number}: {case.answer.verdict}. "
            f"{case.changed:,} pairs of images were joined or separated",
            height=16,
        )
        columns = [widened(below(before, 8), width), self._question(case, origin), below(after, 8)]
        return below([title, beside(columns, 24)], 6)

    def _group(self, title: str, group: NDArray[np.int64], origin: dict[int, str], pair: list[int]) -> Image.Image:
        shown = _sample(group.tolist(), origin, pair)
        cells = [self._cell(row, origin) for row in shown]
        parts = [line(title)] + [beside(cells[begin : begin + COLUMNS]) for begin in range(0, len(cells), COLUMNS)]
        if len(group) > len(shown):
            parts.append(line(f"and {len(group) - len(shown)} more", GREY))
        return below(parts, 3)

    def _question(self, case: ClusterCase, origin: dict[int, str]) -> Image.Image:
        verdict = case.answer.verdict
        cells = [self._cell(row, origin) for row in (case.answer.question.a, case.answer.question.b)]
        pair = beside([cells[0], _sign(SIGNS[verdict], cells[0].height), cells[1]])
        said = line(f"answer: {verdict} ({case.answer.source})")
        return below([line("the question"), pair, said, _arrow(pair.width)])

    def _cell(self, row: int, origin: dict[int, str]) -> Image.Image:
        name = origin.get(row, "")
        return cell(self._paths[row], self._size, FROM[name], [name or "other"], FROM[name])


def _sample(group: list[int], origin: dict[int, str], pair: list[int]) -> list[int]:
    """Return rows to show: those of the question, then in turn of each cluster that they come from."""
    by_origin = [[row for row in group if origin.get(row, "") == name and row not in pair] for name in FROM]
    longest = max(map(len, by_origin), default=0)
    mixed = [rows[place] for place in range(longest) for rows in by_origin if place < len(rows)]
    shown = ([row for row in pair if row in group] + mixed)[:SHOWN]
    return sorted(shown, key=lambda row: (list(FROM).index(origin.get(row, "")), row not in pair, row))


def _named(name: str, group: NDArray[np.int64]) -> str:
    return f"{name}, {len(group):,} images" if len(group) > 1 else "1 image without a cluster"


def _mixture(group: NDArray[np.int64], origin: dict[int, str]) -> str:
    counts = {name: sum(origin.get(row, "") == name for row in group.tolist()) for name in FROM}
    words = {"A": "of A", "B": "of B", "": "of others"}
    return ", ".join(f"{count:,} {words[name]}" for name, count in counts.items() if count)


def _sign(sign: str, height: int) -> Image.Image:
    image = Image.new("RGB", (22, height), WHITE)
    draw = ImageDraw.Draw(image)
    y = height // 2 - 8
    if sign == "?":
        return below([Image.new("RGB", (22, y), WHITE), line("?", height=22)])
    draw.line([(3, y - 4), (18, y - 4)], BLACK, 3)
    draw.line([(3, y + 4), (18, y + 4)], BLACK, 3)
    if sign == "≠":
        draw.line([(5, y + 11), (16, y - 11)], BLACK, 3)
    return image


def _arrow(width: int, colour: Colour = GREY) -> Image.Image:
    image = Image.new("RGB", (width, 24), WHITE)
    draw = ImageDraw.Draw(image)
    draw.line([(4, 12), (width - 14, 12)], colour, 3)
    draw.polygon([(width - 18, 4), (width - 4, 12), (width - 18, 20)], fill=colour)
    return image
