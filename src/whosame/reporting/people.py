"""What ``kedro annotators list`` and ``log`` print."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from whosame.annotation.accounts.users import Person
from whosame.annotation.store.audit_log import Entry
from whosame.reporting.table import MISSING, table

HEADER = ("annotator", "role", "added", "last on the page (UTC)")


def people_table(people: Sequence[Person]) -> str:
    """Write who may answer; their links cannot be shown, only hashes of them are kept."""
    if not people:
        return "Nobody was added yet: kedro annotators add NAME"
    rows = [[person.name, person.role, person.added_at[:10], _moment(person.seen)] for person in people]
    return table(HEADER, rows, left=len(HEADER))


def event_line(entry: Entry) -> str:
    """Write when, who, what and what is known of it, with tabs between; values as in JSON: it stays one line."""
    about = " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in entry.details.items())
    return f"{entry.at}\t{entry.actor}\t{entry.action}\t{about}".rstrip()


def _moment(seen: float | None) -> str:
    return MISSING if seen is None else datetime.fromtimestamp(seen, UTC).strftime("%Y-%m-%d %H:%M")
