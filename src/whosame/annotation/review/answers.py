"""Answers of a review: their rows in the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from whosame.annotation.queue.withdraw import recount
from whosame.annotation.review.state import ReviewState
from whosame.annotation.review.statements import Statement
from whosame.annotation.store.schema import answer_events


def add_answers(
    connection: Connection, state: ReviewState, common: Mapping[str, Any], statements: Sequence[Statement]
) -> None:
    """Store what is stated of pairs of images as answers; ``common`` are the columns that all of them share."""
    answers = [{**common, **_about_pair(state, statement)} for statement in statements]
    for answer in answers:
        answer["revision"] = _given_before(connection, answer)
    if answers:
        connection.execute(answer_events.insert(), answers)
    for answer in answers:
        recount(connection, state.table.run_uid, answer["image_a"], answer["image_b"])


def _given_before(connection: Connection, answer: Mapping[str, Any]) -> int:
    """Return how many answers this person has given to a pair, undone ones too."""
    same = [answer_events.c[name] == answer[name] for name in ("run_uid", "image_a", "image_b", "annotator", "attempt")]
    return int(connection.scalar(select(func.count()).select_from(answer_events).where(*same)) or 0)


def _about_pair(state: ReviewState, statement: Statement) -> dict[str, Any]:
    """Return the columns of an answer that follow from its pair."""
    table = state.table
    one, other = sorted(statement[:2])
    a, b = int(table.image_ids[one]), int(table.image_ids[other])
    return {
        "run_uid": table.run_uid,
        "run": table.run,
        "image_a": a,
        "image_b": b,
        "digest_a": table.digests[one],
        "digest_b": table.digests[other],
        "kind": "within" if table.labels[one] == table.labels[other] else "between",
        "verdict": "same" if statement[2] else "different",
        "source": "human",
        "attempt": 1,
        # "Unsure" says nothing about identity, and would be the decision about the pair for ever.
        "settles": any(event.verdict == "unsure" for event in state.given.get((a, b), ())),
    }
