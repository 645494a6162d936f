"""Undo of reviews: a person withdraws their own, with all its answers, until a round has begun with them."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.queue.withdraw import withdraw
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, review_undos, reviews
from whosame.annotation.store.timestamps import stamp

LEARNT = "a round has begun with these answers: the model learns from them. To correct one, review the identity again"


def last_review(connection: Connection, run_uid: str, annotator: str) -> int | None:
    """Return the id of a person's newest review in a run that is not undone; None: there is none."""
    mine = select(reviews.c.id).where(reviews.c.run_uid == run_uid, reviews.c.annotator == annotator)
    mine = mine.where(reviews.c.id.not_in(select(review_undos.c.review_id))).order_by(reviews.c.id.desc())
    found = connection.scalar(mine.limit(1))
    return None if found is None else int(found)


def undo_review(
    connection: Connection, review: int, annotator: str, learnt: Collection[tuple[int, int]], *, now: float
) -> int:
    """Undo a review: its answers, or its name. Requested twice, it is undone once.

    Parameters
    ----------
    connection : Connection
        In a transaction that may write, with the lock of the run.
    review : int
    annotator : str
    learnt : collection of (int, int)
        Pairs of image ids that a round has begun with.
    now : float
        s since the epoch.

    Returns
    -------
    int
        How many answers were undone.

    Raises
    ------
    RefusedError
        ``kept``: it is another person's, or a round has begun with its answers.
    """
    row = connection.execute(select(reviews).where(reviews.c.id == review)).first()
    if row is None or row.annotator != annotator:
        raise RefusedError("kept", "only your own reviews can be undone")
    if connection.execute(select(review_undos.c.id).where(review_undos.c.review_id == review)).first():
        return 0
    query = select(answer_events).where(answer_events.c.review == review, NOT_UNDONE)
    answers = connection.execute(query).all()
    if any((answer.image_a, answer.image_b) in learnt for answer in answers):
        raise RefusedError("kept", LEARNT)
    connection.execute(review_undos.insert().values(review_id=review, annotator=annotator, undone_at=stamp(now)))
    return withdraw(connection, [answer.id for answer in answers], annotator, now=now)
