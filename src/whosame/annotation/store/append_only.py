"""Append-only tables: triggers that refuse every update and delete, whatever program tries it."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from whosame.annotation.store.schema import answer_events, audit_events, review_undos, reviews, skips, undos

APPEND_ONLY = tuple(table.name for table in (answer_events, undos, skips, audit_events, reviews, review_undos))
REFUSAL = "the label store is append-only"
SQLITE = (
    "CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{refusal}'); END",
    "CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{refusal}'); END",
)
POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{refusal}'; END $$""",
    """CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
)


def refuse_changes(connection: Connection, tables: Iterable[str] = APPEND_ONLY) -> None:
    """Create the triggers of new tables, in the transaction that creates these."""
    statements = POSTGRESQL if connection.dialect.name == "postgresql" else SQLITE
    for table in tables:
        for statement in statements:
            connection.execute(text(statement.format(table=table, refusal=REFUSAL)))
