"""Answers of a review: their rows in the store, and what they change in the questions of the round."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from whosame.annotation.queue.statements import VOTES
from whosame.annotation.queue.voting import Vote, decide
from whosame.annotation.review.state import ReviewState
from whosame.annotation.review.statements import Statement
from whosame.annotation.store.schema import answer_events, leases, runs, tasks


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


def recount(connection: Connection, run_uid: str, image_a: int, image_b: int) -> None:
    """Count the votes of the question about a pair again, where the round asks it: a review has answered it too."""
    pair = (tasks.c.run_uid == run_uid) & (tasks.c.image_a == image_a) & (tasks.c.image_b == image_b)
    query = select(tasks, runs.c.overlap, (runs.c.state == "asking").label("asking"))
    query = query.join(runs, (runs.c.run_uid == tasks.c.run_uid) & (runs.c.round == tasks.c.round))
    for task in connection.execute(query.where(pair, tasks.c.attempt == 1)).all():
        given = connection.execute(VOTES, {"run": run_uid, "a": image_a, "b": image_b, "nth": 1}).all()
        decided = (
            decide([Vote(row.verdict, row.settles) for row in given], task.overlap) is not None if given else False
        )
        needed = task.votes_needed if decided else max(task.overlap, len(given) + 1 if given else 0)
        reopened = task.asking and task.votes > len(given)  # an answer was undone
        values = {"votes": len(given), "votes_needed": needed, "open": not decided and (task.open or reopened)}
        connection.execute(update(tasks).where(tasks.c.id == task.id).values(values))
        if decided:
            connection.execute(delete(leases).where(leases.c.task_id == task.id))


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
