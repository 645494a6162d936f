"""The configured label store, for commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from whosame.app import paths
from whosame.errors import StorageError

if TYPE_CHECKING:
    from whosame.annotation.store.store import LabelStore


def store_url(env: str | None, params: dict[str, Any]) -> str:
    """Return the URL of the label store that the parameters name."""
    from whosame.app.round_loop import configured

    return configured(env, params).database_url(paths.root())


@contextmanager
def label_store(env: str | None, params: dict[str, Any], *, made_by: str | None = None) -> Iterator["LabelStore"]:
    """Open the configured label store.

    Parameters
    ----------
    env, params : str, dict
        As a command gets them.
    made_by : str, optional
        What makes a store, for the error where there is none; without it, one is made.

    Raises
    ------
    StorageError
        There is no store, or it cannot be used.
    """
    from whosame.annotation.store.engine import parse_url, sqlite_path
    from whosame.annotation.store.store import open_store

    url = store_url(env, params)
    file = sqlite_path(parse_url(url))
    if made_by is not None and file is not None and not file.exists():
        raise StorageError(f"there is no label store {file} yet: it is made with {made_by}")
    with open_store(url) as store:
        yield store
