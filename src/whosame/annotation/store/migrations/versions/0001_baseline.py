"""The baseline: the schema of the first release. Later revisions start from it.

New stores are created from :mod:`whosame.annotation.store.schema` and marked with the newest revision, so that this one
has nothing to do.
"""

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do nothing: every store has at least this schema."""
