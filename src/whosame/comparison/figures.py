"""Figures of a comparison. A method keeps its colour and mark in all of them; bands and bars are ± 1 sd over seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from whosame.comparison.history import Arm, Comparison
from whosame.comparison.plan import BASE
from whosame.comparison.tables import Tables, arm_of, records
from whosame.reporting.curves import COLOURS, selection_histogram

TITLES = {
    "mAP": "mAP (%)",
    "rank1": "rank-1 (%)",
    "ARI": "ARI of the clusters",
    "precision": "pairwise precision",
    "recall": "pairwise recall",
    "bcubed_precision": "BCubed precision",
    "bcubed_recall": "BCubed recall",
}
PERCENT = ("mAP", "rank1")
ACCURACY = ("mAP", "rank1", "ARI")
PURITY = ("precision", "recall", "bcubed_precision", "bcubed_recall")
LABELS = ("ARI", *PURITY)  # figures of the labels: true labels are perfect by definition and not drawn
KIND_COLOURS = {"within": COLOURS[0], "between": COLOURS[1], "pool": COLOURS[3]}
MARKS = "osD^vPX*<>"
HUES = (*(colour for colour in COLOURS if colour != "#000000"), "#56b4e9", "#7b3294", "#8c510a")  # black: never asks
PANEL = (4.2, 3.3)  # inches


def draw(comparison: Comparison, tables: Tables) -> dict[str, Figure]:
    """Draw every figure of a comparison that it has the runs for, by name.

    ``accuracy``: after the last round, against questions asked, where there are several budgets. ``ranking-<budget>``:
    after the last round, method by method. ``accuracy-<budget>``, ``purity-<budget>``: round by
    round. ``p_j-<budget>``: where the questions went. ``questions``: kinds and answers.
    """
    styles = method_styles(list(comparison.arms))
    figures = {}
    if len(comparison.budgets) > 1:
        figures["accuracy"] = final_accuracy(tables.arms, styles)
    for budget in comparison.budgets or [0]:
        figures[f"ranking-{budget}"] = ranking(tables.runs, budget, styles)
    for budget in comparison.budgets:
        figures[f"accuracy-{budget}"] = by_round(tables.rounds, ACCURACY, budget, styles)
        figures[f"purity-{budget}"] = by_round(tables.rounds, PURITY, budget, styles)
        shares = first_shares(comparison, budget)
        if shares:
            figures[f"p_j-{budget}"] = selection_histogram(shares)
    if comparison.budgets:
        figures["questions"] = question_bars(tables.questions)
    return figures


def method_styles(arms: Sequence[Arm]) -> dict[str, dict[str, Any]]:
    """Return colour, mark and dash of each method: those that never ask in black and greys, dashed."""
    styles: dict[str, dict[str, Any]] = {}
    greys = iter(("#000000", "#777777", "#aaaaaa") * len(arms))
    asking = 0
    for arm in arms:
        if arm.method in styles:
            continue
        if arm.budget:
            colour, mark = HUES[asking % len(HUES)], MARKS[asking % len(MARKS)]
            styles[arm.method] = {"color": colour, "marker": mark, "linestyle": "-"}
            asking += 1
        else:
            styles[arm.method] = {
                "color": next(greys),
                "marker": "",
                "linestyle": "--" if arm.strategy == BASE else ":",
            }
    return styles


def final_accuracy(arms: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw accuracy after the last round against the questions that were asked: a point for each budget.

    Methods are moved apart a little, so that the bars of those that asked equally often can be told apart.
    """
    figure, panels = _panels(len(ACCURACY))
    asking = [method for method, found in _by_method(arms) if found["budget"].iloc[0]]
    step = 0.012 * arms["asked_mean"].max()
    for axes, name in zip(panels, ACCURACY, strict=True):
        scale = 100 if name in PERCENT else 1
        for method, found in _by_method(arms):
            mean, spread = (scale * found[f"{name}_{of}"].fillna(0).to_numpy() for of in ("mean", "sd"))
            if method in asking:
                moved = found["asked_mean"].to_numpy() + step * (asking.index(method) - (len(asking) - 1) / 2)
                axes.errorbar(moved, mean, spread, label=method, capsize=2, markersize=5, **styles[method])
            elif _is_level(found, name):
                _level(axes, method, float(mean[0]), float(spread[0]), styles[method])
        axes.set(xlabel="questions asked", ylabel=TITLES[name])
        axes.set_xlim(left=0)
    _legend(figure, panels)
    return figure


