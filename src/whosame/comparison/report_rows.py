"""Texts and rows of a comparison's report: findings in sentences, tables with means ± standard deviations."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from whosame.comparison.arms import Arm
from whosame.comparison.plan import BASELINE, CEILING
from whosame.comparison.published import published_results
from whosame.comparison.tables import Tables, arm_of, records
from whosame.reporting.table import MISSING

# Column title, figure, factor, decimals
COLUMNS = (
    ("mAP % (last round)", "mAP", 100, 1),
    ("rank-1 % (last round)", "rank1", 100, 1),
    ("mAP % (best round, chosen on the test set)", "mAP_best", 100, 1),
    ("rank-1 % (best round)", "rank1_best", 100, 1),
    ("ARI", "ARI", 1, 3),
    ("F1", "F1", 1, 3),
    ("precision", "precision", 1, 3),
    ("recall", "recall", 1, 3),
    ("coverage", "coverage", 1, 3),
    ("F1, all images", "F1_all", 1, 3),
    ("asked", "asked", 1, 0),
    ("free", "free", 1, 0),
    ("seconds", "seconds", 1, 0),
)
GAINS = (
    ("mAP", "mAP, points", 100, 1),
    ("mAP_best", "mAP of the best round, points", 100, 1),
    ("rank1", "rank-1, points", 100, 1),
    ("ARI", "ARI", 1, 3),
    ("F1", "F1", 1, 3),
)


def findings(tables: Tables) -> list[str]:
    """Summarise the tables: the baselines, the best at each budget, and how far it is above the best baseline.

    Where methods have bases of their own, each is read against its own floor and ceiling instead.
    """
    known = [row for row in records(tables.arms) if math.isfinite(row["mAP_mean"])]
    baselines = [row for row in known if row["strategy"] == BASELINE]
    if len({row["cameras"] for row in baselines}) < len(baselines):
        return [_within_its_base(row, tables) for row in known if row["budget"]]
    sentences = [f"Without questions ({_method(row)}): {_map(row)}." for row in baselines]
    for budget in sorted({row["budget"] for row in known if row["budget"]}):
        best = max((row for row in known if row["budget"] == budget), key=lambda row: float(row["mAP_mean"]))
        sentence = (
            f"With a budget of {budget:,} questions the highest mean mAP is that of {_method(best)}: {_map(best)}"
        )
        strongest = max(baselines, key=lambda row: float(row["mAP_mean"]), default=None)
        gain = None if strongest is None else _gain(tables.differences, arm_of(best), arm_of(strongest))
        if gain is not None:
            points, place = abs(100 * gain["mean"]), "above" if gain["mean"] > 0 else "below"
            against = f"the strongest baseline without questions ({gain['against']})"
            sentence += f", {points:.1f} {place} {against} on the same seeds"
        sentences.append(f"{sentence}.")
    upper = [f"With true labels (the upper bound): {_map(row)}." for row in known if row["strategy"] == CEILING]
    return [*sentences, *upper]


def _within_its_base(row: Mapping[str, Any], tables: Tables) -> str:
    """Return a sentence on how far a method got from the floor of its base to the ceiling."""
    sentence = f"{_method(row)}, {row['budget']:,} questions: {_map(row)}"
    gains = {
        found["against"]: found
        for found in records(tables.differences)
        if arm_of(found) == arm_of(row) and found["figure"] == "mAP"
    }
    which = {
        _method(level): "floor" if level["strategy"] == BASELINE else "ceiling"
        for level in records(tables.arms)
        if level["strategy"] == CEILING or (level["strategy"], level["cameras"]) == (BASELINE, row["cameras"])
    }
    for against, gain in gains.items():
        if against in which:
            points, place = abs(100 * gain["mean"]), "above" if gain["mean"] > 0 else "below"
            sentence += f", {points:.1f} {place} its {which[against]}, {against}"
    return f"{sentence}."


def mean_and_sd(mean: float, sd: float, decimals: int, factor: float = 1) -> str:
    """Write a mean and its standard deviation: ``43.6 ± 1.2``; without the latter for one seed.

    Examples
    --------
    >>> mean_and_sd(0.436, 0.012, 1, 100), mean_and_sd(0.5, float("nan"), 3), mean_and_sd(float("nan"), 0, 1)
    ('43.6 ± 1.2', '.500', '–')
    """
    if not math.isfinite(mean):
        return MISSING
    counted = decimals == 0 and sd == 0  # the same number in every run
    numbers = [mean] if counted or not math.isfinite(sd) else [mean, sd]
    written = [f"{factor * number:,.{decimals}f}".replace("-", "−") for number in numbers]
    return " ± ".join(
        number.replace("0.", ".", 1) if number.lstrip("−").startswith("0.") and decimals > 2 else number
        for number in written
    )


def _gain(differences: pd.DataFrame, arm: Arm, reference: Arm) -> dict[str, Any] | None:
    """Return the difference in mAP of an arm to another over their common seeds; None where they have none."""
    found = (
        row
        for row in records(differences)
        if (arm_of(row), row["against"], row["figure"]) == (arm, reference.method, "mAP")
    )
    return next(found, None)


def _method(row: Mapping[str, Any]) -> str:
    return arm_of(row).method


def _map(row: Mapping[str, Any]) -> str:
    return f"mAP {mean_and_sd(row['mAP_mean'], row['mAP_sd'], 1, 100)} % (n = {int(row['mAP_n'])})"


def rows_by_budget(arms: pd.DataFrame) -> list[tuple[str, list[list[str]]]]:
    """Return the table by budget: for each budget its title and rows; strategies that never ask come first."""
    sections: dict[int, list[list[str]]] = {}
    for row in sorted(records(arms), key=lambda row: int(row["budget"])):
        cells = [
            mean_and_sd(row[f"{figure}_mean"], row[f"{figure}_sd"], decimals, factor)
            for _, figure, factor, decimals in COLUMNS
        ]
        sections.setdefault(row["budget"], []).append([_method(row), str(row["asked_n"]), *cells])
    return [
        (f"Budget of {budget:,} questions" if budget else "No questions", rows) for budget, rows in sections.items()
    ]


def difference_rows(table: pd.DataFrame) -> list[list[str]]:
    """Return for each arm and reference the differences over the seeds that both have."""
    found: dict[tuple[Arm, str], dict[str, dict[str, Any]]] = {}
    for row in records(table):
        found.setdefault((arm_of(row), row["against"]), {})[row["figure"]] = row
    rows = []
    for (arm, against), figures in found.items():
        cells = []
        for figure, _, factor, decimals in GAINS:
            gain = figures.get(figure, {"mean": math.nan, "sd": math.nan})
            cells.append(("+" if gain["mean"] > 0 else "") + mean_and_sd(gain["mean"], gain["sd"], decimals, factor))
        seeds = max(gain["n"] for gain in figures.values())
        rows.append([arm.method, _budget(arm.budget), against, str(seeds), *cells])
    return rows


def question_rows(questions: pd.DataFrame) -> list[list[str]]:
    """Return for each arm and kind of question how many were asked and what the answers were."""
    rows = []
    for row in records(questions):
        if not row["asked"]:
            continue
        cells = [row["kind"], mean_and_sd(row["asked"], math.nan, 0), mean_and_sd(row["same_share"], math.nan, 1, 100)]
        if row["kind"] == "all":
            cells += [mean_and_sd(row["changed_share"], math.nan, 1, 100), mean_and_sd(row["free"], math.nan, 0)]
            cells += [mean_and_sd(row["conflicts"], math.nan, 1)]
        rows.append([_method(row), _budget(row["budget"]), *cells, *[""] * (6 - len(cells))])
    return rows


def time_rows(arms: pd.DataFrame) -> list[list[str]]:
    """Return for each arm the seconds of a run and the hours of annotation."""
    return [
        [
            _method(row),
            _budget(row["budget"]),
            mean_and_sd(row["seconds_mean"], row["seconds_sd"], 0),
            mean_and_sd(row["hours_mean"], row["hours_sd"], 2),
        ]
        for row in records(arms)
    ]


def _budget(budget: int) -> str:
    return f"{budget:,}" if budget else MISSING


def published_rows() -> dict[str, list[list[str]]]:
    """Return the published figures by paper and table."""
    tables: dict[str, list[list[str]]] = {}
    for row in records(published_results()):
        asked = row["budget"] or (f"{row['cost_percent']} %" if row["cost_percent"] else MISSING)
        figures = [row[name] or MISSING for name in ("mAP", "rank1", "rank5", "rank10")]
        cells = [row["method"], row["family"], row["dataset"], asked, *figures]
        tables.setdefault(row["source"], []).append(cells)
    return tables
