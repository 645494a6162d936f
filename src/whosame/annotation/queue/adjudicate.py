"""Adjudication: a coordinator decides a pair, by an answer that counts alone."""

import time
from collections.abc import Callable

from sqlalchemy import select

from whosame.annotation.queue.submit import Receipt, RefusedError, submit_unleased
from whosame.annotation.store.engine import lock_run
from whosame.annotation.store.schema import NOT_UNDONE, TASK_OF_ANSWER, answer_events, runs, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp
from whosame.questions import Verdict


def adjudicate(
    store: LabelStore,
    run_uid: str,
    task: int,
    coordinator: str,
    verdict: Verdict,
    *,
    now: Callable[[], float] = time.time,
) -> Receipt:
    """Decide a pair that people have answered, whatever they answered; on return it survives a power cut.

    The answer is one more event, with ``settles``: the coordinator's own earlier vote on the pair is kept. People who
    look at the pair learn that it is not needed any more. To change the decision, adjudicate again: the last one
    counts. It takes no seconds and belongs to no session, so that "undo" on the annotation page does not reach it.

    Parameters
    ----------
    task : int
        Id of the question.
    coordinator : str
        The caller has checked that they are one.
    verdict : str
        ``same``, ``different`` or ``unsure``. The verdict that the same coordinator gave last is one answer, not two.

    Raises
    ------
    RefusedError
        ``unknown``: the run has no such question. ``over``: the round asks no more, the model learns from its
        answers. ``unanswered``: the pair has no answer, so that there is nothing to decide.
    """
    with store.writing() as connection:
        lock_run(connection, run_uid, alone=False)  # the round does not end in between
        run = connection.execute(select(runs).where(runs.c.run_uid == run_uid)).first()
        one = select(tasks).where(tasks.c.id == task, tasks.c.run_uid == run_uid).with_for_update()
        asked = connection.execute(one).first()
        if run is None or asked is None:
            raise RefusedError("unknown", "this run has no such pair: was the page open for long?")
        if run.state != "asking" or run.round != asked.round:
            raise RefusedError(
                "over", f"round {asked.round + 1} asks no more: the model has learnt from its answers as they were"
            )
        given = (
            select(answer_events.c.id, answer_events.c.annotator, answer_events.c.verdict, answer_events.c.settles)
            .join(tasks, TASK_OF_ANSWER)
            .where(tasks.c.id == task, NOT_UNDONE)
            .order_by(answer_events.c.id)
        )
        answers = connection.execute(given).all()
        if not answers:
            raise RefusedError("unanswered", "this pair has no answer: there is nothing to settle yet")
        last = next((answer for answer in reversed(answers) if answer.settles), None)
        if last is not None and last.annotator == coordinator and last.verdict == verdict:
            return Receipt(last.id, verdict, repeated=True)
        return submit_unleased(connection, asked, coordinator, verdict, 0.0, answered_at=stamp(now()), settles=True)
