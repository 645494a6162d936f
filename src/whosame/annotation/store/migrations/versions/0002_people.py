"""What people need: answers taken back and skipped, pairs that wait, who holds which, who may, what was done."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
KEY = ["run_uid", "image_a", "image_b", "annotator", "attempt"]
APPENDED = ("answer_events", "take_backs", "skips", "audit_events")
REFUSED = "the label store is append-only"


def upgrade() -> None:
    """Give answers their new columns, make the other tables, and let nobody change what was said."""
    _widen_answers()
    _make_tables()
    for table in APPENDED:
        _protect(table)
    op.execute("DROP TABLE IF EXISTS schema_version")  # of stores made before there were migrations


def _widen_answers() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if sqlite:
        for change in ("update", "delete"):
            op.execute(f"DROP TRIGGER answer_events_no_{change}")
    with op.batch_alter_table(
        "answer_events",
        table_args=(
            sa.CheckConstraint("image_a < image_b", name="ck_pair_in_order"),
            sa.CheckConstraint("kind IN ('within', 'between', 'pool')", name="ck_kind"),
            sa.CheckConstraint("verdict IN ('same', 'different', 'unsure')", name="ck_verdict"),
            sa.CheckConstraint("source IN ('human', 'oracle')", name="ck_source"),
        ),
        table_kwargs={"sqlite_autoincrement": True},
    ) as table:
        table.add_column(sa.Column("revision", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("hold", sa.String(43)))
        table.add_column(sa.Column("sitting", sa.String(64)))
        table.add_column(sa.Column("settles", sa.Boolean, nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("found_in", sa.BigInteger))
        table.drop_constraint("uq_answer_events", type_="unique")
        table.create_unique_constraint("uq_answer_events", [*KEY, "revision"])
    op.create_index("ix_answer_events_digests", "answer_events", ["digest_a", "digest_b"])
    op.create_index("ux_answer_events_hold", "answer_events", ["hold"], unique=True)


def _make_tables() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "campaigns",
        sa.Column("run_uid", sa.String(length=64), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("budget", sa.Integer(), nullable=False),
        sa.Column("round_budget", sa.Integer(), nullable=False),
        sa.Column("overlap", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("seen", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("run_uid", name="pk_campaigns"),
    )
    op.create_table(
        "page_keys",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_page_keys"),
    )
    op.create_table(
        "people",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("added_at", sa.String(length=32), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("name", name="uq_people"),
        sqlite_autoincrement=True,
    )
    op.create_index("ux_people_token_hash", "people", ["token_hash"], unique=True)
    op.create_table(
        "pictures",
        sa.Column("run_uid", sa.String(length=64), nullable=False),
        sa.Column("image", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.PrimaryKeyConstraint("run_uid", "image", name="pk_pictures"),
        sa.UniqueConstraint("handle", name="uq_pictures"),
    )
    op.create_table(
        "tasks",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("run_uid", sa.String(length=64), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("image_a", sa.BigInteger(), nullable=False),
        sa.Column("image_b", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("run_uid", "image_a", "image_b", "attempt", name="uq_tasks"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tasks_waiting", "tasks", ["run_uid", "open", "place"], unique=False)
    op.create_table(
        "holds",
        sa.Column("token", sa.String(length=43), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("sitting", sa.String(length=64), nullable=False),
        sa.Column("swapped", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_holds_task_id"),
        sa.PrimaryKeyConstraint("token", name="pk_holds"),
        sa.UniqueConstraint("task_id", "annotator", name="uq_holds"),
    )
    op.create_index("ix_holds_annotator", "holds", ["annotator"], unique=False)
    op.create_table(
        "sittings",
        sa.Column("sitting", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("began", sa.Float(), nullable=False),
        sa.Column("seen", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_sittings_person_id"),
        sa.PrimaryKeyConstraint("sitting", name="pk_sittings"),
    )
    op.create_table(
        "skips",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("hold", sa.String(length=43), nullable=False),
        sa.Column("skipped_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_skips_task_id"),
        sa.PrimaryKeyConstraint("id", name="pk_skips"),
        sa.UniqueConstraint("hold", name="uq_skips"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_skips_annotator", "skips", ["annotator", "task_id"], unique=False)
    op.create_table(
        "take_backs",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("annotator", sa.Text(), nullable=False),
        sa.Column("taken_back_at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["answer_events.id"], name="fk_take_backs_event_id"),
        sa.PrimaryKeyConstraint("id", name="pk_take_backs"),
        sa.UniqueConstraint("event_id", name="uq_take_backs"),
        sqlite_autoincrement=True,
    )


def _protect(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
