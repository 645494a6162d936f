"""Bringing a database to the schema of this version: made anew, or changed step by step with a copy kept."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from whosame.annotation.store.schema import answer_events, metadata
from whosame.errors import StorageError

logger = logging.getLogger(__name__)

HEAD = "0002"  # the newest file under migrations/versions
FIRST = "0001"
LOCK = 7710231  # whose mark it is that somebody prepares a PostgreSQL database; any number that stays
OLD_VERSION, VERSION = "schema_version", "alembic_version"  # stores made before there were migrations have the first


def prepare(engine: Engine, where: str, file: Path | None) -> None:
    """Make the tables where there are none, and bring those of an older version up to date.

    All changes are one transaction: a crash leaves the old schema. A SQLite store that is changed is copied first.

    Parameters
    ----------
    engine : Engine
        Whose transactions may write.
    where : str
        What messages call the database.
    file : Path or None
        The file of a SQLite database.

    Raises
    ------
    StorageError
        The database is of a newer version, or has tables of these names that are not ours.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # one at a time, as SQLite's transactions are of themselves
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
        found = _revision(connection, where)
        if found == HEAD:
            # Writing the same number shows a full disk or a read-only file now, not at the first answer.
            connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD})
            return
        if found is not None and file is not None:
            _copy(file, found)
        _upgrade(connection, found)


def _revision(connection: Connection, where: str) -> str | None:
    """Return the schema that is there; None where there is none."""
    present = set(inspect(connection).get_table_names())
    if VERSION in present and answer_events.name in present:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if found not in (FIRST, HEAD):
            raise StorageError(
                f"the label store {where} has schema {found}, this whosame reads schemas {FIRST} to {HEAD}: use the "
                "version of whosame that made it, or give another store (--params=database=sqlite:///PATH). "
                "Nothing was changed."
            )
        return str(found)
    if OLD_VERSION in present and answer_events.name in present:
        number = connection.scalar(text("SELECT version FROM schema_version"))
        if number == 1:
            return FIRST
    if foreign := present & {VERSION, OLD_VERSION, *metadata.tables}:
        raise StorageError(
            f"the database {where} has a table {', '.join(sorted(foreign))} that whosame did not make: give the label "
            "store a database of its own (--params=database=sqlite:///PATH)."
        )
    return None


def _upgrade(connection: Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    if found is not None and not inspect(connection).has_table(VERSION):
        command.stamp(config, found)
    command.upgrade(config, HEAD)


def _copy(file: Path, revision: str) -> None:
    """Copy a SQLite database before it is changed; what the copy holds is what every answer committed so far says."""
    kept = file.with_name(f"{file.name}.schema-{revision}")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(kept)) as target:
        source.backup(target)
    logger.warning("the label store %s is brought from schema %s to %s; a copy is %s", file, revision, HEAD, kept)