def ranking(runs: pd.DataFrame, budget: int, styles: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw a row a method of one budget, best mean mAP first: mean ± 1 sd, and a small ring for every seed."""
    methods = _by_method(runs[runs["budget"].isin([0, budget])])
    methods.sort(key=lambda pair: float(np.nan_to_num(pair[1]["mAP"].mean(), nan=-1.0)), reverse=True)
    figure, panels = _panels(len(ACCURACY), height=0.9 + 0.32 * len(methods), sharey=True)
    for axes, name in zip(panels, ACCURACY, strict=True):
        scale = 100 if name in PERCENT else 1
        for row, (method, found) in enumerate(methods):
            values = scale * found[name].to_numpy()
            colour = styles[method]["color"]
            if name in LABELS and not _is_level(found, name) and not found["budget"].iloc[0]:
                continue
            axes.plot(
                values, np.full(len(values), row), "o", markerfacecolor="none", color=colour, markersize=4, alpha=0.7
            )
            spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
            mark = styles[method]["marker"] or "o"
            axes.errorbar(values.mean(), row, xerr=spread, marker=mark, markersize=7, color=colour, capsize=3)
        axes.set(xlabel=TITLES[name])
    panels[0].set_yticks(range(len(methods)), [method for method, _ in methods])
    panels[0].set_ylim(len(methods) - 0.5, -0.5)
    return figure


def by_round(
    rounds: pd.DataFrame, names: Sequence[str], budget: int, styles: Mapping[str, Mapping[str, Any]]
) -> Figure:
    """Draw figures round by round against the questions asked so far, for the arms of one budget.

    Who never asks is a level: what it reached after its last round. Bands are drawn for up to four methods that ask;
    for more, which would hide each other, bars at the last round.
    """
    figure, panels = _panels(len(names))
    methods = _by_method(rounds[rounds["budget"].isin([0, budget])])
    crowded = sum(bool(found["budget"].iloc[0]) for _, found in methods) > 4
    for axes, name in zip(panels, names, strict=True):
        scale = 100 if name in PERCENT else 1
        for method, found in methods:
            grouped = found.groupby("round")
            asked, mean = grouped["asked"].mean(), scale * grouped[name].mean()
            spread = scale * grouped[name].std().fillna(0)
            colour = styles[method]["color"]
            if not found["budget"].iloc[0]:
                if _is_level(found, name):
                    _level(axes, method, float(mean.iloc[-1]), float(spread.iloc[-1]), styles[method])
                continue
            axes.plot(asked, mean, label=method, markersize=3.5, linewidth=1.3, **styles[method])
            if crowded:
                axes.errorbar(asked.iloc[-1], mean.iloc[-1], spread.iloc[-1], color=colour, capsize=2, linewidth=1)
            else:
                axes.fill_between(asked, mean - spread, mean + spread, color=colour, alpha=0.12, linewidth=0)
        axes.set(xlabel="questions asked so far", ylabel=TITLES[name])
        axes.set_xlim(left=0)
    _legend(figure, panels)
    return figure


def first_shares(comparison: Comparison, budget: int) -> dict[str, NDArray[np.float64]]:
    """Return p_j after the last round of the arms of a budget, each from the first seed that has them."""
    shares = {}
    for arm, found in comparison.arms.items():
        kept = [history.shares for history in found if history.shares is not None]
        if arm.budget == budget and kept:
            shares[arm.method] = kept[0]
    return shares


def question_bars(questions: pd.DataFrame) -> Figure:
    """Draw how many questions of each kind were asked; the strong part of a bar was answered "same"."""
    arms: dict[Arm, list[dict[str, Any]]] = {}
    for row in records(questions):
        if row["kind"] != "all":
            arms.setdefault(arm_of(row), []).append(row)
    figure = Figure(figsize=(9.0, 1.1 + 0.34 * len(arms)), layout="constrained")
    axes = figure.subplots()
    for height, kinds in enumerate(arms.values()):
        left = 0.0
        for found in kinds:
            colour, same, asked = KIND_COLOURS[found["kind"]], found["same"], found["asked"]
            axes.barh(height, same, left=left, color=colour, height=0.7)
            axes.barh(height, asked - same, left=left + same, color=colour, alpha=0.35, height=0.7)
            left += asked
    for kind, colour in KIND_COLOURS.items():
        axes.barh(0, 0, color=colour, label=f"{kind}: same")
        axes.barh(0, 0, color=colour, alpha=0.35, label=f"{kind}: different or unsure")
    axes.set_yticks(range(len(arms)), [f"{arm.method}, {arm.budget:,}" for arm in arms])
    axes.invert_yaxis()
    axes.set(xlabel="questions asked, mean over seeds")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False, fontsize=9)
    return figure


def _by_method(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    methods = np.array([arm_of(row).method for row in records(table)], dtype=object)
    return [(method, table[methods == method]) for method in dict.fromkeys(methods.tolist())]


def _panels(count: int, height: float = PANEL[1] + 0.5, *, sharey: bool = False) -> tuple[Figure, list[Any]]:
    figure = Figure(figsize=(PANEL[0] * count, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1)  # type: ignore[union-attr,call-arg]  # of the constrained layout
    panels = list(figure.subplots(1, count, squeeze=False, sharey=sharey)[0])
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def _is_level(found: pd.DataFrame, name: str) -> bool:
    """Return whether a method that never asks is drawn: always, but for the labels of the upper bound."""
    return name not in LABELS or bool(found["strategy"].iloc[0] == BASE)


def _level(axes: Any, method: str, value: float, spread: float, style: Mapping[str, Any]) -> None:
    if np.isfinite(value):
        axes.axhspan(value - spread, value + spread, color=style["color"], alpha=0.08, linewidth=0)
        axes.axhline(value, label=method, color=style["color"], linestyle=style["linestyle"])


def _legend(figure: Figure, panels: Sequence[Any]) -> None:
    entries: dict[str, Any] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    if entries:
        columns = min(len(entries), 2 * len(panels))
        figure.legend(entries.values(), entries.keys(), loc="outside upper center", ncols=columns, frameon=False)
