"""The optimiser of a round, and the learning rate of an iteration."""

import math

import torch

from whosame.features.network import ReIDNetwork
from whosame.training.config import TrainingConfig


def make_optimiser(network: ReIDNetwork, config: TrainingConfig) -> torch.optim.Adam:
    """Return Adam over the parameters that are trained."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return torch.optim.Adam(trained, lr=config.learning_rate, weight_decay=config.weight_decay)


def follow_parameters(optimiser: torch.optim.Optimizer) -> None:
    """Move the state of an optimiser to its parameters' device; on a GPU its step becomes one fused kernel.

    A module that is moved takes its parameters along, but not what an optimiser keeps of them.
    """
    for group in optimiser.param_groups:
        if "fused" in group:
            group["fused"] = True if group["params"][0].device.type == "cuda" else None
    optimiser.load_state_dict(optimiser.state_dict())


def learning_rate(config: TrainingConfig, *, round: int, iteration: int, rounds: int) -> float:  # noqa: A002
    """Return the learning rate of one iteration, a function of its arguments only: a resumed run has the same.

    Parameters
    ----------
    config : TrainingConfig
    round, iteration : int
        Both from 0.
    rounds : int
        Rounds in all; the cosine reaches 0 at the end of the last.
    """
    if config.schedule == "step":
        return config.learning_rate * config.step_factor ** (round // config.step_rounds)
    if config.schedule == "cosine":
        done = min((round + iteration / config.iterations) / rounds, 1.0)
        return config.learning_rate * (1 + math.cos(math.pi * done)) / 2
    return config.learning_rate
