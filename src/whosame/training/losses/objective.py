"""Objective: the protocol of the losses that a round of training minimises."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whosame.training.config import TrainingConfig
from whosame.training.sampler import pk_batches
from whosame.training.targets import TrainingTargets

Batch = NDArray[np.int64]


class Objective(ABC):
    """A loss with the memory bank that it keeps for one round. Images are positions 0..n-1 of the targets.

    Parameters
    ----------
    targets : TrainingTargets
        With at least two classes.
    vectors : float32 [n, D]
        The images' features at the beginning of the round, on the CPU.
    config : TrainingConfig
    on : torch.device
        Device of the features.
    """

    def __init__(self, targets: TrainingTargets, vectors: Tensor, config: TrainingConfig, on: torch.device) -> None:
        del vectors
        self.targets = targets
        self.config = config
        self.class_of = torch.from_numpy(targets.classes).to(on)

    def batches(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield the round's batches: P classes × K images."""
        config = self.config
        return pk_batches(
            self.targets.classes,
            self.targets.cameras,
            clusters=config.clusters_per_batch,
            images=config.images_per_cluster,
            batches=config.iterations,
            rng=rng,
        )

    def elsewhere(self, batch: Batch) -> Tensor:
        """Return the classes that are no negatives of an image, bool [P*K, C]: others with images of its person.

        With ``answer_weight`` 0 none are. See :meth:`TrainingTargets.elsewhere`.
        """
        if not self.config.answer_weight:
            return torch.zeros(len(batch), self.targets.count, dtype=torch.bool, device=self.class_of.device)
        return torch.from_numpy(self.targets.elsewhere(batch)).to(self.class_of.device)

    @abstractmethod
    def loss(self, features: Tensor, batch: Batch) -> Tensor:
        """Return the loss, float32 [], of a batch with its features of length 1, float32 [P*K, D]."""

    @abstractmethod
    def update(self, features: Tensor, batch: Batch) -> None:
        """Move the memory bank towards the features of a batch, after the optimiser's step."""
