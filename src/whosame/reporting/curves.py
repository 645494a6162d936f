"""Learning curves over seeds, and the histogram of questions over clusters (DCPS, Fig. 2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from whosame.errors import InputError

STYLES = ("-", "--", ":", "-.")  # besides colours, for print and colour-blind readers
COLOURS = ("#0072b2", "#d55e00", "#000000", "#009e73", "#cc79a7", "#e69f00")  # Okabe and Ito
TITLES = {
    "retrieval/mAP": "mAP (%)",
    "retrieval/rank1": "rank-1 (%)",
    "clusters/ari": "ARI of the clusters",
    "round": "round",
    "annotation/asked_total": "questions asked",
}
PERCENT = ("retrieval/",)


@dataclass(frozen=True, eq=False)
class Curve:
    """A figure over time, for one or several seeds.

    Attributes
    ----------
    label : str
    x : float64 [n]
    values : float64 [seeds, n]
        NaN where a round lacks the figure.
    """

    label: str
    x: NDArray[np.float64]
    values: NDArray[np.float64]


def curve(
    label: str, histories: Sequence[Sequence[Mapping[str, float]]], metric: str, *, against: str = "round"
) -> Curve:
    """Read a curve from the metrics of runs that differ in their seed only.

    Parameters
    ----------
    label : str
    histories : sequence over seeds of sequences over rounds of flat metrics
        Cut to the shortest of them.
    metric : str
        ``retrieval/mAP``, for example; what begins with ``retrieval/`` is drawn in per cent.
    against : str
        ``round`` (from 1), or a metric for the horizontal axis: ``annotation/asked_total`` (its mean over seeds).

    Raises
    ------
    InputError
        There is no run, or one has no complete round.
    """
    length = min(map(len, histories), default=0)
    if length == 0:
        raise InputError(f"no curve can be drawn for {label!r}: it takes at least one run with a complete round")

    def read(name: str) -> NDArray[np.float64]:
        return np.array([[found.get(name, np.nan) for found in history[:length]] for history in histories])

    x = np.arange(1.0, length + 1) if against == "round" else read(against).mean(axis=0)
    return Curve(label, x, read(metric) * (100 if metric.startswith(PERCENT) else 1))


def overview(images: NDArray[np.uint8], panels: Mapping[str, Sequence[Curve]], *, against: str = "round") -> Figure:
    """Draw a picture of the images above the learning curves: the README's figure.

    Means over seeds are lines, the range over seeds is a band. The panels, which have the same curves, share a legend.

    Parameters
    ----------
    images : uint8 [height, width, 3]
        From :func:`whosame.reporting.contact_sheet.contact_sheet`.
    panels : mapping of metric to curves
        Drawn side by side.
    against : str
        What the horizontal axis is.
    """
    width = 4.4 * len(panels)
    high = width * images.shape[0] / images.shape[1]
    figure = Figure(figsize=(width, high + 3.7), layout="constrained")
    grid = figure.add_gridspec(2, len(panels), height_ratios=[high, 3.2])
    top = figure.add_subplot(grid[0, :])
    top.imshow(images)
    top.set_axis_off()
    for position, (metric, curves) in enumerate(panels.items()):
        axes = figure.add_subplot(grid[1, position])
        _panel(axes, metric, curves, against)
        own = axes.get_legend()
        if own is not None:
            own.remove()
    lines, labels = axes.get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncol=3, frameon=False)
    return figure


def selection_histogram(shares: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Draw the share p_j of every cluster in the questions, largest first (DCPS, Fig. 2).

    Parameters
    ----------
    shares : mapping of label to float64 [C]
        From :func:`whosame.evaluation.selection_diversity`, for each run a panel, three a row. The dashed line
        is the uniform 1/C.
    """
    columns = min(len(shares), 3)
    rows = -(-len(shares) // columns)
    figure = Figure(figsize=(4.4 * columns, 3.0 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    for unused in panels[len(shares) :]:
        unused.set_axis_off()
    for axes, (label, found) in zip(panels, shares.items(), strict=False):
        axes.stairs(np.sort(found)[::-1], fill=True, color=COLOURS[0])
        if len(found):
            axes.axhline(1 / len(found), color="black", linestyle="--", linewidth=1, label="uniform")
            axes.legend(frameon=False)
        axes.set(title=label, xlabel="cluster, most asked first", ylabel="$p_j$")
    return figure


def _panel(axes: Any, metric: str, curves: Sequence[Curve], against: str) -> None:
    for position, drawn in enumerate(curves):
        colour, style = COLOURS[position % len(COLOURS)], STYLES[position % len(STYLES)]
        mean = drawn.values.mean(axis=0)
        axes.plot(drawn.x, mean, style, color=colour, label=drawn.label, marker="." if len(mean) < 2 else None)
        if len(drawn.values) > 1:
            axes.fill_between(
                drawn.x, drawn.values.min(axis=0), drawn.values.max(axis=0), color=colour, alpha=0.15, linewidth=0
            )
    axes.set(xlabel=TITLES.get(against, against), ylabel=TITLES.get(metric, metric))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if curves:
        axes.legend(frameon=False)
