"""Figure of the map: panels of the same points, by individual, by name, by camera."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

# Okabe and Ito's without black, and three more; marks tell apart what is beyond.
HUES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7b3294", "#8c510a", "#4d4d4d")
MARKS = ("o", "s", "^", "D", "v")
NONE = "#b0b0b0"  # images of no group
LEGEND = 15  # groups in a legend, at most


class Panel(NamedTuple):
    """One colouring of the points.

    Attributes
    ----------
    title : str
    groups : sequence of str, N long
        The group of each image; empty: of none.
    joined : bool
        Whether lines join the images of a group to its middle: there are too many groups for colours alone.
    none : str
        What an image without a group is called.
    """

    title: str
    groups: Sequence[str]
    joined: bool
    none: str


def map_figure(places: NDArray[np.float32], panels: Sequence[Panel]) -> Figure:
    """Draw the panels side by side.

    Parameters
    ----------
    places : float32 [N, 2]
        From :func:`whosame.pictures.feature_map.project`.
    panels : sequence of Panel
    """
    figure = Figure(figsize=(6.2 * len(panels), 6.6), layout="constrained")
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        groups = np.array(panel.groups, object)
        names = sorted({*panel.groups} - {""}, key=lambda name: (len(name), name))
        some = groups == ""
        axes.scatter(*places[some].T, s=9, c=NONE, marker=".", linewidths=0, label=panel.none, rasterized=True)
        for number, name in enumerate(names):
            _group(axes, places[groups == name], number, name, joined=panel.joined)
        axes.set_title(f"{panel.title}: {len(names):,}" if panel.joined else panel.title)
        axes.set(xticks=[], yticks=[])
        axes.set_aspect("equal", adjustable="datalim")
        axes.spines[:].set_color("#d8d8d8")
        handles, labels = axes.get_legend_handles_labels()
        entries = dict(zip(labels, handles, strict=True))
        kept = [*([panel.none] if some.any() else []), *([] if panel.joined else names)][:LEGEND]
        if kept:
            axes.legend(
                [entries[name] for name in kept],
                kept,
                loc="upper center",
                bbox_to_anchor=(0.5, 0),
                ncols=5,
                frameon=False,
                markerscale=2.5,
                handletextpad=0.1,
                columnspacing=1.0,
            )
    return figure


def _group(axes: Any, places: NDArray[np.float32], number: int, name: str, *, joined: bool) -> None:
    colour = HUES[number % len(HUES)]
    mark = "o" if joined else MARKS[number // len(HUES) % len(MARKS)]
    if joined:
        middle = places[np.argmin(((places - np.median(places, axis=0)) ** 2).sum(axis=1))]
        lines = np.stack([np.broadcast_to(middle, places.shape), places], axis=1)
        axes.add_collection(LineCollection(list(lines), colors=colour, linewidths=0.6, alpha=0.45, zorder=1))
    axes.scatter(*places.T, s=11, c=colour, marker=mark, linewidths=0, alpha=0.9, label=name, zorder=2, rasterized=True)
