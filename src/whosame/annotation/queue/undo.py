"""Undo: a person withdraws their own answers of this login session, until the model has learnt from the round.

An undo is an event of its own; the answer stays in the store.
"""

from typing import Any

from sqlalchemy import Connection, Row, and_, exists, select, update

from whosame.annotation.queue.leases import Lease, lease_task, lock_leases_and_task
from whosame.annotation.queue.statements import DROP_OWN_LEASE, OVERLAP, TASK, VOTES
from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.queue.withdraw import withdraw
from whosame.annotation.store.schema import NOT_UNDONE, TASK_OF_ANSWER, answer_events, runs, tasks, undos
from whosame.annotation.store.timestamps import stamp


def last_undoable(connection: Connection, run_uid: str, annotator: str, session: str) -> int | None:
    """Return the id of the newest answer of this session that can be undone; None: there is none."""
    newest = (
        select(answer_events.c.id)
        .join(runs, runs.c.run_uid == answer_events.c.run_uid)
        .where(answer_events.c.run_uid == run_uid, answer_events.c.annotator == annotator)
        .where(answer_events.c.session == session, NOT_UNDONE)
        .where(runs.c.round == answer_events.c.round, runs.c.state == "asking")
        .order_by(answer_events.c.id.desc())
    )
    found = connection.scalar(newest.limit(1))
    return None if found is None else int(found)


def undo_answer(connection: Connection, event: int, annotator: str, session: str, *, now: float) -> Lease:
    """Undo a person's own answer of this session, and lease them the pair again. Requested twice, it is undone once.

    Parameters
    ----------
    connection : Connection
        In a transaction that may write; a refusal changes nothing in it.
    event : int
        Id of the answer.
    annotator, session : str
        The person's name, and the id of their login session.
    now : float
        s since the epoch.

    Raises
    ------
    RefusedError
        ``kept``: it is another person's answer, of another session, or of a round that the model has learnt from.
        ``answered``: it was undone before, and the pair does not wait for this person any more.
    """
    row = connection.execute(select(answer_events).where(answer_events.c.id == event)).first()
    if row is None or row.annotator != annotator or row.session != session:
        raise RefusedError("kept", "only your own answers of this session can be undone")
    task = connection.scalar(select(tasks.c.id).join(answer_events, TASK_OF_ANSWER).where(answer_events.c.id == event))
    if task is not None:
        lock_leases_and_task(connection, row.run_uid, annotator, task)
    open_round = select(runs.c.run_uid).where(
        runs.c.run_uid == row.run_uid, runs.c.round == row.round, runs.c.state == "asking"
    )
    if task is None or connection.execute(open_round).first() is None:
        raise RefusedError("kept", "this round is over: the model has learnt from its answers")
    if connection.execute(select(undos.c.id).where(undos.c.event_id == event)).first() is None:
        question = {"run": row.run_uid, "a": row.image_a, "b": row.image_b, "nth": row.attempt}
        votes = connection.execute(VOTES, question).all()
        if any(vote.settles for vote in votes):
            raise RefusedError("kept", "a coordinator has decided this pair")
        connection.execute(undos.insert().values(event_id=event, annotator=annotator, undone_at=stamp(now)))
        withdraw(connection, [event], annotator, now=now)  # its copies in other runs
        overlap = int(connection.scalar(OVERLAP, {"run": row.run_uid}) or 1)
        state = {"open": True, "votes": len(votes) - 1, "votes_needed": max(overlap, len(votes))}
        connection.execute(update(tasks).where(tasks.c.id == task).values(state))
    elif connection.execute(_waits_for(task, row)).first() is None:  # sent again, by another tab or a slow network
        raise RefusedError("answered", "this answer was undone, and the pair has been answered again since")
    connection.execute(DROP_OWN_LEASE, {"task": task, "who": annotator})
    return lease_task(connection, connection.execute(TASK, {"task": task}).one(), annotator, session, now=now)


def _waits_for(task: int, answer: Row[Any]) -> Any:
    """Select the task of an undone answer, if it is open and its annotator has not answered it again."""
    again = and_(TASK_OF_ANSWER, answer_events.c.annotator == answer.annotator, NOT_UNDONE)
    return select(tasks.c.id).where(tasks.c.id == task, tasks.c.open, ~exists().where(again))
