"""Answered pairs: who gave which answer to a pair, the pairs with different answers, and the most recent answers."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from whosame.annotation.queue.voting import Vote, decide
from whosame.annotation.store.schema import NOT_UNDONE, TASK_OF_ANSWER, answer_events, images, runs, tasks, undos
from whosame.annotation.store.store import LabelStore, chunks
from whosame.questions import Verdict


@dataclass(frozen=True)
class PairAnswer:
    """One answer to a pair: its id, time (UTC, ISO 8601) and so on; ``settles``: it is a coordinator's decision."""

    event: int
    annotator: str
    verdict: Verdict
    seconds: float
    at: str
    settles: bool


@dataclass(frozen=True)
class AnsweredPair:
    """A pair in the queue, with its answers.

    Attributes
    ----------
    task : int
        Id of the question.
    round, attempt : int
        Of the question.
    images : tuple of int
        Image ids, the smaller one first.
    tokens : tuple of str
        The names of the two images on the page.
    answers : tuple of PairAnswer
        Those that were not undone, in the order given.
    verdict : str or None
        What they decide; None: nothing yet.
    can_settle : bool
        Whether a coordinator may decide it: the round still asks, and there is an answer.
    """

    task: int
    round: int
    attempt: int
    images: tuple[int, int]
    tokens: tuple[str, str]
    answers: tuple[PairAnswer, ...]
    verdict: Verdict | None
    can_settle: bool

    @property
    def settled(self) -> bool:
        """Whether a coordinator has decided it."""
        return any(answer.settles for answer in self.answers)

    @property
    def disputed(self) -> bool:
        """Whether its answers differ."""
        return len({answer.verdict for answer in self.answers}) > 1


@dataclass(frozen=True)
class RecentAnswer(PairAnswer):
    """An answer with the question (None: it is no longer in the queue) and image tokens of its pair."""

    task: int | None
    tokens: tuple[str, str]
    undone: bool


def answered_pair(store: LabelStore, run_uid: str, task: int) -> AnsweredPair | None:
    """Return one pair of a run; None: the run has no such question."""
    return next(iter(answered_pairs(store, run_uid, [task])), None)


def answered_pairs(store: LabelStore, run_uid: str, ids: Sequence[int]) -> list[AnsweredPair]:
    """Return these questions of a run, in the order of ``ids``; unknown ones are left out."""
    with store.reading() as connection:
        return _pairs(connection, run_uid, ids)


def disputes(
    store: LabelStore,
    run_uid: str,
    *,
    number: int | None = None,
    undecided: bool | None = None,
    limit: int = 50,
) -> list[AnsweredPair]:
    """Return the pairs with different answers, the one answered last first.

    "Same" and "unsure" differ too: two such votes decide nothing.

    Parameters
    ----------
    store : LabelStore
    run_uid : str
    number : int, optional
        Only of this round.
    undecided : bool, optional
        True: only pairs that wait for one more answer; False: only the others.
    limit : int
        At most so many.
    """
    query = (
        select(tasks.c.id)
        .join(answer_events, TASK_OF_ANSWER)
        .where(tasks.c.run_uid == run_uid, NOT_UNDONE)
        .group_by(tasks.c.id)
        .having(func.count(answer_events.c.verdict.distinct()) > 1)
        .order_by(func.max(answer_events.c.id).desc())
        .limit(limit)
    )
    if number is not None:
        query = query.where(tasks.c.round == number)
    if undecided is not None:
        query = query.where(tasks.c.open == undecided)
    with store.reading() as connection:
        return _pairs(connection, run_uid, list(connection.scalars(query)))


def recent_answers(store: LabelStore, run_uid: str, *, limit: int = 20) -> list[RecentAnswer]:
    """Return the last answers of a run, the newest first, undone ones too."""
    newest = select(answer_events.c.id).where(answer_events.c.run_uid == run_uid)
    newest = newest.order_by(answer_events.c.id.desc()).limit(limit)
    a, b = images.alias(), images.alias()
    query = (
        select(*_ANSWER, tasks.c.id, a.c.token, b.c.token, undos.c.id.is_not(None))
        .join(a, and_(a.c.run_uid == answer_events.c.run_uid, a.c.image == answer_events.c.image_a))
        .join(b, and_(b.c.run_uid == answer_events.c.run_uid, b.c.image == answer_events.c.image_b))
        .outerjoin(tasks, TASK_OF_ANSWER)
        .outerjoin(undos, undos.c.event_id == answer_events.c.id)
        .where(answer_events.c.id.in_(newest))
        .order_by(answer_events.c.id.desc())
    )
    with store.reading() as connection:
        rows = connection.execute(query).all()
    return [
        RecentAnswer(event, annotator, verdict, seconds, at, settles, task, (left, right), undone)
        for event, annotator, verdict, seconds, at, settles, task, left, right, undone in rows
    ]


_ANSWER = (
    answer_events.c.id,
    answer_events.c.annotator,
    answer_events.c.verdict,
    answer_events.c.seconds,
    answer_events.c.answered_at,
    answer_events.c.settles,
)


def _pairs(connection: Connection, run_uid: str, ids: Sequence[int]) -> list[AnsweredPair]:
    run = connection.execute(select(runs).where(runs.c.run_uid == run_uid)).first()
    found = {}
    a, b = images.alias(), images.alias()
    for chunk in chunks(ids):
        answers = _answers(connection, chunk)
        query = (
            select(tasks, a.c.token.label("token_a"), b.c.token.label("token_b"))
            .join(a, and_(a.c.run_uid == tasks.c.run_uid, a.c.image == tasks.c.image_a))
            .join(b, and_(b.c.run_uid == tasks.c.run_uid, b.c.image == tasks.c.image_b))
            .where(tasks.c.id.in_(chunk), tasks.c.run_uid == run_uid)
        )
        for task in connection.execute(query):
            given = tuple(answers[task.id])
            votes = [Vote(answer.verdict, answer.settles) for answer in given]
            asking = run is not None and run.state == "asking" and run.round == task.round
            found[task.id] = AnsweredPair(
                task.id,
                task.round,
                task.attempt,
                (task.image_a, task.image_b),
                (task.token_a, task.token_b),
                given,
                decide(votes, run.overlap if run is not None else 1) if votes else None,
                asking and bool(votes),
            )
    return [found[task] for task in ids if task in found]


def _answers(connection: Connection, ids: Sequence[int]) -> dict[int, list[PairAnswer]]:
    query = select(tasks.c.id, *_ANSWER).join(answer_events, TASK_OF_ANSWER)
    query = query.where(tasks.c.id.in_(ids), NOT_UNDONE).order_by(answer_events.c.id)
    answers: dict[int, list[PairAnswer]] = defaultdict(list)
    for task, *answer in connection.execute(query):
        answers[task].append(PairAnswer(*answer))
    return answers
