"""Tables of names for other programs: wildlife-datasets and wildlife-tools, FiftyOne; and names back from them.

The formats are those of their documentation: a wildlife-datasets metadata table has the columns ``image_id``,
``identity`` and ``path`` (docs/dataframe.md); a ``CSVDataset`` of FiftyOne has ``filepath`` and any other columns.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from whosame.annotation.exchange.csv_format import cell, text_of
from whosame.errors import InputError, format_problems
from whosame.naming.identity_table import IdentityRow
from whosame.search.gallery import Gallery

PATHS, NAMES = ("path", "filepath"), ("identity", "label")  # columns, the first that is there
UNKNOWN = "unknown"  # wildlife-datasets' name of an individual that is not known


def names_parquet(rows: Sequence[IdentityRow]) -> bytes:
    """Return the table of identities as Parquet, with the columns of ``identities.csv``."""
    schema = pa.schema(
        [
            ("path", pa.string()),
            ("identity", pa.string()),
            ("known", pa.string()),
            ("p", pa.float64()),
            ("camera", pa.int64()),
            ("before", pa.string()),
        ]
    )
    columns = {name: [getattr(row, name) for row in rows] for name in schema.names}
    file = io.BytesIO()
    pq.write_table(pa.table(columns, schema=schema), file)
    return file.getvalue()


def wildlife_csv(gallery: Gallery) -> bytes:
    """Return a metadata table of wildlife-datasets: a row an image, ``path`` relative to the folder of the images.

    Images without a name have the identity ``unknown``. ``split`` is ``train`` or ``test``.
    """
    rows = (
        (row, cell(identity) or UNKNOWN, path, "train" if split == "train" else "test", camera if camera >= 0 else "")
        for row, (identity, path, split, camera) in enumerate(
            zip(gallery.identities, gallery.paths, gallery.splits, gallery.cameras.tolist(), strict=True)
        )
    )
    return _csv(("image_id", "identity", "path", "split", "camera"), rows)


def fiftyone_csv(gallery: Gallery) -> bytes:
    """Return a table that FiftyOne imports as a ``CSVDataset``: ``filepath`` is absolute, all other fields are text."""
    root = Path(gallery.root)
    columns = (gallery.identities, gallery.known, gallery.p.tolist(), gallery.cameras.tolist(), gallery.splits)
    rows = (
        (str(root / path), cell(identity), known, "" if p != p else f"{p:.3f}", camera if camera >= 0 else "", split)  # noqa: PLR0124
        for path, identity, known, p, camera, split in zip(gallery.paths, *columns, strict=True)
    )
    return _csv(("filepath", "identity", "known", "p", "camera", "split"), rows)


def is_table_of_names(content: bytes) -> bool:
    """Return whether a file is such a table, by its first line, and not one of answers."""
    first = content.partition(b"\n")[0].decode("utf-8-sig", "replace")
    columns = {column.strip().strip('"') for column in first.split(",")}
    return bool(columns & {*PATHS}) and bool(columns & {*NAMES}) and "verdict" not in columns


def read_names(content: bytes, root: Path, paths: Iterable[str]) -> dict[str, str]:
    """Return names by path from a table of one of these programs, or of this one.

    Parameters
    ----------
    content : bytes
        CSV with a column ``path``, or ``filepath`` (FiftyOne's export), and a column ``identity``, or ``label``.
    root : Path
        The folder of the images: absolute paths below it become relative.
    paths : iterable of str
        The images that may be named. Others are passed over, and so are rows without a name or with ``unknown``.

    Returns
    -------
    dict of str to str

    Raises
    ------
    InputError
        No such columns; one path with two names; no image of the folder.
    """
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    columns = rows.fieldnames or []
    path_column = next((name for name in PATHS if name in columns), None)
    name_column = next((name for name in NAMES if name in columns), None)
    if path_column is None or name_column is None:
        raise InputError(
            f"a table of names has the columns path (or filepath) and identity (or label), not {', '.join(columns)}"
        )
    known = set(paths)
    names: dict[str, str] = {}
    twice: list[str] = []
    for row in rows:
        path, name = text_of(row[path_column] or ""), text_of(row[name_column] or "")
        if PurePosixPath(path).is_absolute() and Path(path).is_relative_to(root):
            path = Path(path).relative_to(root).as_posix()
        if path not in known or name in ("", UNKNOWN):
            continue
        if names.setdefault(path, name) != name:
            twice.append(f"{path}: {names[path]} and {name}")
    if twice:
        raise InputError(format_problems("images with two names", twice, "Give each image one."))
    if not names:
        raise InputError(f"no row of the table has a name for an image in {root}")
    return names


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(rows)
    return text.getvalue().encode()
