"""Reading of a review's state from the store: what has come since an earlier state is added to it."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, func, select

from whosame.annotation.review.state import ReviewEvent, ReviewState, state_after, state_of
from whosame.annotation.review.table import ReviewedTable
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, review_undos, reviews, undos
from whosame.annotation.store.store import COLUMNS, AnswerEvent

REVIEW = [reviews.c[field.name] for field in fields(ReviewEvent)]


def read_state(connection: Connection, table: ReviewedTable, before: Sequence[ReviewState] = ()) -> ReviewState:
    """Return the state of a run's identities.

    Parameters
    ----------
    connection : Connection
    table : ReviewedTable
    before : sequence of ReviewState
        Earlier states of the same table, the newest last. The last one that has nothing of what was undone since is
        the begin; it is returned where nothing has come since.
    """
    of = answer_events.c
    newest = (
        _largest(connection, of.id, of.run_uid == table.run_uid),
        _largest(connection, undos.c.id),
        _largest(connection, reviews.c.id, reviews.c.run_uid == table.run_uid),
        _largest(connection, review_undos.c.id),
    )
    for state in reversed(before):
        if state.newest == newest:
            return state
        if _holds(connection, state, newest):
            events = list(_answers(connection, table.run_uid, state.newest[0], newest[0]))
            found = read_reviews(connection, table.run_uid, after=state.newest[2])
            if (after := state_after(state, events, found, newest)) is not None:
                return after
            break
    events = list(_answers(connection, table.run_uid, 0, newest[0]))
    return state_of(table, events, read_reviews(connection, table.run_uid), newest)


def read_reviews(connection: Connection, run_uid: str, *, after: int = 0) -> list[ReviewEvent]:
    """Return the reviews of a run that were not undone, in the order given, from an id on."""
    undone = select(review_undos.c.review_id)
    query = select(*REVIEW).where(reviews.c.run_uid == run_uid, reviews.c.id > after, reviews.c.id.not_in(undone))
    return [ReviewEvent(*row) for row in connection.execute(query.order_by(reviews.c.id))]


def _answers(connection: Connection, run_uid: str, after: int, last: int) -> Iterator[AnswerEvent]:
    of = answer_events.c
    query = select(*COLUMNS).where(of.run_uid == run_uid, NOT_UNDONE, of.id > after, of.id <= last).order_by(of.id)
    for row in connection.execute(query):
        yield AnswerEvent(*row)


def _holds(connection: Connection, state: ReviewState, newest: Sequence[int]) -> bool:
    """Return whether nothing of a state was undone since."""
    if newest[1] != state.newest[1]:
        query = select(undos.c.id).where(undos.c.id > state.newest[1], undos.c.event_id <= state.newest[0])
        if connection.execute(query.limit(1)).first() is not None:
            return False
    if newest[3] != state.newest[3]:
        mine = select(review_undos.c.id).where(review_undos.c.id > state.newest[3])
        if connection.execute(mine.where(review_undos.c.review_id <= state.newest[2]).limit(1)).first() is not None:
            return False
    return True


def _largest(connection: Connection, column: Any, *where: Any) -> int:
    return int(connection.scalar(select(func.max(column)).where(*where)) or 0)
