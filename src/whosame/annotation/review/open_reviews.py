"""Open reviews: the tables and states of the runs that are being reviewed, kept in memory until they change."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection

from whosame import artefacts
from whosame.annotation.accounts.sessions import signing_key
from whosame.annotation.review.read_state import read_state
from whosame.annotation.review.read_table import NoReviewError, read_table, reviewed_run
from whosame.annotation.review.state import ReviewState
from whosame.annotation.review.table import ReviewedTable
from whosame.annotation.review.tokens import Tokens
from whosame.annotation.store.engine import lock_run
from whosame.annotation.store.store import LabelStore
from whosame.errors import WhosameError
from whosame.runs import Run

KEPT = 5  # states of each table: after undo the review goes on from one of them


class OpenReview:
    """One table that is reviewed. Threads may share it.

    Attributes
    ----------
    table : ReviewedTable
    tokens : Tokens
    """

    def __init__(self, store: LabelStore, table: ReviewedTable) -> None:
        self.table = table
        self.tokens = Tokens(signing_key(store, "reviews"), table.run_uid, table.image_ids)
        self._store = store
        self._lock = threading.Lock()
        self._states: deque[ReviewState] = deque(maxlen=KEPT)

    def state(self) -> ReviewState:
        """Return what is known of the identities now."""
        with self._lock, self._store.reading() as connection:
            return self._read(connection)

    @contextmanager
    def changing(self) -> Iterator[tuple[Connection, ReviewState]]:
        """Begin a transaction in which no other review of the run is stored; with the state as it is in it."""
        with self._store.writing() as connection:
            lock_run(connection, self.table.run_uid, alone=True)
            with self._lock:  # nobody who has it waits for the store to be written to
                state = self._read(connection)
            yield connection, state

    def _read(self, connection: Connection) -> ReviewState:
        state = read_state(connection, self.table, self._states)
        if not self._states or self._states[-1] is not state:
            self._states.append(state)
        return state


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
        self._kept: dict[str, tuple[tuple[int, ...], OpenReview]] = {}

    def run(self, run_uid: str | None) -> Run:
        """Return the run with a uid, or the one whose table is the newest.

        Raises
        ------
        NoReviewError
        """
        if self._runs is None:
            raise NoReviewError("this page was started without the folder of the runs")
        return reviewed_run(self._runs, run_uid)

    def open(self, run: Run) -> OpenReview:
        """Return the review of a run's newest table.

        Raises
        ------
        NoReviewError
        """
        file = run.folder / artefacts.IDENTITIES
        try:
            found = file.stat()
        except OSError as error:
            raise NoReviewError(f"there are no identities: type kedro identities {run.name}") from error
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            kept = self._kept.get(run.name)
            if kept is None or kept[0] != stamp:
                assert self._runs is not None
                kept = stamp, OpenReview(self._store, read_table(run, self._runs.parent))
                self._kept[run.name] = kept
            return kept[1]

    def prepare(self, run_uid: str | None) -> OpenReview | None:
        """Read what will be asked for first, if it is there: it takes a second or two."""
        with suppress(WhosameError, OSError):
            review = self.open(self.run(run_uid))
            review.state()
            return review
        return None


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
