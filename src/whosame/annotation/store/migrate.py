"""Schema migrations: a new database gets the tables of this version, an older one is upgraded, a copy kept."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from whosame.annotation.store.append_only import refuse_changes
from whosame.annotation.store.schema import answer_events, metadata
from whosame.errors import StorageError

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 7710231  # of whosame's migrations on PostgreSQL; any number that never changes
VERSION_TABLE = "alembic_version"


def prepare(engine: Engine, where: str, file: Path | None, *, migrations: Path = MIGRATIONS) -> None:
    """Create the tables where there are none, and upgrade those of an older version.

    All changes are one transaction: a crash leaves the old schema. A SQLite store is copied before it is upgraded. A
    new database is created from :data:`~whosame.annotation.store.schema.metadata` and marked with the newest revision:
    revisions only describe changes, so that the schema is written down once.

    Parameters
    ----------
    engine : Engine
        Its transactions may write.
    where : str
        Name of the database in messages.
    file : Path or None
        The file of a SQLite database.
    migrations : Path
        Alembic's script folder; each revision is a file ``versions/NNNN_name.py``.

    Raises
    ------
    StorageError
        The database is of a newer version, or has tables of these names that whosame did not create.
    """
    known = _revisions(migrations)
    head = known[-1]
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # one process at a time, as always on SQLite
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})
        found = _revision(connection, where, known)
        if found == head:
            # Writing the same number shows a full disk or a read-only file now, not at the first answer.
            connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": head})
            return
        if found is None:
            metadata.create_all(connection)
            refuse_changes(connection)
        elif file is not None:
            _copy(file, found, head)
        _migrate(connection, migrations, head, created=found is None)


def check(engine: Engine, where: str, *, migrations: Path = MIGRATIONS) -> None:
    """Check that a database has this version's tables, and change nothing.

    Raises
    ------
    StorageError
        It has those of an older version, or of a newer one, or none.
    """
    known = _revisions(migrations)
    with engine.begin() as connection:
        found = _revision(connection, where, known)
    if found != known[-1]:
        has = "no tables yet" if found is None else f"schema {found}, this whosame has {known[-1]}"
        raise StorageError(
            f"the label store {where} has {has}. A command that only looks does not change that: the next one that "
            "writes (kedro annotate, kedro rounds, kedro answers export) does, and keeps a copy of a SQLite file."
        )


def _revisions(migrations: Path) -> list[str]:
    return sorted(revision.name.partition("_")[0] for revision in (migrations / "versions").glob("[0-9]*.py"))


def _revision(connection: Connection, where: str, known: list[str]) -> str | None:
    """Return the revision of the schema in the database; None where there is no schema."""
    present = set(inspect(connection).get_table_names())
    if VERSION_TABLE in present and answer_events.name in present:
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if found not in known:
            raise StorageError(
                f"the label store {where} has schema {found}, this whosame reads schemas {known[0]} to {known[-1]}: "
                "use the version of whosame that made it, or give another store (--params=database=sqlite:///PATH). "
                "Nothing was changed."
            )
        return str(found)
    if foreign := present & {VERSION_TABLE, *metadata.tables}:
        raise StorageError(
            f"the database {where} has a table {', '.join(sorted(foreign))} that whosame did not make: give the label "
            "store a database of its own (--params=database=sqlite:///PATH)."
        )
    return None


def _migrate(connection: Connection, migrations: Path, head: str, *, created: bool) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    change = command.stamp if created else command.upgrade
    change(config, head)


def _copy(file: Path, revision: str, head: str) -> None:
    """Copy a SQLite database before it is upgraded; the copy holds every answer committed so far."""
    copy = file.with_name(f"{file.name}.schema-{revision}")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    logger.warning("the label store %s is upgraded from schema %s to %s; a copy is %s", file, revision, head, copy)
