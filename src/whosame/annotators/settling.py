"""A coordinator decides a pair: an answer like any other, but one that decides alone."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, select, update

from whosame.annotators.answering import Receipt, RefusedError
from whosame.annotators.cases import LIVE
from whosame.annotators.schema import answer_events, campaigns, holds, pictures, tasks
from whosame.annotators.store import LabelStore
from whosame.strategies.base import Verdict


def settle(
    store: LabelStore,
    run_uid: str,
    task: int,
    coordinator: str,
    verdict: Verdict,
    *,
    now: Callable[[], float] = time.time,
) -> Receipt:
    """Decide a pair that people have answered, whatever they said; when this returns it survives a power cut.

    The answer is one more event, with ``settles``: the coordinator's own earlier vote on the pair stays where it is.
    Whoever looks at the pair is told that it is not needed any more. To decide otherwise, settle again: the last word
    counts. It takes no seconds, and belongs to no sitting, so that "undo" on the annotation page does not reach it.

    Parameters
    ----------
    task : int
        Number of the question.
    coordinator : str
        Whoever calls this has checked that they are one.
    verdict : str
        ``same``, ``different`` or ``unsure``. The verdict that the same coordinator gave last is one answer, not two.

    Raises
    ------
    RefusedError
        ``unknown``: the run has no such question. ``over``: the round asks no more, the model learns from its
        answers. ``unanswered``: nobody has answered the pair, so that there is nothing to settle.
    """
    with store.writing() as connection:
        # The campaign's row first: a round that is about to end waits for this, or this finds it ended.
        about = select(campaigns).where(campaigns.c.run_uid == run_uid).with_for_update(read=True)
        campaign = connection.execute(about).first()
        one = select(tasks).where(tasks.c.id == task, tasks.c.run_uid == run_uid).with_for_update()
        asked = connection.execute(one).first()
        if campaign is None or asked is None:
            raise RefusedError("unknown", "this run has no such pair: was the page open for long?")
        if campaign.state != "asking" or campaign.round != asked.round:
            raise RefusedError(
                "over", f"round {asked.round + 1} asks no more: the model has learnt from its answers as they were"
            )
        own = [
            answer_events.c.run_uid == run_uid,
            answer_events.c.image_a == asked.image_a,
            answer_events.c.image_b == asked.image_b,
            answer_events.c.attempt == asked.attempt,
        ]
        answers = connection.execute(select(answer_events).where(*own, LIVE).order_by(answer_events.c.id)).all()
        if not answers:
            raise RefusedError("unanswered", "nobody has answered this pair: there is nothing to settle yet")
        last = next((answer for answer in reversed(answers) if answer.settles), None)
        if last is not None and last.annotator == coordinator and last.verdict == verdict:
            return Receipt(last.id, verdict, repeated=True)
        # Of one's own answers to the question each has its revision, votes and decisions alike: none is in the way.
        before = select(func.count()).select_from(answer_events).where(*own, answer_events.c.annotator == coordinator)
        values = {
            "run_uid": run_uid,
            "run": campaign.run,
            "round": asked.round,
            "image_a": asked.image_a,
            "image_b": asked.image_b,
            "digest_a": _digest(run_uid, asked.image_a),
            "digest_b": _digest(run_uid, asked.image_b),
            "kind": asked.kind,
            "verdict": verdict,
            "source": "human",
            "annotator": coordinator,
            "attempt": asked.attempt,
            "seconds": 0.0,
            "answered_at": datetime.fromtimestamp(now(), UTC).isoformat(timespec="milliseconds"),
            "revision": connection.scalar(before) or 0,
            "settles": True,
        }
        event = connection.execute(answer_events.insert().values(values).returning(answer_events.c.id)).scalar_one()
        connection.execute(update(tasks).where(tasks.c.id == task).values(open=False, answered=len(answers) + 1))
        connection.execute(delete(holds).where(holds.c.task_id == task))
        return Receipt(int(event), verdict)


def _digest(run_uid: str, image: int) -> Any:
    shown = select(pictures.c.digest).where(pictures.c.run_uid == run_uid, pictures.c.image == image)
    return shown.scalar_subquery()
