"""History of names: every change of a name with its cause, in a run's folder."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from whosame.annotation.exchange.csv_format import cell
from whosame.atomic import writing
from whosame.memory import LabelMemory
from whosame.naming.identify import Identified
from whosame.naming.identity_table import IdentityRow
from whosame.naming.name_changes import NameChange, causes
from whosame.naming.names_before import NamesBefore

HISTORY = "identities_history.csv"
COLUMNS = ("round", "answers", "path", "before", "after", "cause", "p")


def renamed(written: Mapping[str, str], edited: Mapping[str, str]) -> list[NameChange]:
    """Return the images that people have given another name since the table was written."""
    return [
        NameChange(path, before, edited[path], "renamed", 1.0)
        for path, before in written.items()
        if path in edited and before and edited[path] and edited[path] != before
    ]


def changes_of(
    rows: Sequence[IdentityRow], identified: Identified, before: NamesBefore, memory: LabelMemory, clear: float
) -> list[NameChange]:
    """Return the images whose name is another than in the table before, with the cause of each.

    Parameters
    ----------
    rows : sequence of IdentityRow, N long
        The new table, in the order of the training images.
    identified, before, memory, clear
        See :func:`whosame.naming.name_changes.causes`.
    """
    looks = identified.p if identified.looks is None else identified.looks
    found = causes([row.identity for row in rows], before, looks, memory, clear)
    return [
        NameChange(row.path, old, row.identity, cause, row.p)
        for row, old, cause in zip(rows, before.names, found, strict=True)
        if cause
    ]


def record(folder: Path, changes: Sequence[NameChange], number: int, answers: int) -> None:
    """Append changes to a run's history; its file is replaced whole, so that an interruption loses nothing.

    Parameters
    ----------
    folder : Path
    changes : sequence of NameChange
    number : int
        The round that is next.
    answers : int
        How many answers there are.
    """
    path = folder / HISTORY
    if not changes and path.exists():
        return
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    if not path.exists():
        table.writerow(COLUMNS)
    for change in changes:
        row = (number, answers, change.path, change.before, change.after, change.cause, round(change.p, 3))
        table.writerow([cell(value) for value in row])
    before = path.read_bytes() if path.exists() else b""
    with writing(path) as file:
        file.write(before + text.getvalue().encode())
