"""Open reviews: the tables and states of the runs that are being reviewed, kept in memory until they change."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from whosame import artefacts
from whosame.annotation.review.state import ReviewState, read_state
from whosame.annotation.review.table import NoReviewError, ReviewedTable, read_table, reviewed_run
from whosame.annotation.store.engine import lock_run
from whosame.annotation.store.store import LabelStore
from whosame.errors import WhosameError
from whosame.runs import Run


@dataclass
class _Kept:
    stamp: tuple[int, ...]
    table: ReviewedTable
    state: ReviewState | None = None


class OpenReviews:
    """The reviews of a project. Threads may share it.

    Parameters
    ----------
    store : LabelStore
    runs : Path or None
        ``data/runs`` of the project; None: this machine does not have it.
    """

    def __init__(self, store: LabelStore, runs: Path | None) -> None:
        self._store, self._runs = store, runs
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def run(self, run_uid: str | None) -> Run:
        """Return the run with a uid, or the one whose table is the newest.

        Raises
        ------
        NoReviewError
        """
        if self._runs is None:
            raise NoReviewError("this page was started without the folder of the runs")
        return reviewed_run(self._runs, run_uid)

    def state(self, run: Run) -> ReviewState:
        """Return what is known of a run's identities now.

        Raises
        ------
        NoReviewError
        """
        with self._store.reading() as connection:
            return self._state(connection, run)

    def prepare(self, run_uid: str | None) -> None:
        """Read the table that will be asked for first, if there is one: it takes a second or two."""
        with suppress(WhosameError, OSError):
            self._table(self.run(run_uid))

    def root(self, run_uid: str) -> Path | None:
        """Return the folder of the images of a run that is reviewed; None: it is not."""
        with self._lock:
            found = next((kept.table.root for kept in self._kept.values() if kept.table.run_uid == run_uid), None)
        if found is None:
            with suppress(NoReviewError):
                return self._table(self.run(run_uid)).root
        return found

    @contextmanager
    def changing(self, run: Run) -> Iterator[tuple[Connection, ReviewState]]:
        """Begin a transaction in which no other review of the run is stored; with the state as it is in it."""
        table = self._table(run)  # read before the store is locked
        with self._store.writing() as connection:
            lock_run(connection, table.run_uid, alone=True)
            yield connection, self._state(connection, run)

    def _table(self, run: Run) -> ReviewedTable:
        file = run.folder / artefacts.IDENTITIES
        try:
            found = file.stat()
        except OSError as error:
            raise NoReviewError(f"there are no identities: type kedro identities {run.name}") from error
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            kept = self._kept.get(run.name)
            if kept is None or kept.stamp != stamp:
                assert self._runs is not None
                kept = self._kept[run.name] = _Kept(stamp, read_table(run, self._runs.parent))
            return kept.table

    def _state(self, connection: Connection, run: Run) -> ReviewState:
        table = self._table(run)
        kept = self._kept[run.name]
        state = read_state(connection, table, kept.state)
        kept.state = state
        return state


def learnt_pairs(run: Run) -> set[tuple[int, int]]:
    """Return the pairs of image ids whose answers a run has learnt from, or has begun a round with."""
    from pandas import read_parquet  # at an undo alone: it would take a second of the page's start

    number = run.completed()
    found: set[tuple[int, int]] = set()
    for file in (run.round(number - 1) / artefacts.MEMORY, run.round(number) / artefacts.FOUND):
        if file.exists():
            table = read_parquet(file, columns=["image_a", "image_b"])
            found |= set(zip(table["image_a"].tolist(), table["image_b"].tolist(), strict=True))
    return found
