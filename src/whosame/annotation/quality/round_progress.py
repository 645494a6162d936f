"""Round progress: how far a run and its round are, and when the round will end."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from whosame.annotation.store.schema import NOT_UNDONE, answer_events, runs, tasks
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
    decided, round_budget : int
        Questions of this round that are decided, and how many it may ask.
    reused : int
        Answers of this round that were found in other runs.
    waiting : int
        Questions that are open.
    end : float or None
        Time at which the round's budget will be used up at the pace of the last quarter of an hour, s since the
        epoch. The round may end before. None: there are too few answers to tell.
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
    decided: int
    round_budget: int
    reused: int
    waiting: int
    end: float | None

    @property
    def left(self) -> int:
        """Questions of the run's budget that are not decided yet."""
        return max(0, self.budget - self.asked)

    @property
    def round_left(self) -> int:
        """Questions of the round's budget that are not decided yet."""
        return max(0, self.round_budget - self.decided)


def round_progress(store: LabelStore, run_uid: str, *, now: Callable[[], float] = time.time) -> RoundProgress | None:
    """Return how far a run is; None: the store does not know the run."""
    with store.reading() as connection:
        run = connection.execute(select(runs).where(runs.c.run_uid == run_uid)).first()
        if run is None:
            return None
        here = and_(tasks.c.run_uid == run_uid, tasks.c.round == run.round)
        counted = select(
            func.count(case((and_(~tasks.c.open, tasks.c.votes > 0), 1))),
            func.count(case((tasks.c.open, 1))),
            func.coalesce(func.sum(case((tasks.c.open, tasks.c.votes), else_=0)), 0),
        )
        decided, waiting, halfway = connection.execute(counted.where(here)).one()
        answered = and_(answer_events.c.run_uid == run_uid, answer_events.c.round == run.round)
        reused = select(func.count()).select_from(answer_events)
        reused = reused.where(answered, NOT_UNDONE, answer_events.c.found_in > 0)
        missing = max(0, run.round_budget - decided) * run.overlap - halfway
        return RoundProgress(
            run_uid,
            run.run,
            run.state,
            run.last_heartbeat,
            run.round,
            run.rounds,
            run.overlap,
            run.asked + decided,
            run.budget,
            decided,
            run.round_budget,
            connection.scalar(reused) or 0,
            waiting,
            _projected_end(connection, answered, missing, now()) if run.state == "asking" else None,
        )


def _projected_end(connection: Connection, answered: ColumnElement[bool], missing: int, now: float) -> float | None:
    since = stamp(now - WINDOW)
    query = select(func.count(), func.min(answer_events.c.answered_at))
    here, first = connection.execute(query.where(answered, OWN_ANSWER, answer_events.c.answered_at >= since)).one()
    if here < MIN_ANSWERS:
        return None
    return float(now + missing * max(now - epoch(first), 1.0) / here)
