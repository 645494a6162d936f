"""What ``kedro annotators list`` prints."""

from collections.abc import Sequence
from datetime import UTC, datetime

from whosame.annotators.people import Person
from whosame.reporting.table import MISSING, table

HEADER = ("annotator", "role", "added", "last on the page (UTC)")


def people_table(people: Sequence[Person]) -> str:
    """Write who may answer; their links cannot be shown, only hashes of them are kept."""
    if not people:
        return "Nobody was added yet: kedro annotators add NAME"
    rows = [[person.name, person.role, person.added_at[:10], _moment(person.seen)] for person in people]
    return table(HEADER, rows, left=len(HEADER))


def _moment(seen: float | None) -> str:
    return MISSING if seen is None else datetime.fromtimestamp(seen, UTC).strftime("%Y-%m-%d %H:%M")
