"""Counters of the bar above a pair: how far the round and the run are, what the person did today, what waits.

No number is shown that is not known: a strategy may ask more in the light of answers, so a round's total is that of the
questions so far, and the time is that for those that wait.

Counting all answers again after each one would take longer than the answer. So counts are kept and carried on with the
answers given here; those of other processes are seen when the counts are read again.
"""

import threading
from bisect import insort
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from whosame.annotation.quality.annotator_stats import MAX_SECONDS
from whosame.annotation.queue.round_votes import RoundVotes, round_votes
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, leases, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp
from whosame.questions import Verdict

ROUND_COUNT_SECONDS = 1.0  # that the counts of a round are kept
MIN_ANSWERS = 5  # of a person today, before the time that is left is shown


@dataclass
class RoundCount:
    """Votes of a round, and people who have pairs of its run on their screen, at a time."""

    counted_at: float
    votes: RoundVotes
    people: int


@dataclass
class DayCount:
    """One person's answers of one day in a run."""

    date: str
    verdicts: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)  # ascending

    def add(self, verdict: str, seconds: float) -> None:
        """Count one more answer."""
        self.verdicts[verdict] += 1
        insort(self.seconds, min(max(seconds, 0.0), MAX_SECONDS))

    @property
    def median(self) -> float | None:
        """Median seconds of an answer; None without answers."""
        n = len(self.seconds)
        return (self.seconds[(n - 1) // 2] + self.seconds[n // 2]) / 2 if n else None


class Counters:
    """The counts of every round and person. Threads may share it."""

    def __init__(self, store: LabelStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._rounds: dict[tuple[str, int], RoundCount] = {}
        self._days: dict[tuple[str, str], DayCount] = {}

    def add(self, run: Row[Any], annotator: str, verdict: Verdict, seconds: float, *, decides: bool) -> None:
        """Count an answer that was committed; ``decides``: it decides its pair."""
        with self._lock:
            if (day := self._days.get((run.run_uid, annotator))) is not None:
                day.add(verdict, seconds)
            if (count := self._rounds.get((run.run_uid, run.round))) is not None:
                count.votes = count.votes.with_another(decides=decides)

    def reset(self, run: Row[Any], annotator: str) -> None:
        """Count again at the next request: an answer was undone, or came another way."""
        with self._lock:
            self._days.pop((run.run_uid, annotator), None)
            self._rounds.pop((run.run_uid, run.round), None)

    def bar(self, run: Row[Any], annotator: str, now: float) -> dict[str, Any]:
        """Return what the bar shows: numbers for the progress bar, the rest as text."""
        with self._lock:
            round_count = self._round(run, now)
            day = self._day(run.run_uid, annotator, now)
            median = day.median
            votes, end = round_count.votes, "–"
            if median is not None and len(day.seconds) >= MIN_ANSWERS and votes.missing > 0:
                end = f"about {duration(votes.missing * median / max(round_count.people, 1))}"
            may_ask_more = run.state == "asking" and votes.decided + votes.waiting < run.round_budget
            return {
                "done": votes.given,
                "of": votes.total,
                "more": "so far" if may_ask_more else "",
                "run": f"{run.asked + votes.decided:,}",
                "budget": f"{run.budget:,}",
                "today": f"{day.verdicts.total():,}",
                "same": f"{day.verdicts['same']:,}",
                "different": f"{day.verdicts['different']:,}",
                "median": "–" if median is None else f"{median:.1f} s",
                "end": end,
            }

    def _round(self, run: Row[Any], now: float) -> RoundCount:
        key = (run.run_uid, run.round)
        known = self._rounds.get(key)
        if known is None or not 0 <= now - known.counted_at < ROUND_COUNT_SECONDS:
            people = select(func.count(leases.c.annotator.distinct())).join(tasks, tasks.c.id == leases.c.task_id)
            people = people.where(tasks.c.run_uid == run.run_uid, leases.c.expires_at > now)
            with self._store.reading() as connection:
                votes = round_votes(connection, run.run_uid, run.round)
                known = RoundCount(now, votes, connection.scalar(people) or 0)
            self._rounds[key] = known
        return known

    def _day(self, run_uid: str, annotator: str, now: float) -> DayCount:
        midnight = datetime.fromtimestamp(now).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        date = midnight.date().isoformat()
        day = self._days.get((run_uid, annotator))
        if day is None or day.date != date:
            day = DayCount(date)
            given = select(answer_events.c.verdict, answer_events.c.seconds).where(
                answer_events.c.run_uid == run_uid,
                answer_events.c.annotator == annotator,
                answer_events.c.found_in.is_(None),
                answer_events.c.answered_at >= stamp(midnight.timestamp()),
                NOT_UNDONE,
            )
            with self._store.reading() as connection:
                for verdict, seconds in connection.execute(given):
                    day.add(verdict, seconds)
            self._days[run_uid, annotator] = day
        return day


def duration(seconds: float) -> str:
    """Return a time in minutes or hours.

    Examples
    --------
    >>> duration(20), duration(600), duration(5400)
    ('1 min', '10 min', '1.5 h')
    """
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 60 else f"{seconds / 3600:.1f} h"
