"""Training targets: the images a round trains on, and their classes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.clustering.dbscan import OUTLIER, singletons
from whosame.memory import LabelMemory
from whosame.questions import LikelyPairs
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
        What is known of them: the answers, and likely pairs.
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

    def elsewhere(self, images: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the classes, other than its own, that hold an image known to show the same person.

        Parameters
        ----------
        images : int64 [m]
            Positions 0..n-1.

        Returns
        -------
        bool [m, C]
            Labels that obey the answers have no such class.
        """
        found: NDArray[np.bool_] = self._classes_of[self.constraints.roots[images]].toarray()
        found[np.arange(len(images)), self.classes[images]] = False
        return found

    @cached_property
    def _classes_of(self) -> csr_array:
        """Which classes hold images of each must-link component, bool [N, C]; a component is named by its root."""
        pairs = np.unique(np.stack([self.constraints.roots, self.classes]), axis=1)
        shape = (int(self.constraints.roots.max(initial=-1)) + 1, self.count)
        return csr_array((np.ones(pairs.shape[1], bool), (pairs[0], pairs[1])), shape=shape)


def training_targets(
    labels: NDArray[np.int64],
    cameras: NDArray[np.int64],
    config: TrainingConfig,
    *,
    memory: LabelMemory | None = None,
    likely: LikelyPairs | None = None,
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
    likely : LikelyPairs, optional
        Pairs decided without a question, about the same rows.
    weights : float32 [N], optional
    """
    memory = LabelMemory() if memory is None else memory  # without an answer it may hold what is known
    if config.loss == "triplet":
        labels = comparable(PairConstraints(memory, np.arange(len(labels)), len(labels)))
    elif config.outliers == "classes":
        labels = singletons(labels)
    rows = np.flatnonzero(labels > OUTLIER)
    _, classes = np.unique(labels[rows], return_inverse=True)
    constraints = PairConstraints(memory, rows, len(labels), likely)
    return TrainingTargets(rows, classes, cameras[rows], constraints, None if weights is None else weights[rows])
