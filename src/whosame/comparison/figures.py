"""Figures of a comparison: accuracy and purity against questions; bands and bars are ± 1 sd over seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from whosame.comparison.arms import Arm, Comparison
from whosame.comparison.figure_panels import (
    ACCURACY,
    LABELS,
    PERCENT,
    PURITY,
    TITLES,
    add_legend,
    by_method,
    draw_level,
    has_level,
    make_panels,
    method_styles,
)
from whosame.comparison.references import ceilings, floors
from whosame.comparison.tables import Tables, arm_of, records
from whosame.pictures.retrieval_curves import Curves, retrieval_curves
from whosame.reporting.curves import COLOURS, selection_histogram

KIND_COLOURS = {"within": COLOURS[0], "between": COLOURS[1], "pool": COLOURS[3]}


def draw(comparison: Comparison, tables: Tables) -> dict[str, Figure]:
    """Draw every figure of a comparison that it has the runs for, by name.

    ``accuracy``: after the last round, against questions asked, where there are several budgets. ``ranking-<budget>``:
    after the last round, method by method. ``retrieval-<budget>``: CMC and precision by recall. ``accuracy-<budget>``,
    ``purity-<budget>``: round by round. ``p_j-<budget>``: where the questions went. ``questions``: kinds and answers.
    """
    styles = method_styles(list(comparison.arms))
    figures = {}
    if len(comparison.budgets) > 1:
        figures["accuracy"] = final_accuracy(tables.arms, styles)
    for budget in comparison.budgets or [0]:
        figures[f"ranking-{budget}"] = ranking(of_budget(tables.runs, comparison, budget), styles, spans(comparison))
        curves = mean_curves(comparison, budget)
        if curves:
            figures[f"retrieval-{budget}"] = retrieval_curves(curves, styles)
    for budget in comparison.budgets:
        rounds = of_budget(tables.rounds, comparison, budget)
        figures[f"accuracy-{budget}"] = by_round(rounds, ACCURACY, styles)
        figures[f"purity-{budget}"] = by_round(rounds, PURITY, styles)
        shares = first_shares(comparison, budget)
        if shares:
            figures[f"p_j-{budget}"] = selection_histogram(shares)
    if comparison.budgets:
        figures["questions"] = question_bars(tables.questions)
    return figures


def of_budget(table: pd.DataFrame, comparison: Comparison, budget: int) -> pd.DataFrame:
    """Return the rows of the methods with a budget, and of the floors and ceilings of their bases."""
    own = levels_of(comparison, budget)
    return table[[arm_of(row) in own or row["budget"] == budget for row in records(table)]]


def levels_of(comparison: Comparison, budget: int) -> set[Arm]:
    """Return the floors and ceilings of the bases of the methods with a budget."""
    asking = [arm for arm in comparison.arms if arm.budget == budget]
    return {level for arm in asking for find in (floors, ceilings) for level in find(arm, comparison.arms)}


def mean_curves(comparison: Comparison, budget: int) -> dict[str, Curves]:
    """Return CMC and precision by recall after the last round, means over seeds, of the same methods.

    Methods with a run that has no curves, of an older version, are left out.
    """
    own = levels_of(comparison, budget)
    means: dict[str, Curves] = {}
    for arm, found in comparison.arms.items():
        kept = [history.curves for history in found if history.curves is not None]
        if (arm.budget == budget or arm in own) and len(kept) == len(found):
            curves = {name: np.mean([curve[name] for curve in kept], axis=0) for name in kept[0]}
            if np.isfinite(curves["cmc"]).all():
                means[arm.method] = curves
    return means


def spans(comparison: Comparison) -> dict[str, tuple[str, str]]:
    """Return floor and ceiling of each method whose base has one of each."""
    found = {}
    for arm in comparison.arms:
        low = [level.method for level in floors(arm, comparison.arms) if level.cameras == arm.cameras]
        high = [level.method for level in ceilings(arm, comparison.arms)]
        if low and high and arm.budget:
            found[arm.method] = (low[0], high[0])
    return found


def final_accuracy(arms: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw accuracy after the last round against the questions that were asked: a point for each budget.

    Methods are moved apart a little, so that the bars of those that asked equally often can be told apart.
    """
    figure, panels = make_panels(len(ACCURACY))
    asking = [method for method, found in by_method(arms) if found["budget"].iloc[0]]
    step = 0.012 * arms["asked_mean"].max()
    for axes, name in zip(panels, ACCURACY, strict=True):
        scale = 100 if name in PERCENT else 1
        for method, found in by_method(arms):
            mean, sd = (scale * found[f"{name}_{of}"].fillna(0).to_numpy() for of in ("mean", "sd"))
            if method in asking:
                moved = found["asked_mean"].to_numpy() + step * (asking.index(method) - (len(asking) - 1) / 2)
                axes.errorbar(moved, mean, sd, label=method, capsize=2, markersize=5, **styles[method])
            elif has_level(found, name):
                draw_level(axes, method, float(mean[0]), float(sd[0]), styles[method])
        axes.set(xlabel="questions asked", ylabel=TITLES[name])
        axes.set_xlim(left=0)
    add_legend(figure, panels)
    return figure


