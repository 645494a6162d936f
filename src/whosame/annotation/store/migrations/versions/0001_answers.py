"""The answers, appended and never changed."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table as the first version of the label store had it."""
    op.create_table(
        "answer_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True),
        sa.Column("run_uid", sa.String(64), nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("image_a", sa.BigInteger, nullable=False),
        sa.Column("image_b", sa.BigInteger, nullable=False),
        sa.Column("digest_a", sa.String(64), nullable=False),
        sa.Column("digest_b", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("answered_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_answer_events"),
        sa.UniqueConstraint("run_uid", "image_a", "image_b", "annotator", "attempt", name="uq_answer_events"),
        sa.CheckConstraint("image_a < image_b", name="ck_pair_in_order"),
        sa.CheckConstraint("kind IN ('within', 'between', 'pool')", name="ck_kind"),
        sa.CheckConstraint("verdict IN ('same', 'different', 'unsure')", name="ck_verdict"),
        sa.CheckConstraint("source IN ('human', 'oracle')", name="ck_source"),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER answer_events_no_{change.lower()} BEFORE {change} ON answer_events "
                "BEGIN SELECT RAISE(ABORT, 'the label store is append-only'); END"
            )
