"""How far a run and its round are, and when the round will end."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from whosame.annotation.store.schema import NOT_UNDONE, answer_events, runs, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import epoch, stamp

WINDOW = 900.0  # s, the latest answers, from which the end of the round is projected
FEW = 5  # with fewer answers in the window nothing is projected

# What somebody said on their own: not an answer repeated from another run, not a coordinator's decision.
OWN = and_(NOT_UNDONE, answer_events.c.found_in.is_(None), ~answer_events.c.settles)


@dataclass(frozen=True)
class Headway:
    """How far a run is.

    Attributes
    ----------
    run_uid, run : str
    state : str
        ``asking``, ``working`` or ``over``.
    seen : float
        s since the epoch: when the loop last said that it is alive.
    round, rounds : int
        The round that is played, from 0, and how many there are.
    overlap : int
        People that each pair is put to.
    asked, budget : int
        Questions so far and of the whole run.
    decided, round_budget : int
        Questions of this round that are decided, and how many it may ask.
    found : int
        Answers of this round that were found again in other runs.
    waiting : int
        Questions that are put and not decided.
    end : float or None
        s since the epoch: when the round's budget will be used up at the pace of the last quarter of an hour. The
        round may well end before. None: nobody answers, or too few answers to tell.
    """

    run_uid: str
    run: str
    state: str
    seen: float
    round: int
    rounds: int
    overlap: int
    asked: int
    budget: int
    decided: int
    round_budget: int
    found: int
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


def headway(store: LabelStore, run_uid: str, *, now: Callable[[], float] = time.time) -> Headway | None:
    """Return how far a run is; None: no loop has described it."""
    with store.reading() as connection:
        about = connection.execute(select(runs).where(runs.c.run_uid == run_uid)).first()
        if about is None:
            return None
        here = and_(tasks.c.run_uid == run_uid, tasks.c.round == about.round)
        counted = select(
            func.count(case((and_(~tasks.c.open, tasks.c.votes > 0), 1))),
            func.count(case((tasks.c.open, 1))),
            func.coalesce(func.sum(case((tasks.c.open, tasks.c.votes), else_=0)), 0),
        )
        decided, waiting, halfway = connection.execute(counted.where(here)).one()
        answered = and_(answer_events.c.run_uid == run_uid, answer_events.c.round == about.round)
        found = (
            select(func.count()).select_from(answer_events).where(answered, NOT_UNDONE, answer_events.c.found_in > 0)
        )
        missing = max(0, about.round_budget - decided) * about.overlap - halfway
        return Headway(
            run_uid,
            about.run,
            about.state,
            about.last_heartbeat,
            about.round,
            about.rounds,
            about.overlap,
            about.asked + decided,
            about.budget,
            decided,
            about.round_budget,
            connection.scalar(found) or 0,
            waiting,
            _projected(connection, answered, missing, now()) if about.state == "asking" else None,
        )


def _projected(connection: Connection, answered: ColumnElement[bool], missing: int, now: float) -> float | None:
    since = stamp(now - WINDOW)
    query = select(func.count(), func.min(answer_events.c.answered_at))
    here, first = connection.execute(query.where(answered, OWN, answer_events.c.answered_at >= since)).one()
    if here < FEW:
        return None
    return float(now + missing * max(now - epoch(first), 1.0) / here)
