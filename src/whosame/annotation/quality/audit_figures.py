"""Figures of the last audit of a run's names, for the overview and the text of a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whosame import artefacts
from whosame.errors import WhosameError
from whosame.runs import Run, is_name

ROWS = {
    "precision": "Pairs of one name that are one individual",
    "recall": "Pairs of one individual that have one name",
    "bcubed_precision": "The same by image: precision (BCubed)",
    "bcubed_recall": "The same by image: recall (BCubed, approximate)",
}


@dataclass(frozen=True)
class AuditFigures:
    """What the last audit of a run says.

    Attributes
    ----------
    rows : tuple of (str, str, str)
        What is estimated, the estimate, and its interval; an interval is empty where there were too few questions.
    asked : int
        Questions that it is from.
    rounds, since : int
        Complete rounds of the run at that time, and how many have been completed since: the names may have changed.
    confidence : float
        Of the intervals.
    """

    rows: tuple[tuple[str, str, str], ...]
    asked: int
    rounds: int
    since: int
    confidence: float

    @property
    def text(self) -> str:
        """The figures in one line."""
        found = [f"{name[0].lower()}{name[1:]} {value} ({interval})" for name, value, interval in self.rows if interval]
        later = f", {self.since} rounds ago" if self.since else ""
        return f"after round {self.rounds}{later}, {self.asked} questions: " + ("; ".join(found) or "too few to say")


def audit_figures(run: Run) -> AuditFigures | None:
    """Return the figures of ``audit.json`` in a run's folder; None where there is none, or it cannot be read."""
    found = artefacts.read_if_whole(run.folder / artefacts.AUDIT)
    if found is None:
        return None
    try:
        estimates = found["estimates"]
        rows = [("Individuals", *_shown(estimates["individuals"], "{:,.0f}", 1))]
        rows += [(text, *_shown(estimates[name], "{:.1f} %", 100)) for name, text in ROWS.items()]
        rounds = int(found["rounds"])
        since = max(run.completed() - rounds, 0)
        return AuditFigures(tuple(rows), int(found["asked"]), rounds, since, float(found["confidence"]))
    except (KeyError, TypeError, ValueError):  # of another version
        return None


def audit_of(runs: Path | None, name: str, run_uid: str) -> AuditFigures | None:
    """Return the figures of a run by its uid; None where its folder is not on this machine."""
    if runs is None or not is_name(name):
        return None
    run = Run(runs / name)
    try:
        return audit_figures(run) if run.about().get("uid") == run_uid else None
    except (OSError, WhosameError):
        return None


def _shown(estimate: dict[str, Any], form: str, times: float) -> tuple[str, str]:
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    if value is None or low is None or high is None:
        return "–", ""
    return form.format(times * value), f"{form.format(times * low)} … {form.format(times * high)}"
