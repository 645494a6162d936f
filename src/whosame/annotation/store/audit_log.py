"""Who did what, and when: the log of events that are no answers, and all of them together."""

import heapq
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, select

from whosame.annotation.store.schema import answer_events, audit_events, skips, take_backs, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp

Event = Literal["logged in", "login failed", "logged out", "exported", "imported", "added", "removed", "rotated"]
UNKNOWN = "(unknown)"  # whoever failed to log in; no person can have this name


@dataclass(frozen=True)
class Entry:
    """One line of the log.

    Attributes
    ----------
    at : str
        UTC, ISO 8601.
    who : str
        Name of the annotator, ``(terminal)`` for a command, ``(unknown)`` for a login that failed.
    what : str
        One of ``Event``, or ``answered``, ``undid``, ``skipped``.
    about : dict
        What is known of it: run, round, images, verdict; the address of a login; the name of who was added.
    """

    at: str
    who: str
    what: str
    about: dict[str, Any]


def record(
    connection: Connection, who: str, what: Event, about: Mapping[str, Any], *, now: float | None = None
) -> None:
    """Append an event, within the transaction of what it tells about: both are kept or neither.

    Answers, skips and undone answers are events of their own tables already: they are not written twice.
    """
    at = stamp(time.time() if now is None else now)
    said = json.dumps(dict(about), ensure_ascii=False, sort_keys=True)
    connection.execute(audit_events.insert().values(at=at, who=who, what=what, about=said))


def log(store: LabelStore, *, limit: int = 100, who: str | None = None) -> list[Entry]:
    """Return the newest events of every kind, newest first; those of one person, where ``who`` is given.

    Each kind stays in the order in which it was written, also where the clock was set back.
    """
    with store.reading() as connection:
        kinds = [list(kind(connection, limit, who)) for kind in (_recorded, _answered, _undone, _skipped)]
    return list(heapq.merge(*kinds, key=lambda entry: entry.at, reverse=True))[:limit]


def _recorded(connection: Connection, limit: int, who: str | None) -> Iterator[Entry]:
    table = audit_events.c
    query = select(table.at, table.who, table.what, table.about).where(_by(table.who, who))
    for at, by, what, about in connection.execute(query.order_by(table.id.desc()).limit(limit)):
        yield Entry(at, by, what, json.loads(about))


def _answered(connection: Connection, limit: int, who: str | None) -> Iterator[Entry]:
    table = answer_events.c
    query = select(answer_events).where(table.source == "human", _by(table.annotator, who))
    for row in connection.execute(query.order_by(table.id.desc()).limit(limit)):
        about = {**_pair(row), "verdict": row.verdict, "seconds": row.seconds, "settles": row.settles, "answer": row.id}
        yield Entry(row.answered_at, row.annotator, "answered", about)


def _undone(connection: Connection, limit: int, who: str | None) -> Iterator[Entry]:
    table = take_backs.c
    query = select(answer_events, table.taken_back_at).join(take_backs, table.event_id == answer_events.c.id)
    for row in connection.execute(query.where(_by(table.annotator, who)).order_by(table.id.desc()).limit(limit)):
        yield Entry(row.taken_back_at, row.annotator, "undid", {**_pair(row), "verdict": row.verdict, "answer": row.id})


def _skipped(connection: Connection, limit: int, who: str | None) -> Iterator[Entry]:
    table = skips.c
    query = select(tasks, table.skipped_at, table.annotator).join(skips, table.task_id == tasks.c.id)
    for row in connection.execute(query.where(_by(table.annotator, who)).order_by(table.id.desc()).limit(limit)):
        yield Entry(row.skipped_at, row.annotator, "skipped", _pair(row))


def _by(column: ColumnElement[str], who: str | None) -> ColumnElement[bool]:
    return column.is_not(None) if who is None else column == who


def _pair(row: Any) -> dict[str, Any]:
    return {"run_uid": row.run_uid, "round": row.round, "image_a": row.image_a, "image_b": row.image_b}
