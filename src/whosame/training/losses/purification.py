"""Purification, the loss of the MASS-like method: ClusterNCE weighted by centrality, and a ranking by the answers."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from whosame.memory import LabelMemory
from whosame.training.config import TrainingConfig
from whosame.training.losses.cluster_nce import ClusterContrast, MemoryBank
from whosame.training.losses.objective import Batch, Prepared, turns
from whosame.training.losses.ranking import answer_ranking, relations
from whosame.training.targets import TrainingTargets

LEAST = 0.2  # weight of the least central image of a cluster


def image_weights(
    centrality: NDArray[np.float64], labels: NDArray[np.int64], memory: LabelMemory
) -> NDArray[np.float32]:
    """Return the weight of each image in the loss.

    Parameters
    ----------
    centrality : float64 [N]
        As of :func:`whosame.clustering.centrality`.
    labels : int64 [N]
        -1 is an outlier.
    memory : LabelMemory
        An image that is known to be the same person as another one is confirmed.

    Returns
    -------
    float32 [N]
        1 for a confirmed image, an outlier, and all of a cluster whose images are equally central; otherwise the
        centrality scaled to 0.2 .. 1 within the cluster.

    References
    ----------
    methods.md, Training.
    """
    weights = np.ones(len(labels))
    inside = labels >= 0
    clusters, own = np.unique(labels[inside], return_inverse=True)
    least = np.full(len(clusters), np.inf)
    most = -least
    np.minimum.at(least, own, centrality[inside])
    np.maximum.at(most, own, centrality[inside])
    span = (most - least)[own]
    above = centrality[inside] - least[own]
    weights[inside] = LEAST + (1 - LEAST) * np.divide(above, span, out=np.ones(len(own)), where=span > 0)
    roots = memory.must_link_roots(len(labels))
    weights[np.bincount(roots, minlength=len(labels))[roots] > 1] = 1
    return weights.astype(np.float32)


class Purification(ClusterContrast):
    """The weighted mean of ClusterNCE, plus ``ranking_weight`` times the ranking of the images with answers.

    The ranking compares an image with the stored vectors of those it is known to be the same as, or another than: a
    memory bank with one vector per image, updated as that of the clusters.

    References
    ----------
    methods.md, Training. MASS's own loss is not published in detail: this one is the project's. The ranking has the
    form of that in SPAL's public code (arXiv 2204.10008); margin and weight are 0.3 and 0.5 here.
    """

    def __init__(self, targets: TrainingTargets, vectors: Tensor, config: TrainingConfig, on: torch.device) -> None:
        super().__init__(targets, vectors, config, on)
        self.image_bank = MemoryBank(vectors.to(on), config.memory_momentum)
        given = targets.weights if targets.weights is not None else np.ones(len(targets.rows), np.float32)
        self.weights = torch.from_numpy(given).to(on)

    def prepare(self, batch: Batch) -> Prepared:
        """Look up the turns of the images and the relations of the batch too."""
        prepared = super().prepare(batch)
        prepared.turns["images"] = turns(batch)
        prepared.found.update(relations(batch, self.targets.constraints))
        return prepared

    def loss(self, features: Tensor, batch: Prepared) -> Tensor:
        """Return both terms."""
        logits = features @ self.bank.vectors.T / self.config.temperature
        each = functional.cross_entropy(logits, self.class_of[batch.images], reduction="none")
        weights = self.weights[batch.images]
        ranked = answer_ranking(features, batch, self.image_bank.vectors, self.config.margin)
        return (weights * each).sum() / weights.sum() + self.config.ranking_weight * ranked

    def update(self, features: Tensor, batch: Prepared) -> None:
        """Move the vectors of the batch's clusters and images towards its features."""
        super().update(features, batch)
        self.image_bank.update(features, batch.images, batch.turns["images"])
