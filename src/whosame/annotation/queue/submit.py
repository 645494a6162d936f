"""What people do with a pair that they hold: answer it, or skip it. Either is an event."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, bindparam, delete, func, select, update

from whosame.annotation.queue.leases import locked_with
from whosame.annotation.queue.voting import Vote, decide
from whosame.annotation.store.schema import STANDS, answer_events, campaigns, holds, pictures, skips, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp
from whosame.errors import WhosameError
from whosame.questions import Verdict

LAPSED = "this pair is not yours any more: somebody else has it, or it is not needed now"


class RefusedError(WhosameError):
    """What somebody asked for cannot be done; nothing was changed. ``reason`` is one word for programs."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Receipt:
    """An answer on the disk.

    Attributes
    ----------
    event : int
        Its number.
    verdict : str
    repeated : bool
        Whether it was there before.
    decides : bool
        Whether it decides the pair.
    run_uid : str
        The pair's run; empty where it was there before.
    holding : list of rows, optional
        What else the person holds in that run, where it is known and locked.
    """

    event: int
    verdict: Verdict
    repeated: bool = False
    decides: bool = False
    run_uid: str = ""
    holding: list[Row[Any]] | None = None


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
        return answered(connection, token, annotator, sitting, verdict, seconds, settles=settles, now=now())


def answered(
    connection: Connection,
    token: str,
    annotator: str,
    sitting: str,
    verdict: Verdict,
    seconds: float,
    *,
    settles: bool = False,
    now: float,
) -> Receipt:
    """Do what :func:`answer` does, within a transaction; a refusal changes nothing in it."""
    holding = locked_with(connection, token, annotator)  # the same request at the same time waits here
    task = _of(token, holding)
    if task is None:
        given = connection.execute(GIVEN, {"name": token}).first()
        if given is None:
            raise RefusedError("lapsed", LAPSED)
        return _again(given, annotator, verdict)
    event = _append(
        connection,
        task,
        annotator,
        verdict,
        min(max(seconds, 0.0), max(now - task.since, 0.0)),
        answered_at=stamp(now),
        settles=settles,
        hold=token,
        sitting=sitting,
    )
    others = [row for row in holding if row.id != task.id]
    decides = _count(connection, task, annotator)
    return Receipt(event, verdict, decides=decides, run_uid=task.run_uid, holding=others)


def open_task(connection: Connection, run_uid: str, image_a: int, image_b: int, attempt: int | None) -> Row[Any] | None:
    """Return the open question about a pair, locked until the transaction ends; None: it is not asked now.

    The caller has the run for itself (:func:`~whosame.annotation.store.engine.lock_run`).

    Parameters
    ----------
    attempt : int or None
        None: whichever is open.
    """
    pair = (tasks.c.run_uid == run_uid) & (tasks.c.image_a == image_a) & (tasks.c.image_b == image_b) & tasks.c.open
    wanted = pair if attempt is None else pair & (tasks.c.attempt == attempt)
    return connection.execute(_locked(wanted).order_by(tasks.c.attempt).limit(1)).first()


def answer_elsewhere(
    connection: Connection,
    task: Row[Any],
    annotator: str,
    verdict: Verdict,
    seconds: float,
    *,
    answered_at: str,
    settles: bool = False,
) -> Receipt:
    """Keep an answer to an open question that was not given on the page, by the rules of :func:`answer`.

    Parameters
    ----------
    task : row of ``tasks``
        From :func:`open_task`, in the same transaction.
    answered_at : str
        UTC, ISO 8601.

    Returns
    -------
    Receipt
    """
    event = _append(connection, task, annotator, verdict, seconds, answered_at=answered_at, settles=settles)
    return Receipt(event, verdict, decides=_count(connection, task, annotator), run_uid=task.run_uid)


def skip(store: LabelStore, token: str, annotator: str, *, now: Callable[[], float] = time.time) -> None:
    """Give a pair back unanswered; it comes again, to this person after all others.

    Raises
    ------
    RefusedError
        ``answered`` or ``lapsed``, as for :func:`answer`.
    """
    with store.writing() as connection:
        skipped(connection, token, annotator, now=now())


