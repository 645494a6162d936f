"""The figures of the bar above a pair: how far the round is, what this person did today, when it will be done.

Counting all answers at each answer would cost more than the answer. So what was counted is kept and carried on with
the answers given here; what other processes add is seen when it is counted again.
"""

import threading
from bisect import insort
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from whosame.annotation.quality.annotator_stats import IDLE
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, leases, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp
from whosame.questions import Verdict

FRESH = 1.0  # s that a round's counts are good for
ENOUGH = 5  # answers before a time is foretold


@dataclass
class Standing:
    """How far a round is: pairs decided, and people who look at pairs now."""

    counted: float
    decided: int
    people: int


@dataclass
class Day:
    """One person's answers of today in a run."""

    date: str
    verdicts: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)  # ascending

    def add(self, verdict: str, seconds: float) -> None:
        """Count one more."""
        self.verdicts[verdict] += 1
        insort(self.seconds, min(max(seconds, 0.0), IDLE))

    @property
    def median(self) -> float | None:
        """Median seconds of a pair; None: there is no answer."""
        n = len(self.seconds)
        return (self.seconds[(n - 1) // 2] + self.seconds[n // 2]) / 2 if n else None


class Tally:
    """What was counted of every round and person, to be asked from several threads."""

    def __init__(self, store: LabelStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._rounds: dict[tuple[str, int], Standing] = {}
        self._days: dict[tuple[str, str], Day] = {}

    def answered(self, campaign: Row[Any], who: str, verdict: Verdict, seconds: float, *, decides: bool) -> None:
        """Carry on with an answer that was committed."""
        with self._lock:
            if (day := self._days.get((campaign.run_uid, who))) is not None:
                day.add(verdict, seconds)
            if decides and (standing := self._rounds.get((campaign.run_uid, campaign.round))) is not None:
                standing.decided += 1

    def forget(self, campaign: Row[Any], who: str) -> None:
        """Count anew, the next time: an answer was taken back, or came another way."""
        with self._lock:
            self._days.pop((campaign.run_uid, who), None)
            self._rounds.pop((campaign.run_uid, campaign.round), None)

    def figures(self, campaign: Row[Any], who: str, now: float) -> dict[str, Any]:
        """Return what the bar shows: numbers for the progress bar, the rest as it is to be read."""
        with self._lock:
            standing = self._standing(campaign, now)
            day = self._day(campaign.run_uid, who, now)
            median = day.median
            left = max(campaign.round_budget - standing.decided, 0)
            return {
                "done": min(standing.decided, campaign.round_budget),
                "of": campaign.round_budget,
                "left": f"{max(campaign.budget - campaign.asked - standing.decided, 0):,}",
                "today": f"{day.verdicts.total():,}",
                "same": f"{day.verdicts['same']:,}",
                "different": f"{day.verdicts['different']:,}",
                "median": "–" if median is None else f"{median:.1f} s",
                "end": "–"
                if median is None or len(day.seconds) < ENOUGH or left == 0
                else duration(left * campaign.overlap * median / max(standing.people, 1)),
            }

    def _standing(self, campaign: Row[Any], now: float) -> Standing:
        key = (campaign.run_uid, campaign.round)
        standing = self._rounds.get(key)
        if standing is None or not 0 <= now - standing.counted < FRESH:
            done = select(func.count()).where(tasks.c.run_uid == campaign.run_uid, tasks.c.round == campaign.round)
            done = done.where(~tasks.c.open, tasks.c.votes > 0)
            people = select(func.count(leases.c.annotator.distinct())).join(tasks, tasks.c.id == leases.c.task_id)
            people = people.where(tasks.c.run_uid == campaign.run_uid, leases.c.expires_at > now)
            with self._store.reading() as connection:
                standing = Standing(now, connection.scalar(done) or 0, connection.scalar(people) or 0)
            self._rounds[key] = standing
        return standing

    def _day(self, run_uid: str, who: str, now: float) -> Day:
        began = datetime.fromtimestamp(now).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        date = began.date().isoformat()
        day = self._days.get((run_uid, who))
        if day is None or day.date != date:
            day = Day(date)
            given = select(answer_events.c.verdict, answer_events.c.seconds).where(
                answer_events.c.run_uid == run_uid,
                answer_events.c.annotator == who,
                answer_events.c.found_in.is_(None),
                answer_events.c.answered_at >= stamp(began.timestamp()),
                NOT_UNDONE,
            )
            with self._store.reading() as connection:
                for verdict, seconds in connection.execute(given):
                    day.add(verdict, seconds)
            self._days[run_uid, who] = day
        return day


def duration(seconds: float) -> str:
    """Say a time as people do.

    Examples
    --------
    >>> duration(20), duration(600), duration(5400)
    ('1 min', '10 min', '1.5 h')
    """
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 60 else f"{seconds / 3600:.1f} h"
