"""CMC and precision-recall curves of the evaluation, of one run or of several side by side."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from whosame.evaluation.retrieval import RECALLS

SHOWN_RANKS = 20
Curves = Mapping[str, NDArray[np.float64]]  # cmc and precision, as an evaluation keeps them


def retrieval_curves(curves: Mapping[str, Curves], styles: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw CMC and precision by recall side by side.

    Parameters
    ----------
    curves : mapping of label to curves
        ``cmc`` float64 [50] and ``precision`` float64 [100], from
        :meth:`whosame.evaluation.RetrievalMetrics.curves`. They are drawn in this order.
    styles : mapping of label to mapping
        What matplotlib's ``plot`` takes: colour and dash; marks are left out.
    """
    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    ranks, recalls = figure.subplots(1, 2)
    for label, found in curves.items():
        cmc, precision = 100 * found["cmc"][:SHOWN_RANKS], 100 * found["precision"]
        style = {name: value for name, value in styles[label].items() if name != "marker"}
        ranks.plot(np.arange(1, len(cmc) + 1), cmc, label=f"{label}: rank-1 {cmc[0]:.1f} %", **style)
        recalls.plot(100 * RECALLS[1:] - 0.5, precision, label=f"{label}: mAP {precision.mean():.1f} %", **style)
    lowest = 5 * np.floor(min(100 * found["cmc"][0] for found in curves.values()) / 5 - 0.2)
    ranks.set(xlabel="rank", ylabel="queries with a match so far (%)", title="CMC", xticks=[1, 5, 10, 15, 20])
    ranks.set_ylim(lowest, 100 + (100 - lowest) / 50)
    recalls.set(xlabel="recall (%)", ylabel="precision (%)", title="Precision by recall: the area below it is mAP")
    recalls.set_ylim(0, 102)
    for axes in (ranks, recalls):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="best")
    return figure
