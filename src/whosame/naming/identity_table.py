"""Table of identities: a row an image, as CSV."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from whosame.annotation.exchange.csv_format import cell, text_of
from whosame.data.manifest import Manifest
from whosame.errors import InputError
from whosame.naming.identify import Identified, Known
from whosame.naming.identity_names import name_identities


class IdentityRow(NamedTuple):
    """An image and its identity.

    Attributes
    ----------
    path : str
        Relative to the folder of the images.
    identity : str
        Empty for an outlier.
    known : str
        ``catalogue``, ``encounter``, ``answered``, ``clustered``, ``assigned`` or ``outlier``; see
        :class:`~whosame.naming.identify.Identified`.
    p : float
        Probability that this is right.
    camera : int or None
    before : str
        The identity in the table that this one replaces, where that was another.
    """

    path: str
    identity: str
    known: Known
    p: float
    camera: int | None
    before: str


def identity_rows(
    manifest: Manifest, identified: Identified, earlier: Mapping[str, str], given: Mapping[int, str] | None = None
) -> list[IdentityRow]:
    """Return a row for each training image, by path.

    Parameters
    ----------
    manifest : Manifest
    identified : Identified
        Of the training images.
    earlier : mapping of str to str
        Identities by path in the table that is replaced; see :func:`read_identities`.
    given : mapping of int to str, optional
        Names by image id that were known before any question.
    """
    ids = manifest.image_ids("train")
    paths = manifest.table["path"].iloc[ids].tolist()
    fixed = [(given or {}).get(image, "") for image in ids.tolist()]
    names = name_identities(identified.labels, paths, earlier, fixed)
    columns = zip(
        paths, names, identified.known.tolist(), identified.p.tolist(), manifest.cameras(ids).tolist(), strict=True
    )
    return [
        IdentityRow(path, name, known, p, camera if camera >= 0 else None, _other(earlier.get(path, ""), name))
        for path, name, known, p, camera in columns
    ]


def write_identities(rows: list[IdentityRow]) -> bytes:
    """Return the table as CSV: UTF-8, commas, one line of column names, p with three decimals."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(IdentityRow._fields)
    table.writerows([cell(value) for value in row._replace(p=round(row.p, 3))] for row in rows)
    return text.getvalue().encode()


def read_identities(path: Path) -> dict[str, str]:
    """Return the identities of a table by path; of no table, none. Only these two columns are read.

    Raises
    ------
    InputError
        The file is no such table.
    """
    if not path.exists():
        return {}
    try:
        rows = csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline=""), strict=True)
        return {text_of(row["path"]): text_of(row["identity"]) for row in rows}
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path} is no table of identities with the columns path and identity ({error!r}): it was changed. Repair "
            "or delete it; without it, identities are numbered anew."
        ) from error


def _other(before: str, now: str) -> str:
    return before if before != now else ""
