"""Names to be audited: the table of identities of a run, by rows of the training images."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whosame.annotation.exchange.csv_format import text_of
from whosame.errors import InputError, format_problems


@dataclass(frozen=True, eq=False)
class AuditedNames:
    """Names of N images.

    Attributes
    ----------
    labels : int64 [N]
        -1 is an outlier.
    p : float64 [N]
        Probability that the name is right, as the table says.
    digest : str
        Of the paths and names: another one where any name changes.
    """

    labels: NDArray[np.int64]
    p: NDArray[np.float64]
    digest: str


def read_names(table: Path, paths: Sequence[str], run: str) -> AuditedNames:
    """Read the names of a run's images.

    Parameters
    ----------
    table : Path
        ``identities.csv``; its columns path, identity and p are read.
    paths : sequence of str, N long
        Of the training images.
    run : str
        Its name, for messages.

    Raises
    ------
    InputError
        There is no such table, it was changed or written by another version, or it is not about these images.
    """
    again = f"kedro identities {run} writes it again"
    if not table.exists():
        raise InputError(f"{table} is missing: {again}")
    try:
        read = csv.DictReader(io.StringIO(table.read_text("utf-8-sig"), newline=""), strict=True)
        rows = {text_of(row["path"]): (text_of(row["identity"]), float(row["p"])) for row in read}
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(
            f"{table} is no table of identities with the columns path, identity and p ({error!r}): it was changed, or "
            f"written by another version. {again}"
        ) from error
    problems = [f"{path}: not in the table" for path in paths if path not in rows]
    problems += [f"{path}: no image of the run" for path in sorted(set(rows) - set(paths))]
    problems += [f"{path}: p is {p}, not from 0 to 1" for path, (_, p) in rows.items() if not 0 <= p <= 1]
    if problems:
        raise InputError(format_problems(f"{table} is not about the images of run {run!r}", problems, again))
    names = [rows[path][0] for path in paths]
    number = {name: index for index, name in enumerate(sorted({name for name in names if name}))}
    labels = np.array([number.get(name, -1) for name in names], dtype=np.int64)
    digest = hashlib.sha256("\n".join(f"{path}\t{name}" for path, name in zip(paths, names, strict=True)).encode())
    return AuditedNames(labels, np.array([rows[path][1] for path in paths], dtype=np.float64), digest.hexdigest())
