"""How a round is trained: batch, loss, optimiser, schedule."""

import math
from dataclasses import dataclass, field

import torch

from whosame.errors import ParameterError, unknown_name
from whosame.features.network import ReIDNetwork
from whosame.training.augment import AugmentConfig

SCHEDULES = ("cosine", "step", "constant")
LOSSES = ("cluster-nce", "hybrid-memory", "triplet", "purification")
OUTLIERS = ("drop", "classes")


@dataclass(frozen=True)
class TrainingConfig:
    """How the network is trained in a round. Defaults: the demo; papers: Cluster Contrast's code."""

    loss: str = "cluster-nce"  # cluster-nce | hybrid-memory (SpCL) | triplet (DRAL) | purification (MASS-like)
    outliers: str = "drop"  # drop: not trained on | classes: each a class of its own; triplet has no use for it
    iterations: int = 50  # batches a round; papers: 200 (Market, Duke), 400 (MSMT17)
    clusters_per_batch: int = 16  # P; papers: 16
    images_per_cluster: int = 4  # K, at least 2; papers: 16
    norm_chunk: int = 64  # images normalised together (ghost_norm.py), a multiple of K; papers: 64, a GPU's share
    temperature: float = 0.05  # τ, of all but triplet, above 0; papers: 0.05
    memory_momentum: float = 0.1  # share of the old vector that an update keeps, 0 to 1; papers: 0.1, SpCL 0.2
    use_hard: bool = False  # cluster-nce, purification: update each cluster once a batch, by its least similar image
    margin: float = 0.3  # triplet, purification: by how much the different is to be farther; at least 0
    ranking_weight: float = 0.5  # purification: weight of the ranking of answered images; 0: none
    learning_rate: float = 2e-3  # of Adam, at the start; papers: 3.5e-4 from ImageNet weights
    weight_decay: float = 5e-4  # L2, as torch's Adam has it; papers: 5e-4
    schedule: str = "cosine"  # cosine: to 0 at the end of the last round | step | constant; papers: step
    step_rounds: int = 20  # `step`: rounds between two steps; papers: 20
    step_factor: float = 0.1  # `step`: what a step multiplies the learning rate by; papers: 0.1
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        """Check the ranges, all of them at once."""
        problems = [
            f"training.{name} is {getattr(self, name)}, but takes at least {least}"
            for name, least in (
                ("iterations", 1),
                ("clusters_per_batch", 2),
                ("images_per_cluster", 2),
                ("norm_chunk", 2),
                ("step_rounds", 1),
                ("weight_decay", 0),
                ("margin", 0),
                ("ranking_weight", 0),
            )
            if getattr(self, name) < least
        ]
        problems += [
            f"training.{name} is {getattr(self, name)}, but takes more than 0"
            for name in ("temperature", "learning_rate", "step_factor")
            if not getattr(self, name) > 0
        ]
        if not 0 <= self.memory_momentum <= 1:
            problems.append(f"training.memory_momentum is {self.memory_momentum}, but takes 0 to 1")
        if self.images_per_cluster >= 1 and self.norm_chunk % self.images_per_cluster:
            problems.append(
                f"training.norm_chunk is {self.norm_chunk}, but takes a multiple of training.images_per_cluster "
                f"({self.images_per_cluster}), so that the images of a cluster are normalised together"
            )
        problems += [
            str(unknown_name(f"training.{name}", getattr(self, name), known))
            for name, known in (("schedule", SCHEDULES), ("loss", LOSSES), ("outliers", OUTLIERS))
            if getattr(self, name) not in known
        ]
        if problems:
            raise ParameterError("\n".join(problems))


def make_optimiser(network: ReIDNetwork, config: TrainingConfig) -> torch.optim.Adam:
    """Return Adam over the parameters that are trained."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return torch.optim.Adam(trained, lr=config.learning_rate, weight_decay=config.weight_decay)


def learning_rate(config: TrainingConfig, *, round: int, iteration: int, rounds: int) -> float:  # noqa: A002
    """Return the learning rate of one iteration: of nothing but its arguments, so that a resumed run has the same.

    Parameters
    ----------
    config : TrainingConfig
    round, iteration : int
        Both from 0.
    rounds : int
        How many there will be; the cosine reaches 0 at the end of the last.
    """
    if config.schedule == "step":
        return config.learning_rate * config.step_factor ** (round // config.step_rounds)
    if config.schedule == "cosine":
        done = min((round + iteration / config.iterations) / rounds, 1.0)
        return config.learning_rate * (1 + math.cos(math.pi * done)) / 2
    return config.learning_rate
