"""The tables of the label store, for SQLite and PostgreSQL alike."""

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    insert,
    inspect,
    select,
    update,
)

from whosame.errors import StorageError

VERSION = 1  # raise it with every change of a table, and add the migration

# Names by rule, so that a later migration can speak of every constraint.
metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s", "ck": "ck_%(constraint_name)s"}
)

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

answer_events = Table(
    "answer_events",
    metadata,
    # The order in which answers were given: clocks can be set back, this cannot.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("run_uid", String(64), nullable=False),
    Column("run", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("image_a", BigInteger, nullable=False),
    Column("image_b", BigInteger, nullable=False),
    Column("digest_a", String(64), nullable=False),
    Column("digest_b", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("annotator", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("answered_at", String(32), nullable=False),
    # One answer, however often it is sent. It also finds the answers of a run, its first column.
    UniqueConstraint("run_uid", "image_a", "image_b", "annotator", "attempt"),
    CheckConstraint("image_a < image_b", name="pair_in_order"),
    CheckConstraint("kind IN ('within', 'between', 'pool')", name="kind"),
    CheckConstraint("verdict IN ('same', 'different', 'unsure')", name="verdict"),
    CheckConstraint("source IN ('human', 'oracle')", name="source"),
    sqlite_autoincrement=True,
)

for _change in ("UPDATE", "DELETE"):
    event.listen(
        answer_events,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"CREATE TRIGGER answer_events_no_{_change.lower()} BEFORE {_change} ON answer_events "
            "BEGIN SELECT RAISE(ABORT, 'the label store is append-only'); END"
        ).execute_if(dialect="sqlite"),
    )


def prepare(connection: Connection, where: str) -> None:
    """Make the tables where there are none, or check that they are of this version.

    Raises
    ------
    StorageError
        The database has an older or newer schema, or tables of these names that are not ours.
    """
    present = set(inspect(connection).get_table_names())
    if not present & set(metadata.tables):
        metadata.create_all(connection, checkfirst=False)
        connection.execute(insert(schema_version).values(version=VERSION))
        return
    if not present >= set(metadata.tables):
        raise StorageError(
            f"the database {where} has a table {', '.join(sorted(present & set(metadata.tables)))} that whosame "
            "did not make: give the label store a database of its own (--params=database=sqlite:///PATH)."
        )
    found: list[Any] = list(connection.scalars(select(schema_version.c.version)))
    if found != [VERSION]:
        version = found[0] if found else "none"
        raise StorageError(
            f"the label store {where} has schema {version}, this whosame reads schema {VERSION}: use the version of "
            "whosame that made it, or give another store (--params=database=sqlite:///PATH). Nothing was changed."
        )
    # Writing the same number shows a full disk or a read-only file now, not at the first answer.
    connection.execute(update(schema_version).values(version=VERSION))
