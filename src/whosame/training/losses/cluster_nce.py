"""ClusterNCE: every image against one vector per cluster (Cluster Contrast; DCPS Eq. 2)."""

import torch
from torch import Tensor
from torch.nn import functional

from whosame.errors import ParameterError
from whosame.training.config import TrainingConfig
from whosame.training.losses.objective import Batch, Objective, Prepared, turns
from whosame.training.targets import TrainingTargets


class MemoryBank:
    """Vectors of length 1, of clusters or of images, that move towards the features of each batch.

    Parameters
    ----------
    vectors : float32 [C, D]
        Initial vectors, such as the mean feature of each cluster; scaled to length 1 here.
    momentum : float
        The share of the old vector that an update keeps.
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
    def update(self, features: Tensor, labels: Tensor, turns: tuple[Tensor, ...]) -> None:
        """Move the vectors of the batch's clusters towards its features.

        Called after ``loss.backward()``. The published code updates inside the backward pass, after the gradient of the
        features is computed from the old vectors: the result is the same.

        Parameters
        ----------
        features : float32 [n, D]
        labels : int64 [n]
        turns : tuple of int64 [m]
            ``turns(labels)`` of :mod:`whosame.training.losses.objective`, on the features' device.
        """
        if self.use_hard and turns:
            similarity = (features * self.vectors[labels]).sum(dim=1)
            hardest_first = similarity.argsort(stable=True)
            once = _repeated(labels[hardest_first]).argsort(stable=True)[: len(turns[0])]
            turns = (hardest_first[once],)
        for chosen in turns:
            self._move(labels[chosen], features[chosen])

    def _move(self, clusters: Tensor, features: Tensor) -> None:
        mixed = self.momentum * self.vectors[clusters] + (1 - self.momentum) * features
        self.vectors[clusters] = functional.normalize(mixed, dim=1)


def cluster_nce(
    features: Tensor, labels: Tensor, bank: MemoryBank, temperature: float = 0.05, left_out: Tensor | None = None
) -> Tensor:
    """Return the mean of ``-log(exp(f·c_y / τ) / sum_j exp(f·c_j / τ))`` over the batch.

    Parameters
    ----------
    features : float32 [n, D]
        Of length 1.
    labels : int64 [n]
        Clusters from 0 to C - 1.
    bank : MemoryBank
        Takes no gradient.
    temperature : float
        τ.
    left_out : bool [n, C], optional
        Clusters that are not in the sum.

    Returns
    -------
    float32 []
    """
    logits = features @ bank.vectors.T / temperature
    return functional.cross_entropy(logits if left_out is None else logits.masked_fill(left_out, -torch.inf), labels)


class ClusterContrast(Objective):
    """ClusterNCE with the means of the classes as memory bank."""

    def __init__(self, targets: TrainingTargets, vectors: Tensor, config: TrainingConfig, on: torch.device) -> None:
        super().__init__(targets, vectors, config, on)
        means = class_means(vectors, torch.from_numpy(targets.classes))
        self.bank = MemoryBank(means.to(on), config.memory_momentum, use_hard=config.use_hard)

    def prepare(self, batch: Batch) -> Prepared:
        """Look up the turns of the clusters too."""
        prepared = super().prepare(batch)
        prepared.turns["clusters"] = turns(self.targets.classes[batch])
        return prepared

    def loss(self, features: Tensor, batch: Prepared) -> Tensor:
        """Return the mean ClusterNCE of the batch."""
        left_out = batch.found.get("elsewhere")
        return cluster_nce(features, self.class_of[batch.images], self.bank, self.config.temperature, left_out)

    def update(self, features: Tensor, batch: Prepared) -> None:
        """Move the clusters of the batch towards its features."""
        self.bank.update(features, self.class_of[batch.images], batch.turns["clusters"])


def class_means(vectors: Tensor, labels: Tensor) -> Tensor:
    """Return the mean feature of each class, float32 [C, D], of features [n, D] and labels 0 to C - 1 [n]."""
    if len(labels) == 0:
        raise ParameterError("a memory bank needs at least one labelled image")
    classes = int(labels.max()) + 1
    sums = vectors.new_zeros(classes, vectors.shape[1]).index_add_(0, labels, vectors)
    return sums / torch.bincount(labels, minlength=classes).clamp(min=1).unsqueeze(1)


def _repeated(labels: Tensor) -> Tensor:
    """Return 0 for the first image of each label and 1 for others, int8 [n]."""
    order = labels.argsort(stable=True)
    grouped = labels[order]
    later = torch.zeros_like(grouped, dtype=torch.int8)
    later[1:] = grouped[1:] == grouped[:-1]
    return torch.empty_like(later).scatter_(0, order, later)
