"""Tables of a comparison: mean and standard deviation over seeds, and differences over the seeds of two arms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from whosame.comparison.arms import Arm, Comparison
from whosame.comparison.references import references
from whosame.comparison.run_history import RunHistory
from whosame.evaluation.annotation_cost import KINDS

# Column of the tables, metric of the last round. Shares and accuracies are fractions; seconds are those of the machine.
FIGURES = {
    "mAP": "retrieval/mAP",
    "rank1": "retrieval/rank1",
    "ARI": "clusters/ari",
    "F1": "clusters/pairwise_f1",
    "precision": "clusters/pairwise_precision",
    "recall": "clusters/pairwise_recall",
    "bcubed_precision": "clusters/bcubed_precision",
    "bcubed_recall": "clusters/bcubed_recall",
    "coverage": "clusters/coverage",
    "ARI_all": "clusters/ari_all",
    "F1_all": "clusters/pairwise_f1_all",
    "asked": "annotation/asked_total",
    "free": "annotation/free_total",
    "hours": "annotation/hours_total",
}
BEST = {"mAP_best": "retrieval/mAP", "rank1_best": "retrieval/rank1"}  # … of the round that the test set chooses
COMPARED = ("mAP", "rank1", "ARI", "F1", "F1_all", "mAP_best")  # what differences are taken of
ARM = ["strategy", "budget", "cameras", "rest"]


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a comparison.

    Attributes
    ----------
    runs : DataFrame
        A row a run: arm, seed, :data:`FIGURES` after the last round, :data:`BEST` after the round with the highest mAP,
        ``seconds`` of all rounds.
    rounds : DataFrame
        A row a round of a run: arm, seed, round, the same figures so far.
    arms : DataFrame
        A row an arm: of each figure ``<figure>_mean``, ``_sd`` (n - 1; empty for one seed), ``_n``.
    differences : DataFrame
        A row an arm, reference and figure: mean, sd and n of the differences to the reference over common seeds.
    questions : DataFrame
        A row an arm and kind of question: means over seeds of asked (every attempt at a pair), same, different, unsure
        (every pair once); ``same_share`` of all answers. Kind ``all`` has also ``changed_share``, of answers that
        changed the partition, free and conflicts.
    """

    runs: pd.DataFrame
    rounds: pd.DataFrame
    arms: pd.DataFrame
    differences: pd.DataFrame
    questions: pd.DataFrame

    def by_name(self) -> dict[str, pd.DataFrame]:
        """Return the tables by the names of their files."""
        return dict(vars(self))


def tabulate(comparison: Comparison) -> Tables:
    """Tabulate a comparison."""
    runs = pd.DataFrame(
        [
            {
                **_arm_columns(arm),
                "seed": history.seed,
                "run": history.run,
                **_final_figures(history),
                "seconds": history.seconds,
            }
            for arm, found in comparison.arms.items()
            for history in found
        ]
    )
    rounds = pd.DataFrame(
        [
            {**_arm_columns(arm), "seed": history.seed, "round": number, **_figures(metrics)}
            for arm, found in comparison.arms.items()
            for history in found
            for number, metrics in enumerate(history.rounds)
        ]
    )
    return Tables(runs, rounds, _arms_table(runs), differences(comparison.arms), _questions(comparison.arms))


def differences(arms: Mapping[Arm, Sequence[RunHistory]]) -> pd.DataFrame:
    """Return mean, standard deviation and number of the differences to each reference, over the seeds both have.

    An arm without a common seed has no row.
    """
    rows = []
    for arm, found in arms.items():
        for reference in references(arm, arms):
            theirs = {history.seed: history for history in arms[reference]}
            for figure in COMPARED:
                pairs = [
                    (_final_figures(one)[figure], _final_figures(theirs[one.seed])[figure])
                    for one in found
                    if one.seed in theirs
                ]
                gained = np.array([mine - other for mine, other in pairs if np.isfinite(mine - other)])
                if len(gained):
                    sd = float(gained.std(ddof=1)) if len(gained) > 1 else np.nan
                    rows.append(
                        {
                            **_arm_columns(arm),
                            "against": reference.method,
                            "figure": figure,
                            "mean": float(gained.mean()),
                            "sd": sd,
                            "n": len(gained),
                        }
                    )
    return pd.DataFrame(rows, columns=[*ARM, "against", "figure", "mean", "sd", "n"])


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def arm_of(row: Mapping[str, Any]) -> Arm:
    """Return the arm that a row is about."""
    return Arm(str(row["strategy"]), int(row["budget"]), str(row["cameras"]), str(row["rest"]))


def _arm_columns(arm: Arm) -> dict[str, object]:
    return {name: getattr(arm, name) for name in ARM}


def _figures(metrics: Mapping[str, float]) -> dict[str, float]:
    return {figure: float(metrics.get(metric, np.nan)) for figure, metric in FIGURES.items()}


def _final_figures(history: RunHistory) -> dict[str, float]:
    best = {figure: float(history.best.get(metric, np.nan)) for figure, metric in BEST.items()}
    return _figures(history.last) | best


def _arms_table(runs: pd.DataFrame) -> pd.DataFrame:
    figures = [*FIGURES, *BEST, "seconds"]
    grouped = runs.groupby(ARM, sort=False)
    columns: dict[str, Any] = {}
    for figure in figures:
        columns |= {f"{figure}_mean": grouped[figure].mean(), f"{figure}_sd": grouped[figure].std()}
        columns[f"{figure}_n"] = grouped[figure].count()
    return pd.DataFrame(columns).reset_index()


def _questions(arms: Mapping[Arm, Sequence[RunHistory]]) -> pd.DataFrame:
    rows = []
    for arm, found in arms.items():
        if not arm.budget:
            continue
        for kind in (*KINDS, "all"):
            prefix = "" if kind == "all" else f"{kind}_"
            same, different, unsure = (
                _mean(found, f"{prefix}{verdict}") for verdict in ("same", "different", "unsure")
            )
            answered = same + different + unsure
            row = {
                "kind": kind,
                "asked": answered + _mean(found, f"{prefix}reasked"),
                "same": same,
                "different": different,
                "unsure": unsure,
                "same_share": same / answered if answered else np.nan,
            }
            if kind == "all":
                row |= {
                    "changed_share": _mean(found, "changed") / answered if answered else np.nan,
                    "free": _mean(found, "free"),
                    "conflicts": _mean(found, "conflicts"),
                }
            rows.append({**_arm_columns(arm), **row})
    names = ["kind", "asked", "same", "different", "unsure", "same_share", "changed_share", "free", "conflicts"]
    return pd.DataFrame(rows, columns=[*ARM, *names])


def _mean(found: Sequence[RunHistory], name: str) -> float:
    return float(np.mean([history.last.get(f"annotation/{name}_total", 0.0) for history in found]))
