"""Taking back one's own answers of this sitting, until the round has learnt from them: an event, nothing is removed."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, exists, select, update

from whosame.annotation.queue.leases import LEASE, SHOWN, Held, hold, lock_also
from whosame.annotation.queue.submit import DROP_OWN, OVERLAP, VOTES, RefusedError
from whosame.annotation.store.schema import STANDS, answer_events, campaigns, take_backs, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp


def last_answer(store: LabelStore, run_uid: str, annotator: str, sitting: str) -> int | None:
    """Return the number of the newest answer of this sitting that can be taken back; None: there is none."""
    with store.reading() as connection:
        return last_answered(connection, run_uid, annotator, sitting)


def last_answered(connection: Connection, run_uid: str, annotator: str, sitting: str) -> int | None:
    """Do what :func:`last_answer` does, within a transaction."""
    newest = connection.scalar(_mine(run_uid, annotator, sitting).order_by(answer_events.c.id.desc()).limit(1))
    return None if newest is None else int(newest)


def take_back(
    store: LabelStore,
    event: int,
    annotator: str,
    sitting: str,
    *,
    lease: float = LEASE,
    now: Callable[[], float] = time.time,
) -> Held:
    """Take back one's own answer of this sitting, and get the pair again. Asked for twice, it is taken back once.

    Raises
    ------
    RefusedError
        ``kept``: it is somebody else's, of another sitting, or of a round that has been learnt from. ``answered``: it
        was taken back before, and the pair does not wait for this person any more.
    """
    with store.writing() as connection:
        return taken_back(connection, event, annotator, sitting, lease=lease, now=now())


def taken_back(connection: Connection, event: int, annotator: str, sitting: str, *, lease: float, now: float) -> Held:
    """Do what :func:`take_back` does, within a transaction; a refusal changes nothing in it."""
    row = connection.execute(select(answer_events).where(answer_events.c.id == event)).first()
    if row is None or row.annotator != annotator or row.sitting != sitting:
        raise RefusedError("kept", "only your own answers of this sitting can be taken back")
    number = connection.scalar(select(tasks.c.id).where(_task_of(row)))
    if number is not None:
        lock_also(connection, row.run_uid, annotator, number)
    open_round = select(campaigns.c.run_uid).where(
        campaigns.c.run_uid == row.run_uid, campaigns.c.round == row.round, campaigns.c.state == "asking"
    )
    if number is None or connection.execute(open_round).first() is None:
        raise RefusedError("kept", "this round is over: the model has learnt from its answers")
    if connection.execute(select(take_backs.c.id).where(take_backs.c.event_id == event)).first() is None:
        question = {"run": row.run_uid, "a": row.image_a, "b": row.image_b, "nth": row.attempt}
        votes = connection.execute(VOTES, question).all()
        if any(vote.settles for vote in votes):
            raise RefusedError("kept", "a coordinator has decided this pair")
        values = {"event_id": event, "annotator": annotator, "taken_back_at": stamp(now)}
        connection.execute(take_backs.insert().values(values))
        overlap = int(connection.scalar(OVERLAP, {"run": row.run_uid}) or 1)
        now_wanted = {"open": True, "answered": len(votes) - 1, "wanted": max(overlap, len(votes))}
        connection.execute(update(tasks).where(tasks.c.id == number).values(now_wanted))
    elif connection.execute(_waits_for(number, row)).first() is None:  # sent again, by another tab or a slow network
        raise RefusedError("answered", "this answer was taken back, and the pair has been answered again since")
    connection.execute(DROP_OWN, {"task": number, "who": annotator})
    shown = connection.execute(SHOWN, {"task": number}).one()
    return hold(connection, shown, annotator, sitting, lease=lease, now=now)


def _task_of(row: Row[Any]) -> Any:
    return (
        (tasks.c.run_uid == row.run_uid)
        & (tasks.c.image_a == row.image_a)
        & (tasks.c.image_b == row.image_b)
        & (tasks.c.attempt == row.attempt)
    )


def _waits_for(task: int, row: Row[Any]) -> Any:
    """Select the task of an answer that was taken back, if it is open and its annotator has not answered it again."""
    again = (
        (answer_events.c.run_uid == row.run_uid)
        & (answer_events.c.image_a == row.image_a)
        & (answer_events.c.image_b == row.image_b)
        & (answer_events.c.attempt == row.attempt)
        & (answer_events.c.annotator == row.annotator)
        & STANDS
    )
    return select(tasks.c.id).where(tasks.c.id == task, tasks.c.open, ~exists().where(again))


def _mine(run_uid: str, annotator: str, sitting: str) -> Any:
    return (
        select(answer_events.c.id)
        .join(campaigns, campaigns.c.run_uid == answer_events.c.run_uid)
        .where(answer_events.c.run_uid == run_uid, answer_events.c.annotator == annotator)
        .where(answer_events.c.sitting == sitting, STANDS)
        .where(campaigns.c.round == answer_events.c.round, campaigns.c.state == "asking")
    )
