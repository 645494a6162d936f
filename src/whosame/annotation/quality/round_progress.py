"""Round progress: how far a run and its round are, and when its open questions will be answered."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, and_, func, select

from whosame.annotation.queue.guard import AnswersSoFar
from whosame.annotation.queue.guide import ShownGuide
from whosame.annotation.queue.round_votes import RoundVotes, round_votes
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, runs
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import epoch, stamp

WINDOW = 900.0  # s before now whose answers give the pace
MIN_ANSWERS = 5  # in the window, or no end is projected

# A person's own answer: not one repeated from another run, not a coordinator's decision.
OWN_ANSWER = and_(NOT_UNDONE, answer_events.c.found_in.is_(None), ~answer_events.c.settles)


@dataclass(frozen=True)
class RoundProgress:
    """How far a run and its round are.

    Attributes
    ----------
    run_uid, run : str
    state : str
        ``asking``, ``working`` or ``over``.
    last_heartbeat : float
        Of the loop, s since the epoch.
    round, rounds : int
        The current round, from 0, and how many there are.
    overlap : int
        People who answer each pair.
    asked, budget : int
        Questions so far and of the whole run.
    round_budget : int
        Questions that this round may ask at most.
    votes : RoundVotes
        Answers of this round that are given and missing, questions that are decided and open.
    reused : int
        Answers of this round that were found in other runs.
    end : float or None
        Time at which the open questions will be answered at the pace of the last quarter of an hour, s since the
        epoch. None: there are too few answers to tell.
    question : str
        What the page asks.
    guard : str
        ``paused``: asking waits for a decision; ``stop``, ``continue``: the decision; ``watching``: none was wanted.
    so_far : AnswersSoFar
        What the answers are like.
    """

    run_uid: str
    run: str
    state: str
    last_heartbeat: float
    round: int
    rounds: int
    overlap: int
    asked: int
    budget: int
    round_budget: int
    votes: RoundVotes
    reused: int
    end: float | None
    question: str
    guard: str = "watching"
    so_far: AnswersSoFar = field(default_factory=AnswersSoFar)

    @property
    def left(self) -> int:
        """Questions of the run's budget that are not decided yet."""
        return max(0, self.budget - self.asked)


def round_progress(store: LabelStore, run_uid: str, *, now: Callable[[], float] = time.time) -> RoundProgress | None:
    """Return how far a run is; None: the store does not know the run."""
    with store.reading() as connection:
        run = connection.execute(select(runs).where(runs.c.run_uid == run_uid)).first()
        if run is None:
            return None
        votes = round_votes(connection, run_uid, run.round)
        answered = and_(answer_events.c.run_uid == run_uid, answer_events.c.round == run.round)
        reused = select(func.count()).select_from(answer_events)
        reused = reused.where(answered, NOT_UNDONE, answer_events.c.found_in > 0)
        return RoundProgress(
            run_uid,
            run.run,
            run.state,
            run.last_heartbeat,
            run.round,
            run.rounds,
            run.overlap,
            run.asked + votes.decided,
            run.budget,
            run.round_budget,
            votes,
            connection.scalar(reused) or 0,
            _projected_end(connection, answered, votes.missing, now()) if run.state == "asking" else None,
            ShownGuide.from_json(run.guide).question,
            run.guard,
            AnswersSoFar.from_json(run.answers_so_far),
        )


def _projected_end(connection: Connection, answered: ColumnElement[bool], missing: int, now: float) -> float | None:
    since = stamp(now - WINDOW)
    query = select(func.count(), func.min(answer_events.c.answered_at))
    here, first = connection.execute(query.where(answered, OWN_ANSWER, answer_events.c.answered_at >= since)).one()
    if here < MIN_ANSWERS:
        return None
    return float(now + missing * max(now - epoch(first), 1.0) / here)
