"""A coordinator decides a pair: an answer like any other, but one that decides alone."""

import time
from collections.abc import Callable

from sqlalchemy import select

from whosame.annotation.quality.answered_pairs import ABOUT
from whosame.annotation.queue.submit import Receipt, RefusedError, answer_elsewhere
from whosame.annotation.store.engine import lock_run
from whosame.annotation.store.schema import STANDS, answer_events, campaigns, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp
from whosame.questions import Verdict


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
        lock_run(connection, run_uid, alone=False)  # the round does not end in between
        campaign = connection.execute(select(campaigns).where(campaigns.c.run_uid == run_uid)).first()
        one = select(tasks).where(tasks.c.id == task, tasks.c.run_uid == run_uid).with_for_update()
        asked = connection.execute(one).first()
        if campaign is None or asked is None:
            raise RefusedError("unknown", "this run has no such pair: was the page open for long?")
        if campaign.state != "asking" or campaign.round != asked.round:
            raise RefusedError(
                "over", f"round {asked.round + 1} asks no more: the model has learnt from its answers as they were"
            )
        said = (
            select(answer_events.c.id, answer_events.c.annotator, answer_events.c.verdict, answer_events.c.settles)
            .join(tasks, ABOUT)
            .where(tasks.c.id == task, STANDS)
            .order_by(answer_events.c.id)
        )
        answers = connection.execute(said).all()
        if not answers:
            raise RefusedError("unanswered", "nobody has answered this pair: there is nothing to settle yet")
        last = next((answer for answer in reversed(answers) if answer.settles), None)
        if last is not None and last.annotator == coordinator and last.verdict == verdict:
            return Receipt(last.id, verdict, repeated=True)
        return answer_elsewhere(connection, asked, coordinator, verdict, 0.0, answered_at=stamp(now()), settles=True)
