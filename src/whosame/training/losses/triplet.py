"""Triplet loss of DRAL: batch-hard triplets of images with answers, without pseudo labels."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from whosame.training.linked_sampler import linked_batches
from whosame.training.losses.objective import Batch, Objective, Prepared

SMALLEST = 1e-12  # squared distance; below it the root has no finite gradient


class Triplet(Objective):
    """The hardest known positive and the hardest known negative of each image in the batch; no memory bank.

    References
    ----------
    Liu et al., *Deep reinforcement active learning for human-in-the-loop person re-identification*, ICCV 2019, trains
    on the answers by triplets; methods.md, Training.
    """

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield the round's batches: P / 2 answered groups, each with another that is known to differ."""
        config = self.config
        return linked_batches(
            self.targets.constraints,
            self.targets.cameras,
            clusters=config.clusters_per_batch,
            images=config.images_per_cluster,
            batches=config.iterations,
            rng=rng,
        )

    def prepare(self, batch: Batch) -> Prepared:
        """Look up the relations within the batch, of the images that have both."""
        prepared, constraints = super().prepare(batch), self.targets.constraints
        same, different = constraints.same(batch, batch), constraints.different(batch, batch)
        both = same.any(axis=1) & different.any(axis=1)
        found = {"anchors": np.flatnonzero(both), "same": same[both], "different": different[both]}
        prepared.found.update((name, torch.from_numpy(value)) for name, value in found.items())
        return prepared

    def loss(self, features: Tensor, batch: Prepared) -> Tensor:
        """Return the batch-hard triplet loss."""
        return batch_hard(features, **batch.found, margin=self.config.margin)

    def update(self, features: Tensor, batch: Prepared) -> None:
        """Do nothing: there is no memory bank."""


def batch_hard(features: Tensor, anchors: Tensor, same: Tensor, different: Tensor, margin: float) -> Tensor:
    """Return the mean of ``[margin + farthest positive - nearest negative]_+`` over the anchors.

    Parameters
    ----------
    features : float32 [n, D]
        Of length 1; the distance is Euclidean.
    anchors : int64 [m]
        Positions of the images that have both a positive and a negative.
    same, different : bool [m, n]
        Positives and negatives of each anchor.
    margin : float

    Returns
    -------
    float32 []
        0 without an anchor.

    References
    ----------
    Hermans et al., *In defense of the triplet loss for person re-identification*, 2017, Eq. 5; methods.md, Training.
    """
    if len(anchors) == 0:
        return 0 * features.sum()
    squared = 2 - 2 * features[anchors] @ features.T
    distance = squared.clamp(min=SMALLEST).sqrt()  # [m, n]
    farthest = distance.masked_fill(~same, -torch.inf).amax(dim=1)
    nearest = distance.masked_fill(~different, torch.inf).amin(dim=1)
    return functional.relu(margin + farthest - nearest).mean()
