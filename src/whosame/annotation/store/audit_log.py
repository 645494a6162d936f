"""The audit log: who did what, and when. It joins the log's own events with answers, undos and skips."""

import heapq
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, select

from whosame.annotation.store.schema import answer_events, audit_events, skips, tasks, undos
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp

Action = Literal[
    "logged in",
    "login failed",
    "logged out",
    "exported",
    "imported",
    "undid answers",
    "added",
    "removed",
    "rotated",
    "continued",
    "stopped",
]
# Actors that are no users; no user can have these names.
TERMINAL = "(terminal)"  # a command
UNKNOWN = "(unknown)"  # a login that failed


@dataclass(frozen=True)
class Entry:
    """One line of the log.

    Attributes
    ----------
    at : str
        UTC, ISO 8601.
    actor : str
        Name of the user, ``(terminal)`` for a command, ``(unknown)`` for a login that failed.
    action : str
        One of ``Action``, or ``answered``, ``undid``, ``skipped``.
    details : dict
        By action: run, round, images, verdict; the address of a login; the name of the user who was added.
    """

    at: str
    actor: str
    action: str
    details: dict[str, Any]


def record(
    connection: Connection, actor: str, action: Action, details: Mapping[str, Any], *, now: float | None = None
) -> None:
    """Append an event, in the transaction of what it describes: both are kept or neither.

    Answers, skips and undos are events of their own tables already: they are not written twice.
    """
    at = stamp(time.time() if now is None else now)
    text = json.dumps(dict(details), ensure_ascii=False, sort_keys=True)
    connection.execute(audit_events.insert().values(at=at, actor=actor, action=action, details=text))


def log(store: LabelStore, *, limit: int = 100) -> list[Entry]:
    """Return the newest ``limit`` events of all kinds, newest first.

    Each kind keeps the order in which it was written, also where the clock was set back.
    """
    with store.reading() as connection:
        kinds = [list(kind(connection, limit)) for kind in (_recorded, _answered, _undone, _skipped)]
    return list(heapq.merge(*kinds, key=lambda entry: entry.at, reverse=True))[:limit]


def _recorded(connection: Connection, limit: int) -> Iterator[Entry]:
    for row in connection.execute(select(audit_events).order_by(audit_events.c.id.desc()).limit(limit)):
        yield Entry(row.at, row.actor, row.action, json.loads(row.details))


def _answered(connection: Connection, limit: int) -> Iterator[Entry]:
    query = select(answer_events).where(answer_events.c.source == "human").order_by(answer_events.c.id.desc())
    for row in connection.execute(query.limit(limit)):
        result = {"verdict": row.verdict, "seconds": row.seconds, "settles": row.settles, "answer": row.id}
        yield Entry(row.answered_at, row.annotator, "answered", {**_pair(row), **result})


def _undone(connection: Connection, limit: int) -> Iterator[Entry]:
    query = select(answer_events, undos.c.undone_at).join(undos, undos.c.event_id == answer_events.c.id)
    for row in connection.execute(query.order_by(undos.c.id.desc()).limit(limit)):
        yield Entry(row.undone_at, row.annotator, "undid", {**_pair(row), "verdict": row.verdict, "answer": row.id})


def _skipped(connection: Connection, limit: int) -> Iterator[Entry]:
    query = select(tasks, skips.c.skipped_at, skips.c.annotator).join(skips, skips.c.task_id == tasks.c.id)
    for row in connection.execute(query.order_by(skips.c.id.desc()).limit(limit)):
        yield Entry(row.skipped_at, row.annotator, "skipped", _pair(row))


def _pair(row: Any) -> dict[str, Any]:
    return {"run_uid": row.run_uid, "round": row.round, "image_a": row.image_a, "image_b": row.image_b}
