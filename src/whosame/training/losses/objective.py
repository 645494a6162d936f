"""Objective: the protocol of the losses that a round of training minimises.

What a loss looks up about a batch, the answers above all, it looks up on the CPU while the network computes the batch
before: :meth:`Objective.prepare` runs in the thread that reads ahead. The loss itself has tensors on the device, with
shapes that the host knows, and never waits for a GPU.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whosame.features.batches import to_device
from whosame.training.config import TrainingConfig
from whosame.training.sampler import pk_batches
from whosame.training.targets import TrainingTargets

Batch = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Prepared:
    """A batch, with what its loss looked up about it.

    Attributes
    ----------
    images : int64 [P*K]
        Positions 0..n-1 of the targets.
    found : dict of str to Tensor
        By names of the loss's own.
    turns : dict of str to tuple of Tensor
        By the memory bank's name: see :func:`turns`.
    """

    images: Tensor
    found: dict[str, Tensor]
    turns: dict[str, tuple[Tensor, ...]]

    def on(self, device: torch.device) -> Self:
        """Copy all to a device."""
        return type(self)(
            to_device(self.images, device),
            {name: to_device(tensor, device) for name, tensor in self.found.items()},
            {name: tuple(to_device(turn, device) for turn in turns) for name, turns in self.turns.items()},
        )


def turns(labels: NDArray[np.int64]) -> tuple[Tensor, ...]:
    """Return positions of the first image of each label, then of the second, and so on: int64 tensors.

    A memory bank moves all vectors by their first image in one step, then by their second, and so on: each by its own
    images in the order of the batch. [4, 7, 4, 4] gives [0, 1], [2], [3].
    """
    order = np.argsort(labels, kind="stable")
    grouped = labels[order]
    first = np.flatnonzero(np.diff(grouped, prepend=grouped[:1] - 1))
    occurrence = np.empty(len(labels), np.int64)
    occurrence[order] = np.arange(len(labels)) - np.repeat(first, np.diff(first, append=len(labels)))
    return tuple(torch.from_numpy(np.flatnonzero(occurrence == turn)) for turn in range(occurrence.max(initial=-1) + 1))


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

    def prepare(self, batch: Batch) -> Prepared:
        """Look up what the loss of a batch needs, on the CPU.

        ``elsewhere`` are the classes that are no negatives of an image, bool [P*K, C]: others with images of its
        person (:meth:`TrainingTargets.elsewhere`). With ``answer_weight`` 0, or if there are none, it is absent.
        """
        elsewhere = self.targets.elsewhere(batch) if self.config.answer_weight else None
        some = elsewhere is not None and elsewhere.any()
        found = {"elsewhere": torch.from_numpy(elsewhere)} if some else {}
        return Prepared(torch.from_numpy(batch), found, {})

    @abstractmethod
    def loss(self, features: Tensor, batch: Prepared) -> Tensor:
        """Return the loss, float32 [], of a batch with its features of length 1, float32 [P*K, D]."""

    @abstractmethod
    def update(self, features: Tensor, batch: Prepared) -> None:
        """Move the memory bank towards the features of a batch, after the optimiser's step."""
