"""Output of ``kedro annotators``: the list of people, the audit log, the error rates of annotators."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from whosame.annotation.accounts.users import User
from whosame.annotation.quality.error_rates import (
    COVERAGE,
    MIN_ANNOTATORS,
    MIN_RATE,
    RATE_FACTOR,
    AnnotatorQuality,
    Rate,
)
from whosame.annotation.store.audit_log import Entry
from whosame.reporting.table import MISSING, table

USERS_HEADER = ("annotator", "role", "added", "last on the page (UTC)")
QUALITY_HEADER = ("annotator", "answers", "unsure", "shared", "false same %", "false different %", "")
LEGEND = (
    "shared: pairs that others answered too. False same: two people called one; false different: one called two; in\n"
    f"brackets the {COVERAGE:.0%} interval. Careless: its lower end is above {RATE_FACTOR:g} times what the others err "
    f"together, and\nabove {MIN_RATE:.0%}."
)


def users_table(users: Sequence[User]) -> str:
    """Return the table of users; their links are not in it, only hashes of them are stored."""
    if not users:
        return "No annotator was added yet: kedro annotators add NAME"
    rows = [[user.name, user.role, user.added_at[:10], _minute(user.last_seen)] for user in users]
    return table(USERS_HEADER, rows, left=len(USERS_HEADER))


def event_line(entry: Entry) -> str:
    """Return time, actor, action and details with tabs between; values as in JSON, so that it is one line."""
    details = " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in entry.details.items())
    return f"{entry.at}\t{entry.actor}\t{entry.action}\t{details}".rstrip()


def quality_report(qualities: Sequence[AnnotatorQuality], where: str) -> str:
    """Return the table of annotators' error rates, and what it cannot show.

    Parameters
    ----------
    qualities : sequence of AnnotatorQuality
        From :func:`whosame.annotation.quality.error_rates.annotator_quality`.
    where : str
        Which answers were counted, for the messages: ``run demo``.
    """
    if not qualities:
        return f"{where}: no answers yet"
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
    return "\n".join([where, table(QUALITY_HEADER, rows), _remark(qualities)])


def _remark(qualities: Sequence[AnnotatorQuality]) -> str:
    answers, sharing = sum(one.answers for one in qualities), [one for one in qualities if one.shared]
    if answers == 0:
        return "Every answer is unsure: that says nothing about errors."
    if len(qualities) == 1:
        return f"Only {qualities[0].annotator} has answered: errors show where others answer the same pairs."
    if not sharing:
        return "No pair has an answer, other than unsure, from two annotators: how often they err cannot be told."
    if len(sharing) < MIN_ANNOTATORS:
        names = " and ".join(one.annotator for one in sharing)
        return f"{LEGEND}\nOnly {names} share pairs: where they disagree, either may be wrong, so neither is flagged."
    return LEGEND


def _per_cent(rate: Rate | None) -> str:
    if rate is None:
        return MISSING
    return f"{100 * rate.value:.1f} ({100 * rate.low:.1f}–{100 * rate.high:.1f})"


def _minute(seconds: float | None) -> str:
    return MISSING if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
