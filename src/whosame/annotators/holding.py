"""Who looks at which pair: pairs are lent for a while, each to as many people as it is put to, never to one twice."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from whosame.annotators.schema import STANDS, answer_events, holds, pictures, skips, tasks
from whosame.annotators.store import LabelStore

LEASE = 120.0  # s that a pair stays with somebody who does not answer; a closed laptop gives it back after that
AHEAD = 60.0  # s that another process's clock may be ahead, or its transaction, while this one waited
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
    connection: Connection,
    run_uid: str,
    annotator: str,
    sitting: str,
    *,
    count: int,
    lease: float,
    now: float,
    locked: bool = False,
) -> list[Held]:
    """Do what :func:`claim` does, within a transaction; ``locked``: one that has called :func:`lock_mine`."""
    if not locked:
        lock_mine(connection, run_uid, annotator)
    me = {"run": run_uid, "who": annotator, "now": now}
    rows = connection.execute(MINE, me).all()[:count]
    mine = [_held(row) for row in rows]
    # Renewed when half of it is over: a write less for most answers.
    if any(row.until < now + lease / 2 or row.since > now or row.sitting != sitting for row in rows):
        renewed = {"tokens": [held.token for held in mine], "login": sitting, "end": now + lease, "now": now}
        connection.execute(RENEW, renewed)
    for _ in range(TRIES):
        if len(mine) >= count:
            break
        free = connection.execute(FRESH, me).first() or connection.execute(SKIPPED, me).first()
        if free is None:
            break
        # Look again now that the row is locked: on PostgreSQL somebody may have claimed it since the first look.
        still = connection.execute(STILL, {**me, "task": free.id}).first()
        if still is not None:
            mine.append(hold(connection, still, annotator, sitting, lease=lease, now=now))
    return mine


def hold(connection: Connection, shown: Any, annotator: str, sitting: str, *, lease: float, now: float) -> Held:
    """Give a pair, a row of ``SHOWN``, to somebody, in place of holds on it that have lapsed. Its task is locked."""
    connection.execute(LAPSE, {"task": shown.id, "now": now})
    token, swapped = secrets.token_urlsafe(32), secrets.randbelow(2) == 1
    values = {"token": token, "task_id": shown.id, "annotator": annotator, "sitting": sitting}
    connection.execute(NEW, {**values, "swapped": swapped, "since": now, "until": now + lease})
    return _made(token, swapped, shown)


def release(store: LabelStore, annotator: str, *, sitting: str | None = None) -> None:
    """Give back what somebody holds, at logout."""
    mine = holds.c.annotator == annotator
    with store.writing() as connection:
        connection.execute(delete(holds).where(mine if sitting is None else mine & (holds.c.sitting == sitting)))


def lock_mine(connection: Connection, run_uid: str, annotator: str, *also: int) -> None:
    """Wait until nobody else changes what somebody holds, before anything of it is read.

    Whoever changes a hold has its task's row locked. Everybody locks their own tasks here and at once, in the order of
    their numbers, and further ones only where they need not wait: so nobody waits for somebody who waits for them. Two
    tabs of one person take turns. On SQLite one transaction writes at a time anyhow.

    Parameters
    ----------
    also : int
        Numbers of tasks to lock besides.
    """
    if connection.dialect.name != "postgresql":
        return
    connection.execute(TURN, {"run": run_uid, "who": annotator})
    connection.execute(LOCK, {"who": annotator, "also": also})


def _held(row: Row[Any]) -> Held:
    return _made(row.token, row.swapped, row)


def _made(token: str, swapped: bool, row: Row[Any]) -> Held:
    sides = (row.of_b, row.of_a) if swapped else (row.of_a, row.of_b)
    return Held(token, row.id, *sides, row.round, row.attempt)


# The statements, made once: making them costs more than running them.

_who: BindParameter[str] = bindparam("who")
_now: BindParameter[float] = bindparam("now")
# A hold from the future was given before the clock was set back: it would last for ever.
_standing = and_(holds.c.until > _now, holds.c.since <= _now + AHEAD)
_left, _right = pictures.alias(), pictures.alias()
_handles = (_left.c.handle.label("of_a"), _right.c.handle.label("of_b"))
_shown: Select[Any] = (
    select(tasks.c.id, tasks.c.round, tasks.c.attempt, *_handles)
    .select_from(tasks)
    .join(_left, and_(_left.c.run_uid == tasks.c.run_uid, _left.c.image == tasks.c.image_a))
    .join(_right, and_(_right.c.run_uid == tasks.c.run_uid, _right.c.image == tasks.c.image_b))
)
SHOWN = _shown.where(tasks.c.id == bindparam("task"))
MINE = (
    _shown.join(holds, holds.c.task_id == tasks.c.id)
    .add_columns(holds.c.token, holds.c.swapped, holds.c.since, holds.c.until, holds.c.sitting)
    .where(holds.c.annotator == _who, tasks.c.run_uid == bindparam("run"))
    .order_by(tasks.c.place, tasks.c.id)
)

_since = case((holds.c.since > _now, _now), else_=holds.c.since)  # the clock may have been set back
RENEW = update(holds).where(holds.c.token.in_(bindparam("tokens", expanding=True)))
RENEW = RENEW.values(since=_since, until=bindparam("end"), sitting=bindparam("login"))
LAPSE = delete(holds).where(holds.c.task_id == bindparam("task"), ~_standing)
NEW = holds.insert()

# Tasks that wait for somebody, and that this person neither holds nor has answered.
_with_others = select(func.count()).select_from(holds).where(holds.c.task_id == tasks.c.id, holds.c.annotator != _who)
_answered = exists().where(
    answer_events.c.run_uid == tasks.c.run_uid,
    answer_events.c.image_a == tasks.c.image_a,
    answer_events.c.image_b == tasks.c.image_b,
    answer_events.c.annotator == _who,
    answer_events.c.attempt == tasks.c.attempt,
    STANDS,
)
_free = and_(
    tasks.c.run_uid == bindparam("run"),
    tasks.c.open,
    tasks.c.answered + _with_others.where(_standing).scalar_subquery() < tasks.c.wanted,
    ~exists().where(holds.c.task_id == tasks.c.id, holds.c.annotator == _who),
    ~_answered,
)
_first = select(tasks.c.id).where(_free).limit(1).with_for_update(skip_locked=True, of=tasks)
_in_order = (tasks.c.place, tasks.c.id)
FRESH = _first.where(~exists().where(skips.c.task_id == tasks.c.id, skips.c.annotator == _who)).order_by(*_in_order)
_skips = select(skips.c.task_id, func.count().label("times")).where(skips.c.annotator == _who).group_by(skips.c.task_id)
_often = _skips.subquery()
SKIPPED = _first.join(_often, _often.c.task_id == tasks.c.id).order_by(_often.c.times, *_in_order)
STILL = SHOWN.where(_free)

_hashed = func.hashtext(bindparam("run"))
TURN = select(func.pg_advisory_xact_lock_shared(_hashed), func.pg_advisory_xact_lock(_hashed, func.hashtext(_who)))
_its = select(holds.c.task_id).where(holds.c.annotator == _who)
LOCK = select(tasks.c.id).where(or_(tasks.c.id.in_(_its), tasks.c.id.in_(bindparam("also", expanding=True))))
LOCK = LOCK.order_by(tasks.c.id).with_for_update()
