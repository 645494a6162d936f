"""Pairs that people have answered, each with who said what: among them those about which people disagree."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, select

from whosame.annotation.queue.voting import Vote, decide
from whosame.annotation.store.schema import NOT_UNDONE, TASK_OF_ANSWER, answer_events, images, runs, tasks
from whosame.annotation.store.store import LabelStore, chunks
from whosame.questions import Verdict


@dataclass(frozen=True)
class Said:
    """One answer that stands: its number, who gave it, in how many seconds, when (UTC, ISO 8601)."""

    event: int
    annotator: str
    verdict: Verdict
    seconds: float
    at: str
    settles: bool


@dataclass(frozen=True)
class Case:
    """A pair that people were asked about, and what they say.

    Attributes
    ----------
    task : int
        Number of the question.
    round, attempt : int
        Of the question.
    images : tuple of int
        Image ids, the smaller one first.
    handles : tuple of str
        What the page calls the two pictures.
    said : tuple of Said
        The answers that were not taken back, in the order given.
    verdict : str or None
        What they decide; None: nothing yet.
    settleable : bool
        Whether a coordinator may decide: the round still asks, and somebody has answered.
    """

    task: int
    round: int
    attempt: int
    images: tuple[int, int]
    handles: tuple[str, str]
    said: tuple[Said, ...]
    verdict: Verdict | None
    settleable: bool

    @property
    def settled(self) -> bool:
        """Whether a coordinator has decided it."""
        return any(answer.settles for answer in self.said)

    @property
    def disputed(self) -> bool:
        """Whether people gave different answers."""
        return len({answer.verdict for answer in self.said}) > 1


def case(store: LabelStore, run_uid: str, task: int) -> Case | None:
    """Return one pair of a run; None: the run has no such question."""
    with store.reading() as connection:
        return next(iter(_cases(connection, run_uid, [task])), None)


def cases(store: LabelStore, run_uid: str, numbers: Sequence[int]) -> list[Case]:
    """Return these questions of a run, in the order of ``numbers``."""
    with store.reading() as connection:
        found = {one.task: one for one in _cases(connection, run_uid, numbers)}
    return [found[number] for number in numbers if number in found]


def disputes(
    store: LabelStore,
    run_uid: str,
    *,
    number: int | None = None,
    undecided: bool | None = None,
    limit: int = 50,
) -> list[Case]:
    """Return the pairs on which people disagree, the one answered last first.

    "Same" against "unsure" is a disagreement too: the panel cannot decide it by two votes.

    Parameters
    ----------
    number : int, optional
        Only of this round.
    undecided : bool, optional
        True: only those that still wait for an answer; False: only the others.
    limit : int
        At most so many.
    """
    newest = func.max(answer_events.c.id)
    query = (
        select(tasks.c.id)
        .join(answer_events, TASK_OF_ANSWER)
        .where(tasks.c.run_uid == run_uid, NOT_UNDONE)
        .group_by(tasks.c.id)
        .having(func.count(answer_events.c.verdict.distinct()) > 1)
        .order_by(newest.desc())
        .limit(limit)
    )
    if number is not None:
        query = query.where(tasks.c.round == number)
    if undecided is not None:
        query = query.where(tasks.c.open == undecided)
    with store.reading() as connection:
        numbers = list(connection.scalars(query))
        found = {one.task: one for one in _cases(connection, run_uid, numbers)}
    return [found[one] for one in numbers if one in found]


def _cases(connection: Connection, run_uid: str, numbers: Sequence[int]) -> list[Case]:
    campaign = connection.execute(select(runs).where(runs.c.run_uid == run_uid)).first()
    found = []
    for chunk in chunks(numbers):
        said = _answers(connection, chunk)
        a, b = images.alias(), images.alias()
        query = (
            select(tasks, a.c.token.label("handle_a"), b.c.token.label("handle_b"))
            .join(a, and_(a.c.run_uid == tasks.c.run_uid, a.c.image == tasks.c.image_a))
            .join(b, and_(b.c.run_uid == tasks.c.run_uid, b.c.image == tasks.c.image_b))
            .where(tasks.c.id.in_(chunk), tasks.c.run_uid == run_uid)
        )
        for task in connection.execute(query):
            votes = [Vote(answer.verdict, answer.settles) for answer in said[task.id]]
            asking = campaign is not None and campaign.state == "asking" and campaign.round == task.round
            found.append(
                Case(
                    task.id,
                    task.round,
                    task.attempt,
                    (task.image_a, task.image_b),
                    (task.handle_a, task.handle_b),
                    tuple(said[task.id]),
                    decide(votes, campaign.overlap if campaign is not None else 1) if votes else None,
                    asking and bool(votes),
                )
            )
    return found


def _answers(connection: Connection, numbers: Sequence[int]) -> dict[int, list[Said]]:
    said: dict[int, list[Said]] = defaultdict(list)
    query: Any = (
        select(
            tasks.c.id,
            answer_events.c.id,
            answer_events.c.annotator,
            answer_events.c.verdict,
            answer_events.c.seconds,
            answer_events.c.answered_at,
            answer_events.c.settles,
        )
        .join(answer_events, TASK_OF_ANSWER)
        .where(tasks.c.id.in_(numbers), NOT_UNDONE)
        .order_by(answer_events.c.id)
    )
    for task, *answer in connection.execute(query):
        said[task].append(Said(*answer))
    return said
