"""Catalogue: a partial table of images whose individual is known, as CSV of path and identity."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from whosame.annotation.exchange.csv_format import DELIMITERS, text_of
from whosame.errors import InputError
from whosame.names import composed, is_printable

COLUMNS = ("path", "identity")


@dataclass
class Catalogue:
    """The rows of a table, and all its problems.

    Attributes
    ----------
    identities : dict of str to str
        Names of identities by path, both in Unicode form NFC.
    problems : list of str
    """

    identities: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_catalogue(file: Path) -> Catalogue:
    """Read a catalogue. Rows without an identity say nothing; columns of other names are ignored, in any order.

    Raises
    ------
    InputError
        It cannot be read, or is no text in UTF-8.
    """
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"catalogue={file} cannot be read: {error.strerror}. Give the path of a CSV file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"catalogue={file} is no text in UTF-8: save it as CSV in UTF-8.") from error
    found = Catalogue()
    where: dict[str, str] = {}
    for line, path, identity in _rows(text, found.problems):
        if not path or not identity:
            if identity:
                found.problems.append(f"{line}: {identity!r} has no path")
            continue
        if not is_printable(identity):
            found.problems.append(f"{line}: the identity {identity!a} is not printable text")
        elif found.identities.setdefault(path, identity) != identity:
            found.problems.append(f"{path}: {found.identities[path]!r} in {where[path]} and {identity!r} in {line}")
        where.setdefault(path, line)
    return found


def _rows(text: str, problems: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the number of the line, path and identity of every row."""
    first = text.partition("\n")[0]
    delimiter = next((sign for sign in DELIMITERS if sign in first), ",")
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        names = [name.strip() for name in table.fieldnames or ()]
        table.fieldnames = names
        if missing := [name for name in COLUMNS if name not in names]:
            there = ", ".join(names) or "none"
            problems.append(f"line 1: no column {' and no column '.join(missing)}; there are {there}")
            return
        for row in table:
            path, identity = (composed(text_of((row[name] or "").strip())) for name in COLUMNS)
            yield f"line {table.line_num}", path.removeprefix("./"), identity
    except csv.Error as error:
        problems.append(f"line {table.line_num}: not CSV ({error}): is a quotation mark missing?")