def skipped(connection: Connection, token: str, annotator: str, *, now: float) -> None:
    """Do what :func:`skip` does, within a transaction; a refusal changes nothing in it."""
    task = _of(token, locked_with(connection, token, annotator))
    if task is None:
        if connection.execute(select(skips.c.id).where(skips.c.hold == token, skips.c.annotator == annotator)).first():
            return
        if connection.execute(GIVEN, {"name": token}).first():
            raise RefusedError("answered", "this pair was answered, take the answer back to skip it")
        raise RefusedError("lapsed", LAPSED)
    values = {"task_id": task.id, "annotator": annotator, "hold": token, "skipped_at": stamp(now)}
    connection.execute(skips.insert().values(values))
    connection.execute(delete(holds).where(holds.c.token == token))


def _again(given: Row[Any], annotator: str, verdict: Verdict) -> Receipt:
    if given.annotator != annotator:
        raise RefusedError("lapsed", "this pair is not yours")
    if given.verdict != verdict:
        raise RefusedError(
            "answered", f"this pair was answered already, {given.verdict!r}: take that back to change it"
        )
    return Receipt(given.id, verdict, repeated=True)


def _of(token: str, holding: list[Row[Any]]) -> Row[Any] | None:
    """Return the task of a hold; None: it is somebody else's, or not needed."""
    return next((row for row in holding if row.token == token and row.open), None)


def _append(
    connection: Connection,
    task: Row[Any],
    annotator: str,
    verdict: Verdict,
    seconds: float,
    *,
    answered_at: str,
    settles: bool,
    hold: str | None = None,
    sitting: str | None = None,
) -> int:
    values = {
        **_question(task),
        "who": annotator,
        "run_uid": task.run_uid,
        "round": task.round,
        "image_a": task.image_a,
        "image_b": task.image_b,
        "kind": task.kind,
        "verdict": verdict,
        "source": "human",
        "annotator": annotator,
        "attempt": task.attempt,
        "seconds": seconds,
        "answered_at": answered_at,
        "hold": hold,
        "sitting": sitting,
        "settles": settles,
    }
    return int(connection.execute(APPEND, values).scalar_one())


def _count(connection: Connection, task: Row[Any], annotator: str) -> bool:
    """Close a task that its answers decide, or want one more where they do not; return whether they do."""
    given = connection.execute(VOTES, _question(task)).all()
    votes = [Vote(row.verdict, row.settles) for row in given]
    decided = decide(votes, int(given[0].overlap or 1))
    wanted = task.wanted if decided is not None or len(votes) < task.wanted else len(votes) + 1
    now = {"answered": len(votes), "wanted": wanted, "open": decided is None}
    connection.execute(COUNT, {"task": task.id, **now})
    connection.execute(DROP_OWN if decided is None else DROP, {"task": task.id, "who": annotator})
    return decided is not None


def _question(task: Row[Any]) -> dict[str, Any]:
    return {"run": task.run_uid, "a": task.image_a, "b": task.image_b, "nth": task.attempt}


def _locked(condition: Any) -> Any:
    return select(tasks).where(condition).with_for_update()


# The statements, made once: making them costs more than running them.

_run: BindParameter[str] = bindparam("run")
_who: BindParameter[str] = bindparam("who")
_task: BindParameter[int] = bindparam("task")
_same_question = (
    (answer_events.c.run_uid == _run)
    & (answer_events.c.image_a == bindparam("a"))
    & (answer_events.c.image_b == bindparam("b"))
    & (answer_events.c.attempt == bindparam("nth"))
)
_digest = select(pictures.c.digest).where(pictures.c.run_uid == _run)
_before = select(func.count()).select_from(answer_events).where(_same_question, answer_events.c.annotator == _who)
GIVEN = select(answer_events).where(answer_events.c.hold == bindparam("name"))
OVERLAP = select(campaigns.c.overlap).where(campaigns.c.run_uid == _run)
VOTES = select(answer_events.c.verdict, answer_events.c.settles, OVERLAP.scalar_subquery().label("overlap"))
VOTES = VOTES.where(_same_question, STANDS).order_by(answer_events.c.id)
APPEND = (
    answer_events.insert()
    .values(
        run=select(campaigns.c.run).where(campaigns.c.run_uid == _run).scalar_subquery(),
        digest_a=_digest.where(pictures.c.image == bindparam("a")).scalar_subquery(),
        digest_b=_digest.where(pictures.c.image == bindparam("b")).scalar_subquery(),
        revision=_before.scalar_subquery(),
    )
    .returning(answer_events.c.id)
)
COUNT = update(tasks).where(tasks.c.id == _task)
DROP = delete(holds).where(holds.c.task_id == _task)
DROP_OWN = DROP.where(holds.c.annotator == _who)
