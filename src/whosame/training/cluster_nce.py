"""ClusterNCE: every image against one vector per cluster (Cluster Contrast; DCPS Eq. 2)."""

import torch
from torch import Tensor
from torch.nn import functional

from whosame.errors import ParameterError
from whosame.training.config import TrainingConfig
from whosame.training.objective import Batch, Objective
from whosame.training.targets import TrainingTargets


class MemoryBank:
    """Vectors of length 1, of clusters or of images, that move towards the features of each batch.

    Parameters
    ----------
    vectors : Tensor of float32, shape (C, D)
        Where they start: the mean feature of each cluster; scaled to length 1 here.
    momentum : float
        The share of the old vector that is kept: 0.1 keeps little.
    use_hard : bool
        Update each cluster of the batch once, with its image least similar to the vector, instead of with every image
        in the order of the batch.

    References
    ----------
    Z. Dai et al.: Cluster Contrast for Unsupervised Person Re-Identification. ACCV 2022, Eq. 2 and 3 (``use_hard``:
    section 3.3). The published code updates every image in turn: c_y ← m c_y + (1 - m) f, then c_y ← c_y / |c_y|.
    """

    def __init__(self, vectors: Tensor, momentum: float = 0.1, *, use_hard: bool = False) -> None:
        self.vectors = functional.normalize(vectors, dim=1)
        self.momentum = momentum
        self.use_hard = use_hard

    @torch.no_grad()
    def update(self, features: Tensor, labels: Tensor) -> None:
        """Pull the vectors of the batch's clusters towards its features.

        Called after ``loss.backward()``: the published code updates inside the backward pass, once the gradient of the
        features is formed from the vectors as they were, which comes to the same.

        Parameters
        ----------
        features : Tensor of float32, shape (n, D)
        labels : Tensor of int64, shape (n,)
        """
        if self.use_hard:
            similarity = (features * self.vectors[labels]).sum(dim=1)
            hardest_first = similarity.argsort(stable=True)
            turn = _turns(labels[hardest_first])
            chosen = hardest_first[turn == 0]
            self._pull(labels[chosen], features[chosen])
            return
        # Images of different clusters do not touch each other: all first images of a cluster are one step, then all
        # second images, and so on. Each cluster sees its own images in the order of the batch.
        turn = _turns(labels)
        for step in range(int(turn.max()) + 1 if len(turn) else 0):
            chosen = (turn == step).nonzero().squeeze(1)
            self._pull(labels[chosen], features[chosen])

    def _pull(self, clusters: Tensor, features: Tensor) -> None:
        mixed = self.momentum * self.vectors[clusters] + (1 - self.momentum) * features
        self.vectors[clusters] = functional.normalize(mixed, dim=1)


def cluster_nce(features: Tensor, labels: Tensor, bank: MemoryBank, temperature: float = 0.05) -> Tensor:
    """Return the mean of ``-log(exp(f·c_y / τ) / sum_j exp(f·c_j / τ))`` over the batch.

    Parameters
    ----------
    features : Tensor of float32, shape (n, D)
        Of length 1.
    labels : Tensor of int64, shape (n,)
        Clusters from 0 to C - 1.
    bank : MemoryBank
        Takes no gradient.
    temperature : float
        τ.

    Returns
    -------
    Tensor of float32, shape ()
    """
    return functional.cross_entropy(features @ bank.vectors.T / temperature, labels)


class ClusterContrast(Objective):
    """ClusterNCE with the means of the classes as memory bank."""

    def __init__(self, targets: TrainingTargets, vectors: Tensor, config: TrainingConfig, on: torch.device) -> None:
        super().__init__(targets, vectors, config, on)
        means = class_means(vectors, torch.from_numpy(targets.classes))
        self.bank = MemoryBank(means.to(on), config.memory_momentum, use_hard=config.use_hard)

    def loss(self, features: Tensor, batch: Batch) -> Tensor:
        """Return the mean ClusterNCE of the batch."""
        return cluster_nce(features, self.class_of[batch], self.bank, self.config.temperature)

    def update(self, features: Tensor, batch: Batch) -> None:
        """Pull the clusters of the batch towards its features."""
        self.bank.update(features, self.class_of[batch])


def class_means(vectors: Tensor, labels: Tensor) -> Tensor:
    """Return the mean feature of each class, float32 [C, D], of features [n, D] and labels 0 to C - 1 [n]."""
    if len(labels) == 0:
        raise ParameterError("a memory bank needs at least one labelled image")
    classes = int(labels.max()) + 1
    sums = vectors.new_zeros(classes, vectors.shape[1]).index_add_(0, labels, vectors)
    return sums / torch.bincount(labels, minlength=classes).clamp(min=1).unsqueeze(1)


def _turns(labels: Tensor) -> Tensor:
    """Return for each image how many of its cluster stand before it: [4, 7, 4, 4] gives [0, 0, 1, 2]."""
    order = labels.argsort(stable=True)
    grouped = labels[order]
    position = torch.arange(len(labels), device=labels.device)
    first = torch.ones_like(grouped, dtype=torch.bool)
    first[1:] = grouped[1:] != grouped[:-1]
    start = torch.where(first, position, 0).cummax(0).values if len(labels) else position
    turns = torch.empty_like(position)
    turns[order] = position - start
    return turns
