"""What people do with a pair that they hold: answer it, skip it, take an answer back. Every one is an event."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, func, select, update

from whosame.annotators.holding import LEASE, Held, hold
from whosame.annotators.panel import Vote, decide
from whosame.annotators.schema import answer_events, campaigns, holds, pictures, skips, take_backs, tasks
from whosame.annotators.store import LabelStore
from whosame.errors import WhosameError
from whosame.strategies.base import Verdict


class RefusedError(WhosameError):
    """What somebody asked for cannot be done; nothing was changed. ``reason`` is one word for programs."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Receipt:
    """An answer that is on the disk: its number, what it says, and whether it was there before this request."""

    event: int
    verdict: Verdict
    repeated: bool = False


def answer(
    store: LabelStore,
    token: str,
    annotator: str,
    sitting: str,
    verdict: Verdict,
    seconds: float,
    *,
    settles: bool = False,
    now: Callable[[], float] = time.time,
) -> Receipt:
    """Keep an answer to a held pair; when this returns it survives a power cut.

    Parameters
    ----------
    token : str
        Of the hold. Sent again with the same verdict it is the same answer.
    seconds : float
        How long the person looked at the pair; no more is believed than the time since it was claimed.
    settles : bool
        Whether it decides a pair about which others disagree.

    Raises
    ------
    RefusedError
        ``answered``: this hold was answered otherwise. ``lapsed``: the pair is not this person's any more, or is not
        needed.
    """
    with store.writing() as connection:
        given = connection.execute(select(answer_events).where(answer_events.c.hold == token)).first()
        if given is not None:
            return _again(given, annotator, verdict)
        task = _held_task(connection, token, annotator)
        event = _append(connection, task, annotator, sitting, verdict, seconds, settles=settles, now=now())
        _count(connection, task.id)
        return Receipt(event, verdict)


def skip(store: LabelStore, token: str, annotator: str, *, now: Callable[[], float] = time.time) -> None:
    """Give a pair back unanswered; it comes again, to this person after all others.

    Raises
    ------
    RefusedError
        ``answered`` or ``lapsed``, as for :func:`answer`.
    """
    with store.writing() as connection:
        if connection.execute(select(skips.c.id).where(skips.c.hold == token, skips.c.annotator == annotator)).first():
            return
        if connection.execute(select(answer_events.c.id).where(answer_events.c.hold == token)).first():
            raise RefusedError("answered", "this pair was answered, take the answer back to skip it")
        task = _held_task(connection, token, annotator)
        values = {"task_id": task.id, "annotator": annotator, "hold": token, "skipped_at": _stamp(now())}
        connection.execute(skips.insert().values(values))
        connection.execute(delete(holds).where(holds.c.token == token))


