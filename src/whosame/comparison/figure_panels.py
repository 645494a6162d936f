"""Panels and styles of a comparison's figures. A method has the same colour and mark in all of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from whosame.comparison.arms import Arm
from whosame.comparison.plan import BASELINE
from whosame.comparison.tables import arm_of, records
from whosame.reporting.curves import COLOURS

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
MARKS = "osD^vPX*<>"
HUES = (*(colour for colour in COLOURS if colour != "#000000"), "#56b4e9", "#7b3294", "#8c510a")  # black: never asks
PANEL = (4.2, 3.3)  # inches


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
                "linestyle": "--" if arm.strategy == BASELINE else ":",
            }
    return styles


def by_method(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the rows of each method, in order of appearance."""
    methods = np.array([arm_of(row).method for row in records(table)], dtype=object)
    return [(method, table[methods == method]) for method in dict.fromkeys(methods.tolist())]


def make_panels(count: int, height: float = PANEL[1] + 0.5, *, sharey: bool = False) -> tuple[Figure, list[Any]]:
    """Return a figure with ``count`` panels side by side."""
    figure = Figure(figsize=(PANEL[0] * count, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1)  # type: ignore[union-attr,call-arg]  # of the constrained layout
    panels = list(figure.subplots(1, count, squeeze=False, sharey=sharey)[0])
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels


def has_level(found: pd.DataFrame, name: str) -> bool:
    """Return whether a method that never asks is drawn: not the labels of the upper bound, which are the truth."""
    return name not in LABELS or bool(found["strategy"].iloc[0] == BASELINE)


def draw_level(axes: Any, method: str, value: float, sd: float, style: Mapping[str, Any]) -> None:
    """Draw what a method that never asks reached, with a band of ± 1 sd."""
    if np.isfinite(value):
        axes.axhspan(value - sd, value + sd, color=style["color"], alpha=0.08, linewidth=0)
        axes.axhline(value, label=method, color=style["color"], linestyle=style["linestyle"])


def add_legend(figure: Figure, panels: Sequence[Any]) -> None:
    """Draw one legend for all panels above them."""
    entries: dict[str, Any] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    if entries:
        columns = min(len(entries), 2 * len(panels))
        figure.legend(entries.values(), entries.keys(), loc="outside upper center", ncols=columns, frameon=False)
