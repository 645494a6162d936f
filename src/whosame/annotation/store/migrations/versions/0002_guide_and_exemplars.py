"""What a run tells the people who answer, and the exemplars of a task's images."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns, empty: a run writes its guide when its next round begins."""
    op.add_column("runs", sa.Column("guide", sa.Text, nullable=False, server_default="{}"))
    op.add_column("tasks", sa.Column("exemplars", sa.Text, nullable=False, server_default="[]"))
