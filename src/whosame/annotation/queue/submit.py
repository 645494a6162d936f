"""Submitting: a person answers or skips a pair that is leased to them. Both are events."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from whosame.annotation.queue.leases import lock_leases_of_token
from whosame.annotation.queue.statements import (
    ADD_ANSWER,
    ANSWER_TO_LEASE,
    DROP_LEASES,
    DROP_OWN_LEASE,
    UPDATE_TASK,
    VOTES,
)
from whosame.annotation.queue.voting import Vote, decide
from whosame.annotation.store.schema import leases, skips, tasks
from whosame.annotation.store.timestamps import stamp
from whosame.errors import WhosameError
from whosame.questions import Verdict

LAPSED = "this pair is not yours any more: another person has it, or it is not needed now"


class RefusedError(WhosameError):
    """A request that cannot be granted; nothing was changed. ``reason`` is one word for programs."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Receipt:
    """An answer on the disk.

    Attributes
    ----------
    event : int
        Its id.
    verdict : str
    repeated : bool
        Whether it was there before.
    decides : bool
        Whether it decides the pair.
    run_uid : str
        The pair's run; empty where the answer was there before.
    leases : list of rows, optional
        The person's other leases in that run, where they are known and locked.
    """

    event: int
    verdict: Verdict
    repeated: bool = False
    decides: bool = False
    run_uid: str = ""
    leases: list[Row[Any]] | None = None


def submit_answer(
    connection: Connection,
    token: str,
    annotator: str,
    session: str,
    verdict: Verdict,
    seconds: float,
    *,
    now: float,
) -> Receipt:
    """Add an answer to a leased pair; once the transaction is committed it survives a power cut.

    Parameters
    ----------
    connection : Connection
        In a transaction that may write; a refusal changes nothing in it.
    token : str
        Of the lease. Sent again with the same verdict it is the same answer.
    annotator, session : str
        The person's name, and the id of their login session.
    verdict : str
    seconds : float
        How long the person looked at the pair; capped at the time since it was leased.
    now : float
        s since the epoch.

    Raises
    ------
    RefusedError
        ``answered``: this lease has another answer. ``lapsed``: the pair is no longer this person's, or not needed.
    """
    held = lock_leases_of_token(connection, token, annotator)  # the same request at the same time waits here
    task = _task(token, held)
    if task is None:
        given = connection.execute(ANSWER_TO_LEASE, {"name": token}).first()
        if given is None or given.annotator != annotator:
            raise RefusedError("lapsed", LAPSED)
        if given.verdict != verdict:
            raise RefusedError("answered", f"this pair was answered already, {given.verdict!r}: undo that to change it")
        return Receipt(given.id, verdict, repeated=True)
    receipt = _add(
        connection,
        task,
        annotator,
        verdict=verdict,
        seconds=min(max(seconds, 0.0), max(now - task.leased_at, 0.0)),
        answered_at=stamp(now),
        lease=token,
        session=session,
    )
    return replace(receipt, leases=[row for row in held if row.id != task.id])


def open_task(connection: Connection, run_uid: str, image_a: int, image_b: int, attempt: int | None) -> Row[Any] | None:
    """Return the open question about a pair, locked until the transaction ends; None: it is not asked now.

    The caller holds the lock of the run (:func:`~whosame.annotation.store.engine.lock_run`).

    Parameters
    ----------
    attempt : int or None
        None: the first that is open.
    """
    pair = (tasks.c.run_uid == run_uid) & (tasks.c.image_a == image_a) & (tasks.c.image_b == image_b) & tasks.c.open
    asked = pair if attempt is None else pair & (tasks.c.attempt == attempt)
    return connection.execute(select(tasks).where(asked).with_for_update().order_by(tasks.c.attempt).limit(1)).first()


def submit_unleased(
    connection: Connection,
    task: Row[Any],
    annotator: str,
    verdict: Verdict,
    seconds: float,
    *,
    answered_at: str,
    settles: bool = False,
    session: str | None = None,
) -> Receipt:
    """Add an answer to a question that was not leased: one from a file, or a coordinator's.

    Parameters
    ----------
    task : row of ``tasks``
        Locked in the same transaction, as by :func:`open_task`.
    answered_at : str
        UTC, ISO 8601.
    settles : bool
        Whether it decides the pair alone.
    session : str, optional
        The uid of the import that it comes with.
    """
    answer: dict[str, Any] = {"verdict": verdict, "seconds": seconds, "answered_at": answered_at}
    return _add(connection, task, annotator, settles=settles, session=session, **answer)


def skip_pair(connection: Connection, token: str, annotator: str, *, now: float) -> None:
    """Give a leased pair back unanswered; it comes again, to this person after all others.

    Raises
    ------
    RefusedError
        ``answered`` or ``lapsed``, as for :func:`submit_answer`.
    """
    task = _task(token, lock_leases_of_token(connection, token, annotator))
    if task is None:
        if connection.execute(select(skips.c.id).where(skips.c.lease == token, skips.c.annotator == annotator)).first():
            return
        if connection.execute(ANSWER_TO_LEASE, {"name": token}).first():
            raise RefusedError("answered", "this pair was answered: undo the answer to skip it")
        raise RefusedError("lapsed", LAPSED)
    values = {"task_id": task.id, "annotator": annotator, "lease": token, "skipped_at": stamp(now)}
    connection.execute(skips.insert().values(values))
    connection.execute(delete(leases).where(leases.c.token == token))


def _task(token: str, held: list[Row[Any]]) -> Row[Any] | None:
    """Return the task of a lease; None: it is another person's, or not needed."""
    return next((row for row in held if row.token == token and row.open), None)


def _add(connection: Connection, task: Row[Any], annotator: str, **answer: Any) -> Receipt:
    """Add an answer to a locked task, and count the task's votes."""
    of_task = {name: getattr(task, name) for name in ("run_uid", "round", "image_a", "image_b", "kind", "attempt")}
    common = {"source": "human", "annotator": annotator, "settles": False, "lease": None, "session": None}
    values = {**common, **of_task, **answer, **_question(task), "who": annotator}
    event = int(connection.execute(ADD_ANSWER, values).scalar_one())
    return Receipt(event, answer["verdict"], decides=_count(connection, task, annotator), run_uid=task.run_uid)


def _count(connection: Connection, task: Row[Any], annotator: str) -> bool:
    """Close a task that its votes decide, or ask for one more where they do not; return whether they do."""
    given = connection.execute(VOTES, _question(task)).all()
    votes = [Vote(row.verdict, row.settles) for row in given]
    decided = decide(votes, int(given[0].overlap or 1))
    needed = task.votes_needed if decided is not None or len(votes) < task.votes_needed else len(votes) + 1
    state = {"votes": len(votes), "votes_needed": needed, "open": decided is None}
    connection.execute(UPDATE_TASK, {"task": task.id, **state})
    connection.execute(DROP_OWN_LEASE if decided is None else DROP_LEASES, {"task": task.id, "who": annotator})
    return decided is not None


def _question(task: Row[Any]) -> dict[str, Any]:
    return {"run": task.run_uid, "a": task.image_a, "b": task.image_b, "nth": task.attempt}
