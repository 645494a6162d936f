"""Reviews of identities, and which answers are part of one."""

import sqlalchemy as sa
from alembic import op

from whosame.annotation.store.append_only import refuse_changes

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FORMS = "form IN ('tick', 'merge', 'name')"


def _row_id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True)


def upgrade() -> None:
    """Add the column, empty, and the two tables with the triggers that keep them as they are."""
    op.add_column("answer_events", sa.Column("review", sa.BigInteger, nullable=True))
    op.create_table(
        "reviews",
        _row_id(),
        sa.Column("run_uid", sa.String(64), nullable=False),
        sa.Column("form", sa.String(16), nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("image", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=True),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("session", sa.String(64), nullable=False),
        sa.Column("request", sa.String(43), nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("reviewed_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("request", name=op.f("uq_reviews")),
        sa.CheckConstraint(FORMS, name=op.f("ck_form")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reviews_run_uid", "reviews", ["run_uid"])
    op.create_table(
        "review_undos",
        _row_id(),
        sa.Column("review_id", sa.BigInteger, nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("undone_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_undos")),
        sa.UniqueConstraint("review_id", name=op.f("uq_review_undos")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_review_undos_review_id")),
        sqlite_autoincrement=True,
    )
    refuse_changes(op.get_bind(), ("reviews", "review_undos"))
