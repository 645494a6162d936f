"""Matching: finds the run's images, the attempt and the duplicates of a file's rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from whosame.annotation.exchange.row import AnswerRow
from whosame.annotation.exchange.run_images import RunImages
from whosame.annotation.queue.submit import open_task


@dataclass(frozen=True)
class MatchedRow:
    """A row and its images, ``image_a < image_b``."""

    row: AnswerRow
    image_a: int
    image_b: int


def match_images(
    rows: Sequence[AnswerRow], images: RunImages, problems: list[str], *, known_only: bool
) -> tuple[list[MatchedRow], int]:
    """Return the rows whose two images the run has, and the number of rows with an unknown image.

    Parameters
    ----------
    rows : sequence of AnswerRow
    images : RunImages
    problems : list of str
        Gets a message for each row with an unknown image, and for each that names one image twice.
    known_only : bool
        Leave out rows with unknown images without a message.
    """
    matched, unknown = [], 0
    for row in rows:
        sides = ((row.digest_a, row.path_a), (row.digest_b, row.path_b))
        a, b = (images.find(digest, path) for digest, path in sides)
        if a is None or b is None:
            unknown += 1
            lacking = " and ".join(
                path or digest for (digest, path), image in zip(sides, (a, b), strict=True) if image is None
            )
            if not known_only:
                problems.append(f"{row.where}: {lacking}: no training image of this run, or other bytes")
        elif a == b:
            problems.append(f"{row.where}: both images are {images.images[a].path or images.images[a].digest}")
        else:
            matched.append(MatchedRow(row, min(a, b), max(a, b)))
    return matched, unknown


def with_attempts(connection: Connection, run_uid: str, matched: Sequence[MatchedRow]) -> list[MatchedRow]:
    """Return the rows with an attempt each: where the file has none, that of the open question, or the first."""
    found = []
    for one in matched:
        attempt = one.row.attempt
        if attempt is None:
            task = open_task(connection, run_uid, one.image_a, one.image_b, None)
            attempt = 1 if task is None else task.attempt
        found.append(replace(one, row=replace(one.row, attempt=attempt)))
    return found


def without_duplicates(matched: Sequence[MatchedRow], problems: list[str]) -> list[MatchedRow]:
    """Return the rows without those that the file has twice; of a coordinator's decisions on a pair the last counts.

    ``problems`` gets a message for each row that contradicts an earlier one of the same annotator.
    """
    first: dict[Any, MatchedRow] = {}
    for one in matched:
        row = one.row
        key = (one.image_a, one.image_b, row.annotator, row.attempt, row.settles, row.audit)
        before = first.setdefault(key, one)
        if before is one:
            continue
        if row.settles:
            first[key] = one
        elif before.row.verdict != row.verdict:
            problems.append(
                f"{row.where}: {row.annotator} answers {row.verdict!r}, but {before.row.verdict!r} to the same pair in "
                f"{before.row.where}"
            )
    return list(first.values())
