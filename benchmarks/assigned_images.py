"""Images that join a cluster without a question: how often the most probable cluster is the right one.

    python benchmarks/assigned_images.py ../shared/data/groceries --draws=10,11

The runs of ``benchmarks/small_head.py`` with ``gain``. In every round, after the answers, each image has a most
probable cluster and the logarithm of its odds. The table has, by these odds, the number of images and the share whose
cluster has most images of their product: for outliers, for images of another cluster, and for those of that cluster.
"""

import argparse
import dataclasses
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import small_head
import torch
from numpy.typing import NDArray

from whosame.strategies.base import Strategy
from whosame.strategies.gain.assignment import most_probable
from whosame.strategies.gain.gain import Gain
from whosame.strategies.gain.value import groups_of

EDGES = (-np.inf, 0, 1.4, 4, 8, 12, 20, np.inf)  # of the log odds; 1.4 is a probability of .8
WHOSE = ("outliers", "images of another cluster", "images of the cluster")


class Watched(Gain):
    """``gain`` that notes what it makes of each image."""

    def __init__(self, truth: NDArray[np.int64]) -> None:
        super().__init__()
        self.truth = truth
        self.seen: list[NDArray[np.float64]] = []  # whose, log odds, right

    def reassign(self, state: Any, memory: Any, answers: Any) -> NDArray[np.int64]:
        """Reassign as ``gain`` does."""
        labels = Strategy.reassign(self, state, memory, answers)
        plda = groups_of(dataclasses.replace(state, labels=labels, memory=memory), self.config)
        clusters = np.flatnonzero(~plda.is_outlier)
        best, p = most_probable(plda, clusters, min(self.config.neighbours, len(clusters)))
        majority = np.full(len(plda.groups), -1)
        for cluster in clusters:
            majority[cluster] = np.bincount(self.truth[plda.group_of == cluster]).argmax()
        whose = np.where(plda.is_outlier[plda.group_of], 0, np.where(plda.group_of == best, 2, 1))
        odds = np.log(p) - np.log(np.maximum(1 - p, 1e-30))
        self.seen.append(np.stack([whose, odds, majority[best] == self.truth], axis=1))
        return super().reassign(state, memory, answers)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--draws", default="10,11", type=lambda text: [int(draw) for draw in text.split(",")])
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    data = small_head.photographs(chosen.folder)
    options = argparse.Namespace(k1=20, eps=0.5, budget=500, noise=0.0, answer_weight=0.0, obeyed="all")
    seen = []
    for draw in chosen.draws:
        truth = small_head.products_to_train_on(data, draw)
        watched = Watched(truth)
        small_head.play(data, "gain", draw, options, strategy=watched)
        seen += watched.seen
    whose, odds, right = np.concatenate(seen).T
    print("| log odds | " + " | ".join(WHOSE) + " |\n|---|---|---|---|")
    for low, high in pairwise(EDGES):
        here = (odds >= low) & (odds < high)
        cells = [right[here & (whose == kind)] for kind in range(len(WHOSE))]
        row = [f"{low:g} to {high:g}", *(f"{len(cell)}: {cell.mean():.2f}" if len(cell) else "" for cell in cells)]
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
