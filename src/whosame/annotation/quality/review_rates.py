"""Decided links per minute, by form of question: pairs, sheets with ticks, one identity against many."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import case, func, select

from whosame.annotation.quality.annotator_stats import MAX_SECONDS
from whosame.annotation.quality.round_progress import OWN_ANSWER
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, review_undos, reviews
from whosame.annotation.store.store import LabelStore


@dataclass(frozen=True)
class Rate:
    """What people have decided by one form of question.

    Attributes
    ----------
    form : str
        ``pair``; ``tick``: a sheet of one identity; ``merge``: one identity against many.
    links : int
        Answers "same" and "different" that were not undone.
    seconds : float
        That people took: a pair counts as a minute at most; sheets without a tick count too.
    """

    form: Literal["pair", "tick", "merge"]
    links: int
    seconds: float

    @property
    def per_minute(self) -> float | None:
        """Links per minute; None where no time was measured."""
        return 60 * self.links / self.seconds if self.seconds > 0 else None


def review_rates(store: LabelStore, run_uid: str) -> list[Rate]:
    """Return what people have decided in a run by each form of question; forms that were not used are left out."""
    of = answer_events.c
    here = (of.run_uid == run_uid) & (of.source == "human")
    capped = case((of.seconds > MAX_SECONDS, MAX_SECONDS), else_=of.seconds)
    links = func.sum(case((of.verdict == "unsure", 0), else_=1))
    pairs = select(links, func.sum(capped)).where(here, OWN_ANSWER, of.review.is_(None))
    answered = (
        select(reviews.c.form, links)
        .join(reviews, reviews.c.id == of.review)
        .where(here, NOT_UNDONE)
        .group_by(reviews.c.form)
    )
    undone = select(review_undos.c.review_id)
    took = select(reviews.c.form, func.sum(reviews.c.seconds)).group_by(reviews.c.form)
    took = took.where(reviews.c.run_uid == run_uid, reviews.c.id.not_in(undone))
    with store.reading() as connection:
        number, seconds = connection.execute(pairs).one()
        found = {str(form): int(count) for form, count in connection.execute(answered)}
        times = {str(form): float(total) for form, total in connection.execute(took)}
    rates = [Rate("pair", int(number or 0), float(seconds or 0))]
    rates += [Rate("tick", found.get("tick", 0), times.get("tick", 0.0))]
    rates += [Rate("merge", found.get("merge", 0), times.get("merge", 0.0))]
    return [rate for rate in rates if rate.seconds or rate.links]
