"""The label store: all answers in one database, appended and never changed."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Row, Select, and_, select
from sqlalchemy.dialects import postgresql, sqlite

from whosame.annotation.store.engine import BUSY, connect, explain_errors, parse_url, sqlite_path
from whosame.annotation.store.migrate import check, prepare
from whosame.annotation.store.schema import NOT_UNDONE, answer_events
from whosame.annotation.store.timestamps import stamp
from whosame.errors import ResumeError, StorageError
from whosame.questions import Kind, Source, Verdict

LOCK_TIMEOUT = 30.0  # s; another process's write takes a millisecond, or many seconds where a disk is busy
MANY = 1000  # threads that may write at once on PostgreSQL
KEY = ("run_uid", "image_a", "image_b", "annotator", "attempt", "revision")
INSERT: dict[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
MAX_KEYS = 500  # of one statement


@dataclass(frozen=True)
class AnswerEvent:
    """One answer in the store.

    Attributes
    ----------
    run_uid, run : str
        The run's unique id, and its name.
    round : int
        From 0.
    image_a, image_b : int
        Image ids of the manifest, ``image_a < image_b``.
    digest_a, digest_b : str
        Digests of the images' bytes: a run whose manifest numbers the images differently finds them by these.
    kind, verdict, source : str
        As in :class:`~whosame.questions.Answer`; the source is ``human`` or ``oracle``.
    annotator : str
        Name of the person or of the simulated annotator.
    seconds : float
        How long it took.
    attempt : int
        1, or more where the answer was doubted and the pair asked again.
    answered_at : str
        UTC, ISO 8601; empty: the time of the commit.
    revision : int
        How many answers to the same question this annotator has undone before.
    lease, session : str or None
        The lease that it answers and the login session it was given in; None where it did not come from the page.
    settles : bool
        Whether it decides a pair on which others disagree.
    found_in : int or None
        Id of the answer of another run that this one copies.
    review : int or None
        Id of the review that it is part of; None: it answers one pair.
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
    review: int | None = None


COLUMNS = [answer_events.c[field.name] for field in fields(AnswerEvent)]


class LabelStore:
    """Answers in a database. Use :func:`open_store` to open one, best as a context manager."""

    def __init__(self, url: str, *, lock_timeout: float = LOCK_TIMEOUT, reading: bool = False) -> None:
        parsed = parse_url(url)
        self.where = parsed.render_as_string(hide_password=True)
        self._path = sqlite_path(parsed)
        self._lock_timeout = lock_timeout
        self._turn = threading.BoundedSemaphore(1 if parsed.get_backend_name() == "sqlite" else MANY)
        insert = INSERT[parsed.get_backend_name()](answer_events).on_conflict_do_nothing(index_elements=list(KEY))
        self._insert = insert.returning(answer_events.c.id)  # nothing, where there is one already
        self._engine = connect(parsed, lock_timeout=lock_timeout, reading=reading)
        self._writing = self._engine.execution_options(write=True)
        one_state = {"isolation_level": "REPEATABLE READ"} if self._engine.name == "postgresql" else {}
        self._reading = self._engine.execution_options(**one_state)
        alone = {"isolation_level": "AUTOCOMMIT"} if self._engine.name == "postgresql" else {}
        self._glancing = self._engine.execution_options(**alone)
        try:
            with explain_errors(self.where):
                if reading:
                    check(self._reading, self.where)
                else:
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
        # Threads of one process take turns at a lock that wakes the next one: SQLite would poll.
        if not self._turn.acquire(timeout=self._lock_timeout):
            raise StorageError(f"the label store {self.where} {BUSY}. Answers committed before are kept.")
        try:
            with explain_errors(self.where), self._writing.begin() as connection:
                yield connection
        finally:
            self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Begin a transaction that only reads; it sees one state of the store."""
        # Ended by a commit: at a rollback psycopg forgets the statements it has prepared.
        with explain_errors(self.where), self._reading.begin() as connection:
            yield connection

    def glance(self, query: Select[Any], values: dict[str, Any]) -> Row[Any] | None:
        """Return the first row of one query, without a transaction, which would cost PostgreSQL two round trips."""
        with explain_errors(self.where), self._glancing.connect() as connection:
            return connection.execute(query, values).first()

    def append(self, events: Sequence[AnswerEvent]) -> int:
        """Commit answers, all or none; when it returns they survive a power cut.

        An answer that the store has already (same run, pair, annotator and attempt) is one answer, not two.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        ResumeError
            The store has one with another verdict; then none is committed.
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
        """Return the answers of a run, or of one round, in the order in which they were given; None: of all runs.

        Those that were undone are not among them.
        """
        query = select(*COLUMNS).where(NOT_UNDONE).order_by(answer_events.c.id)
        if run_uid is not None:
            query = query.where(answer_events.c.run_uid == run_uid)
        if round is not None:
            query = query.where(answer_events.c.round == round)
        with self.reading() as connection:
            return [AnswerEvent(*row) for row in connection.execute(query)]

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(url: str, *, lock_timeout: float = LOCK_TIMEOUT, reading: bool = False) -> LabelStore:
    """Open the label store; create it where there is none.

    Parameters
    ----------
    url : str
        ``sqlite:///PATH`` or ``postgresql://…``.
    lock_timeout : float
        Seconds to wait for a lock that another process holds.
    reading : bool
        Only to look at it: nothing is created, upgraded or written.

    Raises
    ------
    ParameterError
        The address is not valid.
    StorageError
        It cannot be read and written, or has another schema: found here, before work starts.

    Examples
    --------
    >>> with open_store("sqlite:///data/labels.db") as store:  # doctest: +SKIP
    ...     store.answers(run_uid)
    """
    return LabelStore(url, lock_timeout=lock_timeout, reading=reading)


def chunks(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield keys, in order, as many at a time as one statement should name."""
    for first in range(0, len(keys), MAX_KEYS):
        yield keys[first : first + MAX_KEYS]


def _check_same(connection: Connection, event: AnswerEvent) -> None:
    key = and_(*(answer_events.c[name] == getattr(event, name) for name in KEY))
    kept = connection.scalar(select(answer_events.c.verdict).where(key))
    if kept != event.verdict:
        raise ResumeError(
            f"{event.annotator} has answered images {event.image_a} and {event.image_b} of run {event.run!r} already: "
            f"{kept!r}, and now {event.verdict!r}. The store keeps the first. Is the same run open twice, or were its "
            "identities changed since it began?"
        )
