"""Triplet loss of DRAL: batch-hard triplets of images with answers, without pseudo labels."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from whosame.training.linked_sampler import linked_batches
from whosame.training.losses.objective import Batch, Objective

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

    def loss(self, features: Tensor, batch: Batch) -> Tensor:
        """Return the batch-hard triplet loss."""
        constraints, on = self.targets.constraints, features.device
        same, different = (
            torch.from_numpy(relation(batch, batch)).to(on) for relation in (constraints.same, constraints.different)
        )
        return batch_hard(features, same, different, self.config.margin)

    def update(self, features: Tensor, batch: Batch) -> None:
        """Do nothing: there is no memory bank."""


def batch_hard(features: Tensor, same: Tensor, different: Tensor, margin: float) -> Tensor:
    """Return the mean of ``[margin + farthest positive - nearest negative]_+`` over images that have both.

    Parameters
    ----------
    features : float32 [n, D]
        Of length 1; the distance is Euclidean.
    same, different : bool [n, n]
        Positives and negatives of each image.
    margin : float

    Returns
    -------
    float32 []
        0 if no image has both.

    References
    ----------
    Hermans et al., *In defense of the triplet loss for person re-identification*, 2017, Eq. 5; methods.md, Training.
    """
    both = same.any(dim=1) & different.any(dim=1)
    if not bool(both.any()):
        return 0 * features.sum()
    squared = 2 - 2 * features[both] @ features.T
    distance = squared.clamp(min=SMALLEST).sqrt()  # [m, n]
    farthest = distance.masked_fill(~same[both], -torch.inf).amax(dim=1)
    nearest = distance.masked_fill(~different[both], torch.inf).amin(dim=1)
    return functional.relu(margin + farthest - nearest).mean()
