"""Import of a table of names: from a file to the label store."""

from pathlib import Path

from whosame.annotation.exchange.undo_answers import import_uid
from whosame.annotation.review.import_names import ImportedNames
from whosame.annotation.review.import_names import import_names as store_names
from whosame.annotation.review.read_state import read_state
from whosame.annotation.review.read_table import read_table
from whosame.annotation.store import audit_log
from whosame.annotation.store.engine import lock_run
from whosame.annotation.store.store import LabelStore
from whosame.app import paths
from whosame.errors import InputError, ParameterError
from whosame.export.tables import is_table_of_names, read_names
from whosame.runs import Run


def has_names(file: Path) -> bool:
    """Return whether a file is a table of names, not of answers.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        return is_table_of_names(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error


def import_names(store: LabelStore, run: Run, file: Path, annotator: str | None) -> ImportedNames:
    """Store what a table of names says otherwise than the run's names, as answers and names of a person.

    Parameters
    ----------
    store : LabelStore
    run : Run
        With a table of identities.
    file : Path
        See :func:`~whosame.export.tables.read_names`.
    annotator : str, optional

    Raises
    ------
    ParameterError
        Nobody is named who gave the names.
    InputError
        The table does not fit, or contradicts answers.
    NoReviewError
        The run has no table of identities.
    """
    if not annotator:
        raise ParameterError(f"{file} is a table of names: say whose they are (--annotator=NAME)")
    table = read_table(run, paths.root() / "data")
    content = file.read_bytes()
    given = read_names(content, table.root, table.paths)
    row_of = {path: row for row, path in enumerate(table.paths)}
    with store.writing() as connection:
        lock_run(connection, table.run_uid, alone=True)
        state = read_state(connection, table)
        named = {row_of[path]: name for path, name in given.items()}
        done = store_names(connection, state, run.completed(), named, annotator, import_uid(content))
        details = {"run": run.name, "file": str(file), "annotator": annotator, **vars(done)}
        audit_log.record(connection, audit_log.TERMINAL, "imported", details)
    return done
