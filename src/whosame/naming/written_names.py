"""The last table as it was written, beside the one that people may edit."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whosame.artefacts import IDENTITIES
from whosame.atomic import writing
from whosame.errors import InputError, StorageError, format_problems
from whosame.memory import LabelMemory
from whosame.naming.identity_table import IdentityRow, read_identities
from whosame.naming.names_before import NamesBefore

WRITTEN = "identities.parquet"  # the last table, which people do not edit


class Written(NamedTuple):
    """The last table as it was written.

    Attributes
    ----------
    names : dict of str to str
        Identities by path, empty for outliers.
    answers : dict of str to int
        How many answers there were about each image.
    """

    names: dict[str, str]
    answers: dict[str, int]


def read_written(folder: Path) -> Written:
    """Return the last table in a run's folder as it was written; of no table, none.

    Raises
    ------
    StorageError
        It is damaged.
    """
    path = folder / WRITTEN
    if not path.exists():
        return Written({}, {})
    try:
        table = pq.read_table(path, memory_map=False)
        paths, names, counts = (table.column(name).to_pylist() for name in ("path", "identity", "answers"))
        return Written(dict(zip(paths, names, strict=True)), dict(zip(paths, counts, strict=True)))
    except (OSError, KeyError, ValueError) as error:
        raise StorageError(f"{path} cannot be read: {error}. Delete it: the next table is written anew.") from error


def check_names(written: Mapping[str, str], edited: Mapping[str, str]) -> None:
    """Check that people have not given one name to two identities.

    Parameters
    ----------
    written, edited : mapping of str to str
        The last table by path, as it was written and as it is now.

    Raises
    ------
    InputError
        All images of two identities have one name now.
    """
    names: dict[str, set[str]] = defaultdict(set)
    for path, identity in written.items():
        if identity:
            names[identity].add(edited.get(path, ""))
    given: dict[str, list[str]] = defaultdict(list)
    for identity, now in names.items():
        if len(now) == 1:
            given[now.pop()].append(identity)
    problems = [f"{name!r}: {' and '.join(sorted(identities))}" for name, identities in given.items() if name]
    problems = [problem for problem in problems if " and " in problem]
    if problems:
        raise InputError(
            format_problems(
                "identities.csv gives one name to two identities",
                problems,
                "Give each a name of its own. If they are one individual, answer so for an image of each "
                "(kedro answers import), and the next table joins them.",
            )
        )


def read_before(folder: Path, paths: Sequence[str], fixed: Sequence[str], memory: LabelMemory) -> NamesBefore:
    """Return the table before of a run.

    Parameters
    ----------
    folder : Path
        Of the run.
    paths, fixed : sequence of str, N long
        Of the training images; see :class:`NamesBefore`.
    memory : LabelMemory
        Every answer, about rows of the training set.

    Raises
    ------
    InputError, StorageError
        A table is damaged.
    """
    edited, written = read_identities(folder / IDENTITIES), read_written(folder)
    then = np.array([written.answers.get(path, 0) for path in paths], np.int64)
    names = [edited.get(path, "") for path in paths]
    return NamesBefore(names, list(fixed), memory.query_counts(len(paths)) != then)


def keep_written(folder: Path, rows: Sequence[IdentityRow], answers: Sequence[int]) -> None:
    """Write the table to a run's folder as it is, with how many answers there are about each image."""
    table = pa.table(
        {name: [getattr(row, name) for row in rows] for name in IdentityRow._fields} | {"answers": answers}
    )
    with writing(folder / WRITTEN) as file:
        pq.write_table(table, file)
