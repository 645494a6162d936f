"""The database engine of the label store: durable commits, locks, and errors that say what to do."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from whosame.errors import ParameterError, StorageError, unknown_name

POOL_SIZE = 40  # connections, one for each thread that serves; a thread without one would open one for each request
BUSY_TIMEOUT_MS = 10  # SQLite retries after 1, 2, 5 and 10 ms, then more and more rarely
BACKENDS = ("sqlite", "postgresql")
ELSEWHERE = "give another store (--params=database=sqlite:///PATH)"
BUSY = "is locked by another program: close it (an open SQL shell?) and type the same command again"
FULL = "cannot grow, the disk is full: free some space and type the same command again"
ADVICE = {  # by the beginning of SQLite's name for the error, or of PostgreSQL's code
    "SQLITE_READONLY": f"is read-only: make the file and its folder writable, or {ELSEWHERE}",
    "SQLITE_FULL": FULL,
    "SQLITE_BUSY": BUSY,
    "SQLITE_CANTOPEN": f"cannot be opened: check that its folder exists and may be written, or {ELSEWHERE}",
    "SQLITE_NOTADB": f"is not a SQLite database: {ELSEWHERE}",
    "SQLITE_CORRUPT": f"is damaged: restore a copy, or {ELSEWHERE}",
    "SQLITE_IOERR": "cannot be read or written: check the disk, then type the same command again",
    "53100": FULL,
    "55P03": BUSY,
    "25006": f"is read-only: name a server that may be written, or {ELSEWHERE}",
    "42501": "may not be used by this user: GRANT it the right to create tables in the database",
    "42P01": "lacks a table of whosame's: restore a copy, or start again, and the tables are created",
}


def parse_url(url: str) -> URL:
    """Return the address of a database, checked as far as that goes without a connection.

    Raises
    ------
    ParameterError
        It is not valid, not SQLite or PostgreSQL, or a SQLite database in memory, which would lose the answers.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ParameterError(f"database={url!r} is not an address: write sqlite:///PATH or postgresql://…") from error
    backend = parsed.get_backend_name()
    if backend not in BACKENDS:
        raise unknown_name("kind of database", backend, BACKENDS)
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ParameterError("a label store in memory would lose its answers: write database=sqlite:///PATH")
    return parsed


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite database; None for PostgreSQL and for SQLite's own ``file:`` addresses."""
    if url.get_backend_name() != "sqlite" or str(url.database).startswith("file:"):
        return None
    return Path(str(url.database))


def connect(url: URL, *, lock_timeout: float, reading: bool = False) -> Engine:
    """Return an engine whose commits survive a power cut; create the folder of a SQLite database.

    Transactions of ``engine.execution_options(write=True)`` begin ``IMMEDIATE`` on SQLite: with deferred ones two
    writers fail with "database is locked" whatever the timeout.

    Parameters
    ----------
    url : URL
    lock_timeout : float
        Seconds to wait for a lock that another process holds.
    reading : bool
        Refuse to write: nothing is changed in the database, and none is made.

    Raises
    ------
    StorageError
        The path is a folder, its folder cannot be made, or the database's driver is not installed.
    """
    path = sqlite_path(url)
    if path is not None:
        if path.is_dir():
            raise StorageError(f"the label store {path} is a folder: name a file, as in sqlite:///{path}/labels.db")
        try:
            if reading and not path.exists():
                raise StorageError(f"there is no label store {path}")
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"the folder of the label store {path} cannot be made: {error}; {ELSEWHERE}") from error
    postgresql = url.get_backend_name() == "postgresql"
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    try:
        engine = create_engine(url, pool_size=POOL_SIZE)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        install = "pip install 'psycopg[binary]', or " if url.drivername == "postgresql+psycopg" else ""
        missing = f"the driver of {url.drivername} is not installed ({error}): {install}{ELSEWHERE}"
        raise StorageError(missing) from error
    if postgresql:
        event.listen(engine, "connect", lambda raw, _: _set_up_postgresql(raw, lock_timeout, reading=reading))
    else:
        event.listen(engine, "connect", lambda raw, _: _set_up_sqlite(raw, lock_timeout, reading=reading))
        event.listen(engine, "begin", lambda connection: _begin_sqlite(connection, lock_timeout))
    return engine


def _set_up_sqlite(raw: Any, lock_timeout: float, *, reading: bool) -> None:
    raw.isolation_level = None  # sqlite3 would begin deferred transactions of its own
    if reading:
        raw.execute(f"PRAGMA busy_timeout = {round(lock_timeout * 1000)}")
        raw.execute("PRAGMA query_only = ON")
        return
    # Readers and the writer do not wait for each other. Where two processes switch to it at once, SQLite refuses one.
    _when_free(raw, "PRAGMA journal_mode = WAL", lock_timeout)
    raw.execute(f"PRAGMA busy_timeout = {round(lock_timeout * 1000)}")
    raw.execute("PRAGMA synchronous = FULL")  # a commit returns when the answer is on the disk
    raw.execute("PRAGMA fullfsync = ON")  # on macOS too, whose fsync leaves it in the disk's cache


def _set_up_postgresql(raw: Any, lock_timeout: float, *, reading: bool) -> None:
    with raw.cursor() as cursor:
        if reading:
            cursor.execute("SET default_transaction_read_only = on")
        cursor.execute(f"SET lock_timeout = {round(lock_timeout * 1000)}")
        cursor.execute("SET synchronous_commit = on")  # a commit returns when the answer is on the disk
    raw.commit()


def _begin_sqlite(connection: Connection, lock_timeout: float) -> None:
    raw: Any = connection.connection.driver_connection
    if not connection.get_execution_options().get("write"):
        raw.execute("BEGIN")
        return
    try:
        _when_free(raw, "BEGIN IMMEDIATE", lock_timeout)
    finally:
        raw.execute(f"PRAGMA busy_timeout = {round(lock_timeout * 1000)}")


def _when_free(raw: Any, statement: str, lock_timeout: float) -> None:
    """Execute a statement as soon as no other process holds its lock.

    By itself SQLite retries ten times a second: among busy writers some would wait for ever.
    """
    raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    end = time.monotonic() + lock_timeout
    while True:
        try:
            raw.execute(statement)
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > end:
                raise
            time.sleep(0.001)  # where SQLite did not wait
        else:
            return


def lock_run(connection: Connection, run_uid: str, *, alone: bool) -> None:
    """Lock a run's tasks until the transaction ends: shared for the page, exclusive (``alone``) for the loop.

    Taken before any row is locked, so that there is no deadlock. On SQLite one transaction writes at a time anyhow.
    """
    if connection.dialect.name == "postgresql":
        take = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
        connection.execute(select(take(func.hashtext(run_uid))))


@contextmanager
def explain_errors(where: str) -> Iterator[None]:
    """Replace the database driver's errors by one that says what happened and what to do.

    Raises
    ------
    StorageError
        In place of any error of the driver.
    """
    try:
        yield
    except (DBAPIError, PoolTimeoutError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        name = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or ""
        advice = next((text for code, text in ADVICE.items() if name.startswith(code)), None)
        advice = advice or "cannot be used: check that it runs and that the address is right"
        raise StorageError(f"the label store {where} {advice} ({cause}). Answers committed before are kept.") from error