def last_answer(store: LabelStore, run_uid: str, annotator: str, sitting: str) -> int | None:
    """Return the number of the newest answer of this sitting that can be taken back; None: there is none."""
    with store.reading() as connection:
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
        ``kept``: it is somebody else's, of another sitting, or of a round that has been learnt from.
    """
    with store.writing() as connection:
        row = connection.execute(select(answer_events).where(answer_events.c.id == event)).first()
        if row is None or row.annotator != annotator or row.sitting != sitting:
            raise RefusedError("kept", "only your own answers of this sitting can be taken back")
        task = connection.execute(_locked(_task_of(row))).first()
        open_round = select(campaigns.c.run_uid).where(
            campaigns.c.run_uid == row.run_uid, campaigns.c.round == row.round, campaigns.c.state == "asking"
        )
        if task is None or connection.execute(open_round.with_for_update(read=True)).first() is None:
            raise RefusedError("kept", "this round is over: the model has learnt from its answers")
        if connection.execute(select(take_backs.c.id).where(take_backs.c.event_id == event)).first() is None:
            values = {"event_id": event, "annotator": annotator, "taken_back_at": _stamp(now())}
            connection.execute(take_backs.insert().values(values))
            wanted = max(1, int(connection.scalar(_overlap(row.run_uid)) or 1))
            fewer = update(tasks).where(tasks.c.id == task.id)
            connection.execute(fewer.values(open=True, answered=tasks.c.answered - 1, wanted=wanted))
        own = (holds.c.task_id == task.id) & (holds.c.annotator == annotator)
        connection.execute(delete(holds).where(own))
        return hold(connection, task.id, annotator, sitting, lease=lease, now=now())


def _again(given: Row[Any], annotator: str, verdict: Verdict) -> Receipt:
    if given.annotator != annotator:
        raise RefusedError("lapsed", "this pair is not yours")
    if given.verdict != verdict:
        raise RefusedError(
            "answered", f"this pair was answered already, {given.verdict!r}: take that back to change it"
        )
    return Receipt(given.id, verdict, repeated=True)


def _held_task(connection: Connection, token: str, annotator: str) -> Row[Any]:
    """Return the task of a hold, locked."""
    found = connection.execute(select(holds).where(holds.c.token == token)).first()
    if found is not None and found.annotator == annotator:
        task = connection.execute(_locked(tasks.c.id == found.task_id)).first()
        still = connection.execute(select(holds.c.since).where(holds.c.token == token)).first()
        if task is not None and task.open and still is not None:
            asking = select(campaigns.c.run_uid).where(campaigns.c.run_uid == task.run_uid)
            connection.execute(asking.with_for_update(read=True))  # the round does not end in between
            return task
    raise RefusedError("lapsed", "this pair is not yours any more: somebody else has it, or it is not needed now")


def _append(
    connection: Connection,
    task: Row[Any],
    annotator: str,
    sitting: str,
    verdict: Verdict,
    seconds: float,
    *,
    settles: bool,
    now: float,
) -> int:
    pair = (task.run_uid, task.image_a, task.image_b)
    columns = (answer_events.c.run_uid, answer_events.c.image_a, answer_events.c.image_b)
    same = [column == value for column, value in zip(columns, pair, strict=True)]
    own = [answer_events.c.annotator == annotator, answer_events.c.attempt == task.attempt]
    revision = connection.scalar(select(func.count()).select_from(answer_events).where(*same, *own))
    since, token = connection.execute(
        select(holds.c.since, holds.c.token).where(holds.c.task_id == task.id, holds.c.annotator == annotator)
    ).one()
    shown = select(pictures.c.digest).where(pictures.c.run_uid == task.run_uid)
    values = {
        "run_uid": task.run_uid,
        "run": select(campaigns.c.run).where(campaigns.c.run_uid == task.run_uid).scalar_subquery(),
        "round": task.round,
        "image_a": task.image_a,
        "image_b": task.image_b,
        "digest_a": shown.where(pictures.c.image == task.image_a).scalar_subquery(),
        "digest_b": shown.where(pictures.c.image == task.image_b).scalar_subquery(),
        "kind": task.kind,
        "verdict": verdict,
        "source": "human",
        "annotator": annotator,
        "attempt": task.attempt,
        "seconds": min(max(seconds, 0.0), max(now - since, 0.0)),
        "answered_at": _stamp(now),
        "revision": revision,
        "hold": token,
        "sitting": sitting,
        "settles": settles,
    }
    connection.execute(delete(holds).where(holds.c.token == token))
    return int(connection.execute(answer_events.insert().values(values).returning(answer_events.c.id)).scalar_one())


def _count(connection: Connection, task_id: int) -> None:
    """Close a task that its answers decide, or want one more where they do not."""
    task = connection.execute(select(tasks).where(tasks.c.id == task_id)).one()
    taken_back = exists().where(take_backs.c.event_id == answer_events.c.id)
    query = select(answer_events.c.verdict, answer_events.c.settles).where(_answers_of(task), ~taken_back)
    votes = [Vote(verdict, settles) for verdict, settles in connection.execute(query.order_by(answer_events.c.id))]
    decided = decide(votes, int(connection.scalar(_overlap(task.run_uid)) or 1))
    values = {"answered": len(votes), "open": decided is None}
    if decided is None and len(votes) >= task.wanted:
        values["wanted"] = len(votes) + 1
    connection.execute(update(tasks).where(tasks.c.id == task_id).values(values))
    if decided is not None:
        connection.execute(delete(holds).where(holds.c.task_id == task_id))


def _answers_of(task: Row[Any]) -> Any:
    return (
        (answer_events.c.run_uid == task.run_uid)
        & (answer_events.c.image_a == task.image_a)
        & (answer_events.c.image_b == task.image_b)
        & (answer_events.c.attempt == task.attempt)
    )


def _task_of(row: Row[Any]) -> Any:
    return (
        (tasks.c.run_uid == row.run_uid)
        & (tasks.c.image_a == row.image_a)
        & (tasks.c.image_b == row.image_b)
        & (tasks.c.attempt == row.attempt)
    )


def _locked(condition: Any) -> Any:
    return select(tasks).where(condition).with_for_update()


def _overlap(run_uid: str) -> Any:
    return select(campaigns.c.overlap).where(campaigns.c.run_uid == run_uid)


def _mine(run_uid: str, annotator: str, sitting: str) -> Any:
    taken_back = exists().where(take_backs.c.event_id == answer_events.c.id)
    return (
        select(answer_events.c.id)
        .join(campaigns, campaigns.c.run_uid == answer_events.c.run_uid)
        .where(answer_events.c.run_uid == run_uid, answer_events.c.annotator == annotator)
        .where(answer_events.c.sitting == sitting, ~taken_back)
        .where(campaigns.c.round == answer_events.c.round, campaigns.c.state == "asking")
    )


def _stamp(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
