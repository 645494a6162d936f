"""Answers in the loss: beside any objective, answered images are contrasted with images instead of classes."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from whosame.training.losses.hybrid_memory import HybridMemory
from whosame.training.losses.objective import Batch, Objective


class Answered(Objective):
    """An objective, plus ``answer_weight`` times the contrast of the images with answers, :func:`answer_contrast`.

    The contrast has a memory of its own, with a vector for each image and the mean of each class (that of the hybrid
    memory).

    Parameters
    ----------
    objective : Objective
    vectors : float32 [n, D]
        The images' features at the beginning of the round, on the CPU.

    References
    ----------
    methods.md, Training.
    """

    def __init__(self, objective: Objective, vectors: Tensor) -> None:
        on = objective.class_of.device
        super().__init__(objective.targets, vectors, objective.config, on)
        self.objective = objective
        self.memory = HybridMemory(objective.targets, vectors, objective.config, on)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield the batches of the objective."""
        return self.objective.batches(rng)

    def loss(self, features: Tensor, batch: Batch) -> Tensor:
        """Return both terms."""
        plain = self.objective.loss(features, batch)
        images = np.union1d(self.targets.constraints.related(batch), batch)
        same, different = (
            torch.from_numpy(share).to(features.device) for share in self.targets.constraints.shares(batch, images)
        )
        itself = torch.from_numpy(batch[:, None] == images[None]).to(features.device)
        others = (~self.elsewhere(batch)).scatter_(1, self.class_of[batch].unsqueeze(1), False)
        answered = (same + different).any(dim=1) & (others.any(dim=1) | different.any(dim=1))
        if not bool(answered.any()):
            return plain
        features = features[answered] / self.config.temperature
        each = answer_contrast(
            features @ self.memory.bank.vectors[images].T,
            features @ self.memory.means.T,
            (same + itself)[answered],
            different[answered],
            others[answered],
        )
        return plain + self.config.answer_weight * each.sum() / len(batch)

    def update(self, features: Tensor, batch: Batch) -> None:
        """Move the memory of the objective and that of the contrast towards the features of the batch."""
        self.objective.update(features, batch)
        self.memory.update(features, batch)


def answer_contrast(images: Tensor, classes: Tensor, same: Tensor, different: Tensor, others: Tensor) -> Tensor:
    """Return for each image the mean over its positives p, weighted, of ``-log(exp(z_p) / (exp(z_p) + Z))``.

    Z is the sum of exp(z) over the other classes, and over the images as far as they are different people.

    Parameters
    ----------
    images : float32 [n, m]
        z, of n images and m stored ones.
    classes : float32 [n, C]
        z, of the images and the classes.
    same, different : float32 [n, m]
        How far a pair counts as one person and as two, from 0 to 1. At least one ``same`` of each image is above 0.
    others : bool [n, C]
        The classes that are not known to hold images of its person.

    Returns
    -------
    float32 [n]
    """
    negatives = torch.cat([classes.masked_fill(~others, -torch.inf), images + different.log()], dim=1)
    total = negatives.logsumexp(dim=1, keepdim=True)
    return (same * functional.softplus(total - images)).sum(dim=1) / same.sum(dim=1)
