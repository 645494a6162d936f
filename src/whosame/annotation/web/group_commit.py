"""Many short writes, one commit: what people do at the same moment reaches the disk together.

A commit to SQLite waits for the disk, some milliseconds, and one transaction writes at a time: one answer a commit
would be some hundred answers a second, and SQLite's own queue is unfair, so that some would wait for seconds.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from whosame.annotation.store.store import LabelStore
from whosame.errors import StorageError

T = TypeVar("T")


@dataclass
class _Job:
    work: Callable[[Connection], Any]
    result: Future[Any] = field(default_factory=Future)
    called: threading.Event = field(default_factory=threading.Event)  # it is done, or it is its turn to do all


class Together:
    """Does what several threads want written, in the order in which they came.

    Whoever comes first does the work of all who came while the last commit was under way, then the next one does.
    On PostgreSQL, which does this itself, each has a transaction of their own.
    """

    def __init__(self, store: LabelStore) -> None:
        self._store = store
        self._alone = not store.where.startswith("sqlite")
        self._lock = threading.Lock()
        self._waiting: list[_Job] = []
        self._writing = False

    def do(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction, and return what it returns when that is on the disk.

        An error in it undoes what it did, and nothing else.

        Parameters
        ----------
        work : callable
            Changes nothing but the database, for it is run again where another's work fails.

        Raises
        ------
        StorageError
            The database cannot be written.
        """
        if self._alone:
            with self._store.writing() as connection:
                return work(connection)
        mine = _Job(work)
        with self._lock:
            self._waiting.append(mine)
            first, self._writing = not self._writing, True
        if not first:
            mine.called.wait()
        if not mine.result.done():
            with self._lock:
                jobs, self._waiting = self._waiting, []
            self._write(jobs)
            with self._lock:
                after = self._waiting[:1]
                self._writing = bool(after)
            for job in [*after, *jobs]:
                job.called.set()
        result: T = mine.result.result()
        return result

    def _write(self, jobs: list[_Job]) -> None:
        try:
            with self._store.writing() as connection:
                done = [job.work(connection) for job in jobs]
        except StorageError as error:
            for job in jobs:
                job.result.set_exception(error)
        except BaseException as error:  # noqa: BLE001  (whoever waits must be told, whatever it is)
            if len(jobs) == 1:
                jobs[0].result.set_exception(error)
            else:
                for job in jobs:
                    self._write([job])
        else:
            for job, result in zip(jobs, done, strict=True):
                job.result.set_result(result)
