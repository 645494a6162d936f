"""Whether a run pauses because its answers are wasted, what they are like, and how probable "same" was of a task."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty: no run is paused."""
    op.add_column("runs", sa.Column("guard", sa.String(16), nullable=False, server_default="watching"))
    op.add_column("runs", sa.Column("answers_so_far", sa.Text, nullable=False, server_default="{}"))
    op.add_column("tasks", sa.Column("p_same", sa.Float, nullable=True))
