"""The configured label store, for commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from whosame.app import paths
from whosame.errors import StorageError
from whosame.runs import Run, is_name

if TYPE_CHECKING:
    from whosame.annotation.store.store import LabelStore
    from whosame.configuration import Configuration


def store_url(env: str | None, params: dict[str, Any], run: str | None = None) -> str:
    """Return the URL of the label store that the parameters name; of a run that has started, its own."""
    from whosame.app.round_loop import configured

    if run is not None and is_name(run) and Run.named(paths.runs_folder(), run).started():
        params = {"run": run, **params}
    return configured(env, params).database_url(paths.root())


def stored_answers(configuration: "Configuration", run: Run) -> str:
    """Return in words what a run's label store holds of it; a store that is missing or closed is no error."""
    from whosame.annotation.store.engine import parse_url, sqlite_path
    from whosame.annotation.store.store import open_store

    url = configuration.database_url(paths.root())
    file = sqlite_path(parse_url(url))
    if file is not None and not file.exists():
        return f"none: there is no label store {file} yet"
    try:
        with open_store(url, reading=True) as store:
            return f"{len(store.answers(run.about()['uid'])):,} in the label store {store.where}"
    except StorageError as error:
        return f"not known: {error}"


@contextmanager
def label_store(
    env: str | None,
    params: dict[str, Any],
    *,
    run: str | None = None,
    made_by: str | None = None,
    reading: bool = False,
) -> Iterator["LabelStore"]:
    """Open the configured label store, or that of a run.

    Parameters
    ----------
    env, params : str, dict
        As a command gets them.
    run : str, optional
        The name of a run: if it has started, its label store is the one.
    made_by : str, optional
        What makes a store, for the error where there is none; without it, one is made.
    reading : bool
        Only to look at it: nothing is created, upgraded or written.

    Raises
    ------
    StorageError
        There is no store, or it cannot be used.
    """
    from whosame.annotation.store.engine import parse_url, sqlite_path
    from whosame.annotation.store.store import open_store

    url = store_url(env, params, run)
    file = sqlite_path(parse_url(url))
    if made_by is not None and file is not None and not file.exists():
        raise StorageError(f"there is no label store {file} yet: it is made with {made_by}")
    with open_store(url, reading=reading) as store:
        yield store
