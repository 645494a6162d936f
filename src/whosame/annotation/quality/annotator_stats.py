"""Annotator statistics: what each person has done in a run, and how far they agree."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from whosame.annotation.quality.agreement import Agreement, Ratings, agreement_with_others, by_pair
from whosame.annotation.quality.round_progress import OWN_ANSWER
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, leases, sessions, skips, tasks, undos, users
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import epoch

MAX_SECONDS = 60.0  # that an answer counts: in a longer time the person was away


@dataclass(frozen=True)
class AnnotatorStats:
    """One person's work in a run.

    Attributes
    ----------
    annotator : str
    same, different, unsure : int
        Answers that are not undone, without those reused from other runs and without a coordinator's decisions.
    settled : int
        Pairs decided as a coordinator.
    skipped, undone : int
    seconds : float or None
        Median time of an answer, each counted as :data:`MAX_SECONDS` at most; None where none was measured.
    agreement : Agreement
        With what most of the others answered.
    last_seen : float or None
        Time of the last answer or the last request of a session, s since the epoch.
    answering : bool
        Whether a pair is leased to them now.
    """

    annotator: str
    same: int
    different: int
    unsure: int
    settled: int
    skipped: int
    undone: int
    seconds: float | None
    agreement: Agreement
    last_seen: float | None
    answering: bool

    @property
    def answers(self) -> int:
        """Answers that are not undone."""
        return self.same + self.different + self.unsure


def annotator_stats(
    store: LabelStore, run_uid: str, number: int | None = None, *, now: Callable[[], float] = time.time
) -> list[AnnotatorStats]:
    """Return the statistics of each person in a run or in one round of it, by name; users without answers too."""
    answered = answer_events.c.run_uid == run_uid
    asked = tasks.c.run_uid == run_uid
    if number is not None:
        answered, asked = and_(answered, answer_events.c.round == number), and_(asked, tasks.c.round == number)
    with store.reading() as connection:
        given = _verdicts(connection, answered)
        settled = _counts(
            connection, _select_by(answer_events.c.annotator).where(answered, NOT_UNDONE, answer_events.c.settles)
        )
        skipped = _counts(
            connection, _select_by(skips.c.annotator).join(tasks, tasks.c.id == skips.c.task_id).where(asked)
        )
        undo_events = _select_by(answer_events.c.annotator).join(undos, undos.c.event_id == answer_events.c.id)
        undone = _counts(connection, undo_events.where(answered))
        seconds = _medians(connection, answered)
        last_seen = _last_seen(connection, answered)
        answering = _answering(connection, asked, now())
        registered = set(connection.scalars(select(users.c.name).where(~users.c.removed)))
        agreeing = agreement_with_others(_ratings(connection, answered))
    names = registered | given.keys() | settled.keys() | skipped.keys() | undone.keys()
    return [
        AnnotatorStats(
            name,
            given.get(name, {}).get("same", 0),
            given.get(name, {}).get("different", 0),
            given.get(name, {}).get("unsure", 0),
            settled.get(name, 0),
            skipped.get(name, 0),
            undone.get(name, 0),
            seconds.get(name),
            agreeing.get(name, Agreement(None, 0, reason="no pair that others have answered too")),
            last_seen.get(name),
            name in answering,
        )
        for name in sorted(names)
    ]


def ratings(store: LabelStore, run_uid: str, number: int | None = None) -> Ratings:
    """Return the answers to the pairs of a run, or of a round, that at least two people have answered.

    A coordinator's decisions are not among them: a coordinator sees what the others answered.
    """
    answered = answer_events.c.run_uid == run_uid
    if number is not None:
        answered = and_(answered, answer_events.c.round == number)
    with store.reading() as connection:
        return _ratings(connection, answered)


def _select_by(column: ColumnElement[str]) -> Any:
    return select(column, func.count()).group_by(column)


def _counts(connection: Connection, query: Any) -> dict[str, int]:
    return {str(name): int(times) for name, times in connection.execute(query)}


def _verdicts(connection: Connection, answered: ColumnElement[bool]) -> dict[str, dict[str, int]]:
    columns = (answer_events.c.annotator, answer_events.c.verdict)
    query = select(*columns, func.count()).where(answered, OWN_ANSWER).group_by(*columns)
    given: dict[str, dict[str, int]] = {}
    for name, verdict, times in connection.execute(query):
        given.setdefault(name, {})[verdict] = times
    return given


def _medians(connection: Connection, answered: ColumnElement[bool]) -> dict[str, float]:
    capped = case((answer_events.c.seconds > MAX_SECONDS, MAX_SECONDS), else_=answer_events.c.seconds)
    who = answer_events.c.annotator
    ranked = (
        select(
            who,
            capped.label("seconds"),
            func.row_number().over(partition_by=who, order_by=capped).label("position"),
            func.count().over(partition_by=who).label("n"),
        )
        .where(answered, OWN_ANSWER, answer_events.c.seconds > 0)  # 0 was not measured
        .subquery()
    )
    middle = and_(2 * ranked.c.position >= ranked.c.n, 2 * ranked.c.position <= ranked.c.n + 2)
    query = select(ranked.c.annotator, func.avg(ranked.c.seconds)).where(middle).group_by(ranked.c.annotator)
    return {name: float(median) for name, median in connection.execute(query)}


def _last_seen(connection: Connection, answered: ColumnElement[bool]) -> dict[str, float]:
    last = select(answer_events.c.annotator, func.max(answer_events.c.answered_at)).where(answered)
    last_seen = {name: epoch(at) for name, at in connection.execute(last.group_by(answer_events.c.annotator))}
    here = select(users.c.name, func.max(sessions.c.last_seen)).join(sessions, sessions.c.user_id == users.c.id)
    for name, at in connection.execute(here.where(~users.c.removed).group_by(users.c.name)):
        last_seen[name] = max(last_seen.get(name, 0.0), at)
    return last_seen


def _answering(connection: Connection, asked: ColumnElement[bool], now: float) -> set[str]:
    query = select(leases.c.annotator).join(tasks, tasks.c.id == leases.c.task_id)
    return set(connection.scalars(query.where(asked, leases.c.expires_at > now, leases.c.leased_at <= now).distinct()))


def _ratings(connection: Connection, answered: ColumnElement[bool]) -> Ratings:
    pair = (answer_events.c.image_a, answer_events.c.image_b)
    here = and_(answered, NOT_UNDONE, ~answer_events.c.settles)
    several = (
        select(*pair)
        .where(here)
        .group_by(*pair)
        .having(func.count(answer_events.c.annotator.distinct()) > 1)
        .subquery()
    )
    query = (
        select(*pair, answer_events.c.annotator, answer_events.c.verdict)
        .join(several, and_(several.c.image_a == pair[0], several.c.image_b == pair[1]))
        .where(here)
        .order_by(answer_events.c.id)
    )
    return by_pair(((row[0], row[1]), row[2], row[3]) for row in connection.execute(query))
