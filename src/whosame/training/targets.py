"""Training targets: the images a round trains on, and their classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.dbscan import OUTLIER, singletons
from whosame.memory import LabelMemory
from whosame.training.config import TrainingConfig
from whosame.training.linked_sampler import comparable
from whosame.training.pair_constraints import PairConstraints


@dataclass(frozen=True, eq=False)
class TrainingTargets:
    """The n images that a round trains on, with their classes and constraints.

    Attributes
    ----------
    rows : int64 [n]
        Their rows in the training set, ascending.
    classes : int64 [n]
        0..C-1.
    cameras : int64 [n]
        -1 where unknown.
    constraints : PairConstraints
        The answers about them.
    weights : float32 [n] or None
        Weight of each in the loss, for losses that use weights.
    """

    rows: NDArray[np.int64]
    classes: NDArray[np.int64]
    cameras: NDArray[np.int64]
    constraints: PairConstraints
    weights: NDArray[np.float32] | None

    @property
    def count(self) -> int:
        """The number of classes."""
        return int(self.classes.max(initial=-1)) + 1


def training_targets(
    labels: NDArray[np.int64],
    cameras: NDArray[np.int64],
    config: TrainingConfig,
    *,
    memory: LabelMemory | None = None,
    weights: NDArray[np.float32] | None = None,
) -> TrainingTargets:
    """Choose a round's images and classes.

    Parameters
    ----------
    labels, cameras : int64 [N]
        A label of -1 is an outlier.
    config : TrainingConfig
        ``triplet``: the images whose answers can be compared, must-link components as classes. Any other loss: the
        labels as classes, outliers left out (``outliers: drop``) or each a class of its own (``classes``).
    memory : LabelMemory, optional
        The answers, about rows 0..N-1.
    weights : float32 [N], optional
    """
    memory = memory or LabelMemory()
    if config.loss == "triplet":
        labels = comparable(PairConstraints(memory, np.arange(len(labels)), len(labels)))
    elif config.outliers == "classes":
        labels = singletons(labels)
    rows = np.flatnonzero(labels > OUTLIER)
    _, classes = np.unique(labels[rows], return_inverse=True)
    constraints = PairConstraints(memory, rows, len(labels))
    return TrainingTargets(rows, classes, cameras[rows], constraints, None if weights is None else weights[rows])
