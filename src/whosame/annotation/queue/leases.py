"""Leases: which pair is shown to whom, and until when.

A pair is leased to as many people as have to answer it, never to one twice.
"""

import secrets
from collections.abc import Sequence
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

from whosame.annotation.store.schema import NOT_UNDONE, TASK_OF_ANSWER, answer_events, images, leases, skips, tasks

LEASE_SECONDS = 120.0  # that a pair stays with a person who does not answer, for example behind a closed laptop
CLOCK_SKEW = 60.0  # s that another process's clock may be ahead, or its transaction, while this one waited
TRIES = 20  # pairs that others leased at the same moment, until leasing gives up and the next request tries again


@dataclass(frozen=True)
class Lease:
    """A pair that is shown to a person.

    Attributes
    ----------
    token : str
        Names the lease; an answer to it is one answer, however often it is sent.
    task : int
        Id of the question.
    left, right : str
        Tokens of the two images, in random order.
    round, attempt : int
        Of the question.
    """

    token: str
    task: int
    left: str
    right: str
    round: int
    attempt: int


def lease_pairs(
    connection: Connection,
    run_uid: str,
    annotator: str,
    session: str,
    *,
    count: int,
    now: float,
    seconds: float = LEASE_SECONDS,
    held: Sequence[Row[Any]] | None = None,
) -> list[Lease]:
    """Lease up to ``count`` pairs to a person: first those that they have already, then new ones.

    A reload or another tab gets the same pairs. New ones come in the order of asking, those that the person has
    skipped last. Several people at once never lease a pair more often than it needs votes.

    Parameters
    ----------
    connection : Connection
        In a transaction that may write.
    run_uid, annotator, session : str
        The run, the person's name, the id of their login session.
    count : int
    now : float
        s since the epoch.
    seconds : float
        How long a lease lasts.
    held : sequence of rows, optional
        The person's leases in this run, where :func:`lock_leases` or :func:`lock_leases_of_token` has returned them.
    """
    if held is None:
        held = lock_leases(connection, run_uid, annotator)
    who = {"run": run_uid, "who": annotator, "now": now}
    rows = held[:count]
    leased = [_lease(row.token, row.swapped, row) for row in rows]
    # Renewed when half of the time is over: a write less for most answers.
    if any(row.expires_at < now + seconds / 2 or row.leased_at > now or row.session != session for row in rows):
        tokens = [lease.token for lease in leased]
        connection.execute(RENEW, {"tokens": tokens, "login": session, "end": now + seconds, "now": now})
    for _ in range(TRIES):
        if len(leased) >= count:
            break
        free = connection.execute(NEXT_NEW, who).first() or connection.execute(NEXT_SKIPPED, who).first()
        if free is None:
            break
        # Look again now that the row is locked: on PostgreSQL another person may have leased it since the first look.
        still_free = connection.execute(STILL_FREE, {**who, "task": free.id}).first()
        if still_free is not None:
            leased.append(lease_task(connection, still_free, annotator, session, now=now, seconds=seconds))
    return leased


def lease_task(
    connection: Connection, task: Row[Any], annotator: str, session: str, *, now: float, seconds: float = LEASE_SECONDS
) -> Lease:
    """Lease a task, a row of ``TASK`` that is locked, in place of its expired leases."""
    if task.leased:
        connection.execute(DROP_EXPIRED, {"task": task.id, "now": now})
    token, swapped = secrets.token_urlsafe(32), secrets.randbelow(2) == 1
    values = {"token": token, "task_id": task.id, "annotator": annotator, "session": session}
    connection.execute(ADD, {**values, "swapped": swapped, "leased_at": now, "expires_at": now + seconds})
    return _lease(token, swapped, task)


def release_leases(connection: Connection, annotator: str, *, session: str | None = None) -> None:
    """Give back all pairs leased to a person, or those of one login session."""
    own = leases.c.annotator == annotator
    of_runs = select(tasks.c.run_uid).distinct().join(leases, leases.c.task_id == tasks.c.id).where(own)
    for run_uid in sorted(connection.scalars(of_runs)):
        lock_leases(connection, run_uid, annotator)
    connection.execute(delete(leases).where(own if session is None else own & (leases.c.session == session)))


def lock_leases(connection: Connection, run_uid: str, annotator: str) -> list[Row[Any]]:
    """Lock a person's leases in a run, and return them with their tasks, in the order of asking.

    Who changes a lease has its task's row locked. Everybody locks their own tasks of a run at once, in the order of
    their ids, before reading them, and further ones only where they need not wait: so there is no deadlock. Two tabs of
    one person take turns. On SQLite one transaction writes at a time anyhow.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(LOCK_ANNOTATOR, {"run": run_uid, "who": annotator})
    return _in_order_of_asking(connection, run_uid, annotator)


def lock_leases_of_token(connection: Connection, token: str, annotator: str) -> list[Row[Any]]:
    """Do what :func:`lock_leases` does, for the run of a person's lease; empty where there is no such lease."""
    found = connection.execute(RUN_OF_TOKEN[connection.dialect.name], {"name": token, "who": annotator}).first()
    return [] if found is None else _in_order_of_asking(connection, found.run_uid, annotator)


def lock_leases_and_task(connection: Connection, run_uid: str, annotator: str, task: int) -> None:
    """Lock the tasks leased to a person in a run, and one task more, as :func:`lock_leases` does."""
    if connection.dialect.name == "postgresql":
        connection.execute(LOCK_ANNOTATOR, {"run": run_uid, "who": annotator})
        connection.execute(LOCK_TASKS, {"run": run_uid, "who": annotator, "also": [task]})


