"""What ``kedro annotators quality`` prints."""

from collections.abc import Sequence

from whosame.annotation.quality.error_rates import COVERAGE, LEAST, TIMES, VOICES, Quality, Rate
from whosame.reporting.table import MISSING, table

HEADER = ("annotator", "answers", "unsure", "shared", "false same %", "false different %", "")
LEGEND = f"""\
shared: pairs that somebody else answered too. False same: two people called one; false different: one called two; in
brackets the {COVERAGE:.0%} interval. Careless: its lower end is above {TIMES:g} times what the others err together, and
above {LEAST:.0%}."""


def quality_report(qualities: Sequence[Quality], where: str) -> str:
    """Write the table of annotators, and in a sentence what it cannot say.

    Parameters
    ----------
    qualities : sequence of Quality
        From :func:`whosame.annotation.quality.error_rates.annotator_quality`.
    where : str
        What was looked at, for the sentences: ``run demo``.
    """
    if not qualities:
        return f"{where}: nobody has answered anything yet"
    rows = [
        [
            one.annotator,
            f"{one.answers:,}",
            f"{one.unsure:,}",
            f"{one.shared:,}",
            _per_cent(one.false_same),
            _per_cent(one.false_different),
            "careless?" if one.careless else "",
        ]
        for one in qualities
    ]
    return "\n".join([where, table(HEADER, rows), _remark(qualities)])


def _remark(qualities: Sequence[Quality]) -> str:
    answers, sharing = sum(one.answers for one in qualities), [one for one in qualities if one.shared]
    if answers == 0:
        return "Every answer is unsure: that says nothing about errors."
    if len(qualities) == 1:
        return f"Only {qualities[0].annotator} has answered: errors show where somebody else answers the same pairs."
    if not sharing:
        return "No pair has an answer, other than unsure, from two annotators: how often they err cannot be told."
    if len(sharing) < VOICES:
        names = " and ".join(one.annotator for one in sharing)
        return (
            f"{LEGEND}\nOnly {names} share pairs: where they disagree nobody can tell who errs, so neither is flagged."
        )
    return LEGEND


def _per_cent(rate: Rate | None) -> str:
    if rate is None:
        return MISSING
    return f"{100 * rate.value:.1f} ({100 * rate.low:.1f}–{100 * rate.high:.1f})"
