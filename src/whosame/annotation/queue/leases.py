"""Leases: which pair is shown to whom, and until when.

A pair is leased to as many people as have to answer it, never to one twice.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from whosame.annotation.queue.guide import known_from_json
from whosame.annotation.queue.statements import (
    ADD_LEASE,
    DROP_EXPIRED_LEASES,
    LOCK_ANNOTATOR,
    LOCK_TASKS,
    NEXT_NEW,
    NEXT_SKIPPED,
    OWN_LEASES,
    RENEW_LEASES,
    RUN_OF_TOKEN,
    STILL_FREE,
)
from whosame.annotation.store.schema import leases, tasks

LEASE_SECONDS = 120.0  # that a pair stays with a person who does not answer, for example behind a closed laptop
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
    left_known, right_known : tuple of str
        Tokens of other images that earlier answers join to the left one, and to the right one.
    """

    token: str
    task: int
    left: str
    right: str
    round: int
    attempt: int
    left_known: tuple[str, ...] = ()
    right_known: tuple[str, ...] = ()


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
    skipped last; while the guard has paused the run there are none. Several people at once never lease a pair more
    often than it needs votes.

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
        connection.execute(RENEW_LEASES, {"tokens": tokens, "login": session, "end": now + seconds, "now": now})
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
        connection.execute(DROP_EXPIRED_LEASES, {"task": task.id, "now": now})
    token, swapped = secrets.token_urlsafe(32), secrets.randbelow(2) == 1
    values = {"token": token, "task_id": task.id, "annotator": annotator, "session": session}
    connection.execute(ADD_LEASE, {**values, "swapped": swapped, "leased_at": now, "expires_at": now + seconds})
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

    Every change of a lease locks its task's row. A transaction locks all tasks of its person in a run at once, in the
    order of their ids, before reading them, and further ones only where it need not wait: so there is no deadlock. Two
    tabs of one person take turns. On SQLite one transaction writes at a time anyhow.
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
    rows = connection.execute(OWN_LEASES, {"run": run_uid, "who": annotator}).all()  # by id, as they were locked
    return sorted(rows, key=lambda row: (row.position, row.id))


def _lease(token: str, swapped: bool, row: Row[Any]) -> Lease:
    first, second = known_from_json(row.exemplars)
    sides = [(row.token_a, first), (row.token_b, second)]
    (left, left_known), (right, right_known) = reversed(sides) if swapped else sides
    return Lease(token, row.id, left, right, row.round, row.attempt, left_known, right_known)
