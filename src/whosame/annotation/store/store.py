"""The label store: every answer ever given, appended and never changed."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Any, Self

import pandas as pd
from sqlalchemy import Connection, Row, Select, and_, select
from sqlalchemy.dialects import postgresql, sqlite

from whosame.annotation.store.engine import BUSY, connect, explained, parse_url, sqlite_path
from whosame.annotation.store.migrate import prepare
from whosame.annotation.store.schema import NOT_UNDONE, answer_events
from whosame.annotation.store.timestamps import stamp
from whosame.errors import ResumeError, StorageError
from whosame.questions import Kind, Source, Verdict

PATIENCE = 30.0  # s to wait for another process's write: a millisecond, or many seconds where a disk is busy
MANY = 1000  # threads that may write at once where the database lets them
KEY = ("run_uid", "image_a", "image_b", "annotator", "attempt", "revision")
INSERT: dict[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
KEYS = 500  # of one statement, at most


@dataclass(frozen=True)
class AnswerEvent:
    """One answer, as the store keeps it.

    Attributes
    ----------
    run_uid, run : str
        The run's own mark, which no other run ever has, and its name.
    round : int
        From 0.
    image_a, image_b : int
        Image ids of the manifest, ``image_a < image_b``.
    digest_a, digest_b : str
        Digests of the images' bytes: another run, whose manifest numbers images otherwise, finds them by these.
    kind, verdict, source : str
        As in :class:`~whosame.questions.Answer`; the source is ``human`` or ``oracle``.
    annotator : str
        Who said it.
    seconds : float
        How long it took.
    attempt : int
        1, or more where the answer was doubted and the pair put again.
    answered_at : str
        UTC, ISO 8601; empty: the time of the commit.
    revision : int
        How many answers to the same question this annotator has undone before.
    lease, session : str or None
        The lease that it answers and the login session it was given in; None where it did not come from the page.
    settles : bool
        Whether it decides a pair about which others disagree.
    found_in : int or None
        Number of the answer of another run that this one repeats.
    """

    run_uid: str
    run: str
    round: int
    image_a: int
    image_b: int
    digest_a: str
    digest_b: str
    kind: Kind
    verdict: Verdict
    source: Source
    annotator: str
    seconds: float
    attempt: int = 1
    answered_at: str = ""
    revision: int = 0
    lease: str | None = None
    session: str | None = None
    settles: bool = False
    found_in: int | None = None


COLUMNS = [answer_events.c[field.name] for field in fields(AnswerEvent)]


class LabelStore:
    """Answers in a database. Use :func:`open_store`, best as a context manager."""

    def __init__(self, url: str, *, patience: float = PATIENCE) -> None:
        parsed = parse_url(url)
        self.where = parsed.render_as_string(hide_password=True)
        self._path = sqlite_path(parsed)
        self._patience = patience
        self._turn = threading.BoundedSemaphore(1 if parsed.get_backend_name() == "sqlite" else MANY)
        insert = INSERT[parsed.get_backend_name()](answer_events).on_conflict_do_nothing(index_elements=list(KEY))
        self._insert = insert.returning(answer_events.c.id)  # nothing, where there is one already
        self._engine = connect(parsed, patience=patience)
        self._writing = self._engine.execution_options(write=True)
        one_state = {"isolation_level": "REPEATABLE READ"} if self._engine.name == "postgresql" else {}
        self._reading = self._engine.execution_options(**one_state)
        alone = {"isolation_level": "AUTOCOMMIT"} if self._engine.name == "postgresql" else {}
        self._glancing = self._engine.execution_options(**alone)
        try:
            with explained(self.where):
                prepare(self._writing, self.where, self._path)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Begin a transaction that may write: committed at the end, on the disk then, or rolled back by an error.

        Raises
        ------
        StorageError
            The database is gone, locked, full or read-only.
        """
        if self._path is not None and not self._path.exists():  # SQLite would go on writing into the removed file
            raise StorageError(f"the label store {self.where} was moved or removed: put it back and start again")
        # Threads of one process take turns at a lock that wakes the next: SQLite's own waiting sleeps in between.
        if not self._turn.acquire(timeout=self._patience):
            raise StorageError(f"the label store {self.where} {BUSY}. Answers committed before are kept.")
        try:
            with explained(self.where), self._writing.begin() as connection:
                yield connection
        finally:
            self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Begin a transaction that only reads; it sees one state of the store."""
        # Ended by a commit: at a rollback psycopg forgets the statements it has prepared.
        with explained(self.where), self._reading.begin() as connection:
            yield connection

    def glance(self, query: Select[Any], values: dict[str, Any]) -> Row[Any] | None:
        """Return the first row of one query; without a transaction around it, which costs PostgreSQL two replies."""
        with explained(self.where), self._glancing.connect() as connection:
            return connection.execute(query, values).first()

    def append(self, events: Sequence[AnswerEvent]) -> int:
        """Commit answers, all or none; when it returns they survive a power cut.

        An answer that is there already (the same run, pair, annotator and attempt) is one answer, not two.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        ResumeError
            One is there already with another verdict; then none is committed.
        StorageError
            The database is gone, locked, full or read-only.
        """
        now = stamp(time.time())
        new = 0
        with self.writing() as connection:
            for event in events:
                values = {**vars(event), "answered_at": event.answered_at or now}
                added = connection.scalar(self._insert.values(values)) is not None
                if not added:
                    _check_same(connection, event)
                new += added
        return new

    def answers(self, run_uid: str | None, round: int | None = None) -> list[AnswerEvent]:  # noqa: A002
        """Return the answers of a run, or of one round, in the order in which they were given; None: of every run.

        Those that were undone are not among them.
        """
        with self.reading() as connection:
            return [AnswerEvent(*row) for row in connection.execute(_query(run_uid, round))]

    def table(self, run_uid: str, round: int | None = None) -> pd.DataFrame:  # noqa: A002
        """Return :meth:`answers` as a table, a column for each attribute of :class:`AnswerEvent`."""
        with self.reading() as connection:
            rows = connection.execute(_query(run_uid, round)).all()
        return pd.DataFrame(rows, columns=[column.name for column in COLUMNS])

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(url: str, *, patience: float = PATIENCE) -> LabelStore:
    """Open the label store, making it where there is none.

    Parameters
    ----------
    url : str
        ``sqlite:///PATH`` or ``postgresql://…``.
    patience : float
        Seconds to wait for a lock that another process holds.

    Raises
    ------
    ParameterError
        The address cannot be one.
    StorageError
        It cannot be read and written, or is of another schema: found here, before work starts.

    Examples
    --------
    >>> with open_store("sqlite:///data/labels.db") as store:  # doctest: +SKIP
    ...     store.table(run_uid)
    """
    return LabelStore(url, patience=patience)


def portions(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield keys, in order, as many at a time as one statement should name."""
    for first in range(0, len(keys), KEYS):
        yield keys[first : first + KEYS]


def _query(run_uid: str | None, number: int | None) -> Select[Any]:
    query = select(*COLUMNS).where(NOT_UNDONE).order_by(answer_events.c.id)
    query = query if run_uid is None else query.where(answer_events.c.run_uid == run_uid)
    return query if number is None else query.where(answer_events.c.round == number)


def _check_same(connection: Connection, event: AnswerEvent) -> None:
    key = and_(*(answer_events.c[name] == getattr(event, name) for name in KEY))
    kept = connection.scalar(select(answer_events.c.verdict).where(key))
    if kept != event.verdict:
        raise ResumeError(
            f"{event.annotator} has answered images {event.image_a} and {event.image_b} of run {event.run!r} already: "
            f"{kept!r}, and now {event.verdict!r}. The store keeps the first. Is the same run open twice, or were its "
            "identities changed since it began?"
        )