def _in_order_of_asking(connection: Connection, run_uid: str, annotator: str) -> list[Row[Any]]:
    rows = connection.execute(OWN, {"run": run_uid, "who": annotator}).all()  # by id, as they were locked
    return sorted(rows, key=lambda row: (row.position, row.id))


def _lease(token: str, swapped: bool, row: Row[Any]) -> Lease:
    sides = (row.token_b, row.token_a) if swapped else (row.token_a, row.token_b)
    return Lease(token, row.id, *sides, row.round, row.attempt)


# The statements, compiled once: that costs more than running them.

_who: BindParameter[str] = bindparam("who")
_now: BindParameter[float] = bindparam("now")
# A lease from the future was made before the clock was set back: it would last for ever.
_valid = and_(leases.c.expires_at > _now, leases.c.leased_at <= _now + CLOCK_SKEW)
_image_a, _image_b = images.alias(), images.alias()


def _with_images(*columns: Any) -> Select[Any]:
    return (
        select(*columns, _image_a.c.token.label("token_a"), _image_b.c.token.label("token_b"))
        .select_from(tasks)
        .join(_image_a, and_(_image_a.c.run_uid == tasks.c.run_uid, _image_a.c.image == tasks.c.image_a))
        .join(_image_b, and_(_image_b.c.run_uid == tasks.c.run_uid, _image_b.c.image == tasks.c.image_b))
    )


_leased = exists().where(leases.c.task_id == tasks.c.id).label("leased")
TASK = _with_images(tasks.c.id, tasks.c.round, tasks.c.attempt, _leased).where(tasks.c.id == bindparam("task"))
_of_lease = (leases.c.token, leases.c.swapped, leases.c.leased_at, leases.c.expires_at, leases.c.session)
OWN = (
    _with_images(tasks, *_of_lease)
    .join(leases, leases.c.task_id == tasks.c.id)
    .where(leases.c.annotator == _who, tasks.c.run_uid == bindparam("run"))
    .order_by(tasks.c.id)
    .with_for_update(of=(tasks, leases))  # in this order; a lease that is gone by then is not returned
)

_leased_at = case((leases.c.leased_at > _now, _now), else_=leases.c.leased_at)  # the clock may have been set back
RENEW = update(leases).where(leases.c.token.in_(bindparam("tokens", expanding=True)))
RENEW = RENEW.values(leased_at=_leased_at, expires_at=bindparam("end"), session=bindparam("login"))
DROP_EXPIRED = delete(leases).where(leases.c.task_id == bindparam("task"), ~_valid)
ADD = leases.insert()

# Tasks that need a vote, and that this person neither has leased nor has answered.
_with_others = (
    select(func.count()).select_from(leases).where(leases.c.task_id == tasks.c.id, leases.c.annotator != _who)
)
_free = and_(
    tasks.c.run_uid == bindparam("run"),
    tasks.c.open,
    tasks.c.votes + _with_others.where(_valid).scalar_subquery() < tasks.c.votes_needed,
    ~exists().where(leases.c.task_id == tasks.c.id, leases.c.annotator == _who),
    ~exists().where(TASK_OF_ANSWER, answer_events.c.annotator == _who, NOT_UNDONE),
)
_first = select(tasks.c.id).where(_free).limit(1).with_for_update(skip_locked=True, of=tasks)
_in_order = (tasks.c.position, tasks.c.id)
_skipped = exists().where(skips.c.task_id == tasks.c.id, skips.c.annotator == _who)
NEXT_NEW = _first.where(~_skipped).order_by(*_in_order)
_skips = select(skips.c.task_id, func.count().label("times")).where(skips.c.annotator == _who).group_by(skips.c.task_id)
_often = _skips.subquery()
NEXT_SKIPPED = _first.join(_often, _often.c.task_id == tasks.c.id).order_by(_often.c.times, *_in_order)
STILL_FREE = TASK.where(_free)


def _advisory_locks(run_uid: Any) -> tuple[Any, Any]:
    hashed = func.hashtext(run_uid)
    return func.pg_advisory_xact_lock_shared(hashed), func.pg_advisory_xact_lock(hashed, func.hashtext(_who))


LOCK_ANNOTATOR = select(*_advisory_locks(bindparam("run")))
_run_of = select(tasks.c.run_uid).join(leases, leases.c.task_id == tasks.c.id)
_run_of = _run_of.where(leases.c.token == bindparam("name"), leases.c.annotator == _who)
RUN_OF_TOKEN = {"sqlite": _run_of, "postgresql": _run_of.add_columns(*_advisory_locks(tasks.c.run_uid))}
# By an array, so that the planner never reads all tasks.
_own_tasks = select(leases.c.task_id).join(tasks, tasks.c.id == leases.c.task_id)
_own_tasks = _own_tasks.where(leases.c.annotator == _who, tasks.c.run_uid == bindparam("run")).correlate(None)
_also = bindparam("also", type_=ARRAY(BigInteger))
_to_lock = func.array(_own_tasks.scalar_subquery(), type_=ARRAY(BigInteger)).concat(_also)
LOCK_TASKS = select(tasks.c.id).where(tasks.c.id == func.any(_to_lock)).order_by(tasks.c.id).with_for_update()
