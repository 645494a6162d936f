"""Who looks at which pair: pairs are lent for a while, each to as many people as it is put to, never to one twice."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, func, select, update

from whosame.annotators.schema import answer_events, holds, pictures, skips, take_backs, tasks
from whosame.annotators.store import LabelStore

LEASE = 120.0  # s that a pair stays with somebody who does not answer; a closed laptop gives it back after that
TRIES = 20  # pairs that others took at the same moment before claiming gives up until the next request


@dataclass(frozen=True)
class Held:
    """A pair that somebody looks at.

    Attributes
    ----------
    token : str
        Names the hold; an answer to it is one answer, however often it is sent.
    task : int
        Number of the question.
    left, right : str
        Handles of the two pictures, in random order.
    round, attempt : int
        Of the question.
    """

    token: str
    task: int
    left: str
    right: str
    round: int
    attempt: int


def claim(
    store: LabelStore,
    run_uid: str,
    annotator: str,
    sitting: str,
    *,
    count: int = 1,
    lease: float = LEASE,
    now: Callable[[], float] = time.time,
) -> list[Held]:
    """Return up to ``count`` pairs to look at: first those that this person has already, then new ones.

    A reload or another tab gets the same pairs. New ones come in the order of asking, those that the person has
    skipped last. Several people claiming at once never get a pair more often than it is wanted.
    """
    with store.writing() as connection:
        return claimed(connection, run_uid, annotator, sitting, count=count, lease=lease, now=now())


def claimed(
    connection: Connection, run_uid: str, annotator: str, sitting: str, *, count: int, lease: float, now: float
) -> list[Held]:
    """Do what :func:`claim` does, within a transaction."""
    mine = _held(connection, (holds.c.annotator == annotator) & (tasks.c.run_uid == run_uid))[:count]
    if mine:
        tokens = [held.token for held in mine]
        renewed = update(holds).where(holds.c.token.in_(tokens))
        connection.execute(renewed.values(since=now, until=now + lease, sitting=sitting))
    for _ in range(TRIES):
        if len(mine) >= count:
            break
        free = _next_free(connection, run_uid, annotator, now)
        if free is None:
            break
        if _still_free(connection, free, annotator, now):
            mine.append(hold(connection, free.id, annotator, sitting, lease=lease, now=now))
    return mine


def hold(connection: Connection, task: int, annotator: str, sitting: str, *, lease: float, now: float) -> Held:
    """Give a pair to somebody, in place of holds on it that have lapsed."""
    connection.execute(delete(holds).where(holds.c.task_id == task, ~_standing(now)))
    token = secrets.token_urlsafe(32)
    values = {"token": token, "task_id": task, "annotator": annotator, "sitting": sitting}
    when = {"swapped": secrets.randbelow(2) == 1, "since": now, "until": now + lease}
    connection.execute(holds.insert().values({**values, **when}))
    return _held(connection, holds.c.token == token)[0]


def release(store: LabelStore, annotator: str, *, sitting: str | None = None) -> None:
    """Give back what somebody holds, at logout."""
    mine = holds.c.annotator == annotator
    with store.writing() as connection:
        connection.execute(delete(holds).where(mine if sitting is None else mine & (holds.c.sitting == sitting)))


def _standing(now: float) -> ColumnElement[bool]:
    # A hold from the future was given before the clock was set back: it would last for ever.
    return and_(holds.c.until > now, holds.c.since <= now)


def _next_free(connection: Connection, run_uid: str, annotator: str, now: float) -> Row[Any] | None:
    with_others = (
        select(func.count())
        .select_from(holds)
        .where(holds.c.task_id == tasks.c.id, holds.c.annotator != annotator, _standing(now))
        .scalar_subquery()
    )
    mine = exists().where(holds.c.task_id == tasks.c.id, holds.c.annotator == annotator)
    skipped = exists().where(skips.c.task_id == tasks.c.id, skips.c.annotator == annotator)
    free = (
        select(tasks)
        .where(tasks.c.run_uid == run_uid, tasks.c.open, tasks.c.answered + with_others < tasks.c.wanted)
        .where(~mine, ~_answered(annotator))
        .limit(1)
        .with_for_update(skip_locked=True, of=tasks)
    )
    fresh = connection.execute(free.where(~skipped).order_by(tasks.c.place, tasks.c.id)).first()
    if fresh is not None:
        return fresh
    times = (
        select(func.count())
        .select_from(skips)
        .where(skips.c.task_id == tasks.c.id, skips.c.annotator == annotator)
        .scalar_subquery()
    )
    return connection.execute(free.order_by(times, tasks.c.place, tasks.c.id)).first()


def _answered(annotator: str) -> ColumnElement[bool]:
    taken_back = exists().where(take_backs.c.event_id == answer_events.c.id)
    return exists().where(
        answer_events.c.run_uid == tasks.c.run_uid,
        answer_events.c.image_a == tasks.c.image_a,
        answer_events.c.image_b == tasks.c.image_b,
        answer_events.c.annotator == annotator,
        answer_events.c.attempt == tasks.c.attempt,
        ~taken_back,
    )


def _still_free(connection: Connection, task: Row[Any], annotator: str, now: float) -> bool:
    """Look again now that the row is locked: on PostgreSQL somebody may have claimed it since the first look."""
    row = connection.execute(select(tasks.c.open, tasks.c.answered, tasks.c.wanted).where(tasks.c.id == task.id)).one()
    others = select(func.count()).select_from(holds)
    others = others.where(holds.c.task_id == task.id, holds.c.annotator != annotator, _standing(now))
    return bool(row.open) and row.answered + (connection.scalar(others) or 0) < row.wanted


def _held(connection: Connection, condition: ColumnElement[bool]) -> list[Held]:
    left, right = pictures.alias(), pictures.alias()
    query = (
        select(
            holds.c.token, holds.c.swapped, tasks.c.id, tasks.c.round, tasks.c.attempt, left.c.handle, right.c.handle
        )
        .join(tasks, tasks.c.id == holds.c.task_id)
        .join(left, and_(left.c.run_uid == tasks.c.run_uid, left.c.image == tasks.c.image_a))
        .join(right, and_(right.c.run_uid == tasks.c.run_uid, right.c.image == tasks.c.image_b))
        .where(condition)
        .order_by(tasks.c.place, tasks.c.id)
    )
    return [
        Held(token, task, *((b, a) if swapped else (a, b)), number, attempt)
        for token, swapped, task, number, attempt, a, b in connection.execute(query)
    ]
