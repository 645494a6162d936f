"""Answers in the loss: beside any objective, answered images are contrasted with images instead of classes."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from whosame.training.losses.hybrid_memory import HybridMemory
from whosame.training.losses.objective import Batch, Objective, Prepared


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

    def prepare(self, batch: Batch) -> Prepared:
        """Look up what the objective and the contrast need."""
        prepared, own = self.objective.prepare(batch), self.memory.prepare(batch)
        images = np.union1d(self.targets.constraints.related(batch), batch)
        same, different = self.targets.constraints.shares(batch, images)
        negatives = self.targets.count - 1  # other classes that do not hold images of its person
        if "elsewhere" in own.found:
            negatives = negatives - own.found["elsewhere"].numpy().sum(axis=1)
        apart = different.any(axis=1)
        answered = (same.any(axis=1) | apart) & ((negatives > 0) | apart)
        itself = batch[:, None] == images[None]
        found = {
            "answered": np.flatnonzero(answered),
            "related": images,
            "shares_same": (same + itself)[answered],
            "shares_different": different[answered],
        }
        found_ = {name: torch.from_numpy(value) for name, value in found.items()}
        return Prepared(own.images, prepared.found | own.found | found_, prepared.turns | own.turns)

    def loss(self, features: Tensor, batch: Prepared) -> Tensor:
        """Return both terms."""
        plain, found = self.objective.loss(features, batch), batch.found
        answered = found["answered"]
        if len(answered) == 0:
            return plain
        features = features[answered] / self.config.temperature
        classes = self.class_of[batch.images[answered]].unsqueeze(1)
        no_negatives = torch.zeros(len(answered), self.targets.count, dtype=torch.bool, device=features.device)
        if "elsewhere" in found:
            no_negatives = found["elsewhere"][answered]
        each = answer_contrast(
            features @ self.memory.bank.vectors[found["related"]].T,
            features @ self.memory.means.T,
            found["shares_same"],
            found["shares_different"],
            ~no_negatives.scatter_(1, classes, True),
        )
        return plain + self.config.answer_weight * each.sum() / len(batch.images)

    def update(self, features: Tensor, batch: Prepared) -> None:
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