def ranking(
    runs: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]], spans: Mapping[str, tuple[str, str]]
) -> Figure:
    """Draw a row a method of one budget, best mean mAP first: mean ± 1 sd, and a small ring for every seed.

    A grey bar reaches from the floor of a method's base to the ceiling.
    """
    methods = by_method(runs)
    of_method = dict(methods)
    methods.sort(key=lambda pair: float(np.nan_to_num(pair[1]["mAP"].mean(), nan=-1.0)), reverse=True)
    figure, panels = make_panels(len(ACCURACY), height=0.9 + 0.32 * len(methods), sharey=True)
    for axes, name in zip(panels, ACCURACY, strict=True):
        scale = 100 if name in PERCENT else 1
        for row, (method, found) in enumerate(methods):
            values = scale * found[name].to_numpy()
            colour = styles[method]["color"]
            if name in LABELS and not has_level(found, name) and not found["budget"].iloc[0]:
                continue
            axes.plot(
                values, np.full(len(values), row), "o", markerfacecolor="none", color=colour, markersize=4, alpha=0.7
            )
            ends = [of_method[level][name].mean() for level in spans.get(method, ()) if level in of_method]
            if len(ends) == 2 and name not in LABELS:
                axes.plot([scale * end for end in ends], [row, row], "|-", color="#bbbbbb", linewidth=4, zorder=0)
            sd = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
            mark = styles[method]["marker"] or "o"
            axes.errorbar(values.mean(), row, xerr=sd, marker=mark, markersize=7, color=colour, capsize=3)
        axes.set(xlabel=TITLES[name])
    panels[0].set_yticks(range(len(methods)), [method for method, _ in methods])
    panels[0].set_ylim(len(methods) - 0.5, -0.5)
    return figure


def by_round(rounds: pd.DataFrame, names: Sequence[str], styles: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw figures round by round against the questions asked so far, for the arms of one budget.

    A method that never asks is a level: what it reached after its last round. Up to four methods that ask have bands;
    more, which would hide each other, have bars at the last round.
    """
    figure, panels = make_panels(len(names))
    methods = by_method(rounds)
    crowded = sum(bool(found["budget"].iloc[0]) for _, found in methods) > 4
    for axes, name in zip(panels, names, strict=True):
        scale = 100 if name in PERCENT else 1
        for method, found in methods:
            grouped = found.groupby("round")
            asked, mean = grouped["asked"].mean(), scale * grouped[name].mean()
            sd = scale * grouped[name].std().fillna(0)
            colour = styles[method]["color"]
            if not found["budget"].iloc[0]:
                if has_level(found, name):
                    draw_level(axes, method, float(mean.iloc[-1]), float(sd.iloc[-1]), styles[method])
                continue
            axes.plot(asked, mean, label=method, markersize=3.5, linewidth=1.3, **styles[method])
            if crowded:
                axes.errorbar(asked.iloc[-1], mean.iloc[-1], sd.iloc[-1], color=colour, capsize=2, linewidth=1)
            else:
                axes.fill_between(asked, mean - sd, mean + sd, color=colour, alpha=0.12, linewidth=0)
        axes.set(xlabel="questions asked so far", ylabel=TITLES[name])
        axes.set_xlim(left=0)
    add_legend(figure, panels)
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
