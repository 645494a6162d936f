"""Attempts to use the MLflow server or database, which may fail.

MLflow holds a copy of what lies in ``data/runs``: whatever is wrong with it, a round or a comparison goes on.
"""

import functools
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy import NullPool, create_engine, inspect, make_url

from whosame.operating_system import lock

logger = logging.getLogger(__name__)

DATABASES = {"sqlite": None, "postgresql": 5432, "mysql": 3306, "mssql": 1433}  # and their ports
ANSWERS = 5  # seconds in which a server answers its first request
# How patient MLflow's client is, where the environment does not say it. Its own defaults take minutes.
FIRST_REQUEST = {"MLFLOW_HTTP_REQUEST_TIMEOUT": str(ANSWERS), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
REQUESTS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "60", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
NOISY = ("alembic", "mlflow", "urllib3")  # loggers that report the same failure again, with a traceback


def attempt(copy: Callable[[MlflowClient], object]) -> bool:
    """Copy something to MLflow, and return whether it is there.

    A failure is one warning, whatever it is, and not repeated while it stays the same.

    Parameters
    ----------
    copy : callable
        It may stop anywhere, and is called again from the start when MLflow is back.
    """
    uri = mlflow.get_tracking_uri()
    try:
        with _quiet():
            client = _connect(uri)
            with _patience(REQUESTS):
                copy(client)
    except Exception as error:  # drivers, servers and proxies raise anything
        logger.debug("MLflow", exc_info=True)
        _warn(_without_password(uri), _cause(error))
        return False
    if _warn.cache_info().currsize:
        logger.info("MLflow at %s can be used again, and has everything of this run", _without_password(uri))
        _warn.cache_clear()
    return True


def _connect(uri: str) -> MlflowClient:
    """Return the client of a server or database that answers; fail at once where it does not."""
    with _one_process_at_a_time(uri), _patience(FIRST_REQUEST):
        if uri.partition(":")[0].partition("+")[0] in DATABASES:
            _look_at_database(uri)
        client = MlflowClient(uri)
        client.search_experiments(max_results=1)
    return client


def _look_at_database(uri: str) -> None:
    """Connect once: MLflow itself tries ten times, for minutes, and reports each failure."""
    url = make_url(uri)
    port = url.port or DATABASES[url.get_backend_name()]
    if url.host and port:
        socket.create_connection((url.host, port), timeout=ANSWERS).close()
    file = _sqlite_file(uri)
    if file is None or file.exists():  # else MLflow makes it, and its folder
        with create_engine(url, poolclass=NullPool).connect() as connection:
            inspect(connection).get_table_names()


def _sqlite_file(uri: str) -> Path | None:
    path = uri.removeprefix("sqlite:///")
    return None if path in (uri, "", ":memory:") or path.startswith("file:") else Path(path)


@contextmanager
def _one_process_at_a_time(uri: str) -> Iterator[None]:
    """Make processes wait for each other while one of them makes the tables of a SQLite file."""
    file = _sqlite_file(uri)
    if file is None:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(f"{file.name}.lock").open("a") as opened:
        lock(opened, wait=True)
        yield


@contextmanager
def _patience(limits: Mapping[str, str]) -> Iterator[None]:
    ours = {name: value for name, value in limits.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


@contextmanager
def _quiet() -> Iterator[None]:
    levels = {name: logging.getLogger(name).level for name in NOISY}
    for name in levels:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


@functools.cache  # a failure that stays the same is reported once
def _warn(where: str, cause: str) -> None:
    logger.warning(
        "MLflow at %s did not take the figures: %s. Nothing is lost, they are in data/runs. MLflow gets them when it "
        "can be used: after the next round, or when the same command is typed again",
        where,
        cause,
    )


def _cause(error: BaseException) -> str:
    """Return the first line of what was wrong at first: MLflow wraps it in several layers."""
    first = error
    while (before := first.__cause__ or first.__context__) is not None:
        first = before
    text = (str(first).strip().splitlines() or [""])[0][:300].rstrip(".")
    return text if isinstance(first, MlflowException) and text else f"{type(first).__name__}: {text}"


def _without_password(uri: str) -> str:
    scheme, found, rest = uri.partition("://")
    user, at, host = rest.rpartition("@")
    return f"{scheme}{found}{user.partition(':')[0]}{at}{host}"
