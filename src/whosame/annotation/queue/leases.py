"""Who looks at which pair: pairs are lent for a while, each to as many people as it is put to, never to one twice."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
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
    select,
    update,
)

from whosame.annotation.store.schema import STANDS, answer_events, holds, pictures, skips, tasks
from whosame.annotation.store.store import LabelStore

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
    holding: Sequence[Row[Any]] | None = None,
) -> list[Held]:
    """Do what :func:`claim` does, within a transaction.

    Parameters
    ----------
    holding : sequence of rows, optional
        What the person holds in this run, where :func:`locked_mine` or :func:`locked_with` has said it already.
    """
    if holding is None:
        holding = locked_mine(connection, run_uid, annotator)
    me = {"run": run_uid, "who": annotator, "now": now}
    rows = holding[:count]
    mine = [_made(row.token, row.swapped, row) for row in rows]
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
    if shown.lent:
        connection.execute(LAPSE, {"task": shown.id, "now": now})
    token, swapped = secrets.token_urlsafe(32), secrets.randbelow(2) == 1
    values = {"token": token, "task_id": shown.id, "annotator": annotator, "sitting": sitting}
    connection.execute(NEW, {**values, "swapped": swapped, "since": now, "until": now + lease})
    return _made(token, swapped, shown)


def released(connection: Connection, annotator: str, *, sitting: str | None = None) -> None:
    """Give back what somebody holds, or holds by one login, within a transaction."""
    mine = holds.c.annotator == annotator
    runs = select(tasks.c.run_uid).distinct().join(holds, holds.c.task_id == tasks.c.id).where(mine)
    for run_uid in sorted(connection.scalars(runs)):
        locked_mine(connection, run_uid, annotator)
    connection.execute(delete(holds).where(mine if sitting is None else mine & (holds.c.sitting == sitting)))


def locked_mine(connection: Connection, run_uid: str, annotator: str) -> list[Row[Any]]:
    """Wait until nobody else changes what somebody holds in a run, and return it, in the order of asking.

    Whoever changes a hold has its task's row locked. Everybody locks their own tasks of a run at once, in the order of
    their numbers, before anything of them is believed, and further ones only where they need not wait: so nobody waits
    for somebody who waits for them. Two tabs of one person take turns. On SQLite one transaction writes at a time
    anyhow.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(TURN, {"run": run_uid, "who": annotator})
    return _in_order_of_asking(connection, run_uid, annotator)


def locked_with(connection: Connection, token: str, annotator: str) -> list[Row[Any]]:
    """Do what :func:`locked_mine` does, for the run of somebody's hold; nothing where there is none."""
    found = connection.execute(TURN_OF[connection.dialect.name], {"name": token, "who": annotator}).first()
    return [] if found is None else _in_order_of_asking(connection, found.run_uid, annotator)


def lock_also(connection: Connection, run_uid: str, annotator: str, task: int) -> None:
    """Lock the tasks that somebody holds in a run, and one task more, as :func:`locked_mine` does."""
    if connection.dialect.name == "postgresql":
        connection.execute(TURN, {"run": run_uid, "who": annotator})
        connection.execute(LOCK, {"run": run_uid, "who": annotator, "also": [task]})


def _in_order_of_asking(connection: Connection, run_uid: str, annotator: str) -> list[Row[Any]]:
    rows = connection.execute(MINE, {"run": run_uid, "who": annotator}).all()  # by number, as they were locked
    return sorted(rows, key=lambda row: (row.place, row.id))


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


def _with_pictures(*columns: Any) -> Select[Any]:
    return (
        select(*columns, *_handles)
        .select_from(tasks)
        .join(_left, and_(_left.c.run_uid == tasks.c.run_uid, _left.c.image == tasks.c.image_a))
        .join(_right, and_(_right.c.run_uid == tasks.c.run_uid, _right.c.image == tasks.c.image_b))
    )


_lent = exists().where(holds.c.task_id == tasks.c.id).label("lent")
_shown = _with_pictures(tasks.c.id, tasks.c.round, tasks.c.attempt, _lent)
SHOWN = _shown.where(tasks.c.id == bindparam("task"))
_lease = (holds.c.token, holds.c.swapped, holds.c.since, holds.c.until, holds.c.sitting)
MINE = (
    _with_pictures(tasks, *_lease)
    .join(holds, holds.c.task_id == tasks.c.id)
    .where(holds.c.annotator == _who, tasks.c.run_uid == bindparam("run"))
    .order_by(tasks.c.id)
    .with_for_update(of=(tasks, holds))  # in this order; a hold that is gone by then is not returned
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


def _turn(run_uid: Any) -> tuple[Any, Any]:
    hashed = func.hashtext(run_uid)
    return func.pg_advisory_xact_lock_shared(hashed), func.pg_advisory_xact_lock(hashed, func.hashtext(_who))


TURN = select(*_turn(bindparam("run")))
_run_of = select(tasks.c.run_uid).join(holds, holds.c.task_id == tasks.c.id)
_run_of = _run_of.where(holds.c.token == bindparam("name"), holds.c.annotator == _who)
TURN_OF = {"sqlite": _run_of, "postgresql": _run_of.add_columns(*_turn(tasks.c.run_uid))}
# By an array, so that the planner cannot come to read all tasks.
_held = select(holds.c.task_id).join(tasks, tasks.c.id == holds.c.task_id)
_held = _held.where(holds.c.annotator == _who, tasks.c.run_uid == bindparam("run")).correlate(None)
_also = bindparam("also", type_=ARRAY(BigInteger))
_wanted = func.array(_held.scalar_subquery(), type_=ARRAY(BigInteger)).concat(_also)
LOCK = select(tasks.c.id).where(tasks.c.id == func.any(_wanted)).order_by(tasks.c.id).with_for_update()
