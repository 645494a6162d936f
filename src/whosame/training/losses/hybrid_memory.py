"""Hybrid memory of SpCL: one vector per image; a class is the mean of its images. SPAL ranks by it too."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from whosame.training.config import TrainingConfig
from whosame.training.losses.cluster_nce import MemoryBank, class_means
from whosame.training.losses.objective import Batch, Objective, Prepared, turns
from whosame.training.losses.ranking import answer_ranking, relations
from whosame.training.targets import TrainingTargets


class HybridMemory(Objective):
    """Every image against all classes; the vector of an image moves towards its feature.

    The logit of class c is the mean of f·m_j / τ over the images j of c, that is f · mean(m_j) / τ: the means, which
    are not scaled to length 1, are stored and updated with their images. So a batch of B costs B × C products, not
    B × n. After the step, in the batch's order, m_i ← m m_i + (1 - m) f, scaled to length 1.

    References
    ----------
    Ge et al., *Self-paced contrastive learning with hybrid memory for domain adaptive object re-ID*, NeurIPS 2020,
    Eq. 1 to 4; its public code adds 1e-6 to the softmax, which is left out. methods.md, Training.
    """

    def __init__(self, targets: TrainingTargets, vectors: Tensor, config: TrainingConfig, on: torch.device) -> None:
        super().__init__(targets, vectors, config, on)
        self.bank = MemoryBank(vectors.to(on), config.memory_momentum)
        self.means = class_means(self.bank.vectors, self.class_of)
        self.sizes = torch.bincount(self.class_of)

    def prepare(self, batch: Batch) -> Prepared:
        """Look up the turns of the images too."""
        prepared = super().prepare(batch)
        prepared.turns["images"] = turns(batch)
        prepared.found["touched"] = torch.from_numpy(np.unique(batch))
        return prepared

    def loss(self, features: Tensor, batch: Prepared) -> Tensor:
        """Return the mean cross entropy over the classes."""
        logits = features @ self.means.T / self.config.temperature
        if "elsewhere" in batch.found:
            logits = logits.masked_fill(batch.found["elsewhere"], -torch.inf)
        return functional.cross_entropy(logits, self.class_of[batch.images])

    @torch.no_grad()
    def update(self, features: Tensor, batch: Prepared) -> None:
        """Move the vectors of the batch's images towards their features; an image drawn twice moves twice."""
        touched = batch.found["touched"]
        before = self.bank.vectors[touched]
        self.bank.update(features, batch.images, batch.turns["images"])
        classes = self.class_of[touched]
        change = (self.bank.vectors[touched] - before) / self.sizes[classes].unsqueeze(1)
        self.means.index_add_(0, classes, change)


class RankedHybridMemory(HybridMemory):
    """The loss of the hybrid memory plus ``ranking_weight`` times the ranking of the images with answers (SPAL).

    References
    ----------
    Jin, Li, *Towards fewer labels: support pair active learning for person re-identification*, arXiv 2204.10008, and
    its public code; methods.md, Training.
    """

    def prepare(self, batch: Batch) -> Prepared:
        """Look up the relations of the batch too."""
        prepared = super().prepare(batch)
        prepared.found.update(relations(batch, self.targets.constraints))
        return prepared

    def loss(self, features: Tensor, batch: Prepared) -> Tensor:
        """Return both terms."""
        ranked = answer_ranking(features, batch, self.bank.vectors, self.config.margin)
        return super().loss(features, batch) + self.config.ranking_weight * ranked
