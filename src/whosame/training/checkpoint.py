"""Checkpoints: the network and the optimiser after a round, in a file of tensors and plain values only."""

import dataclasses
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from whosame.atomic import writing
from whosame.errors import ResumeError, format_problems
from whosame.features.config import NetworkConfig
from whosame.features.network import ReIDNetwork, build_network
from whosame.features.weights.load import UnreadableError, load_plain
from whosame.features.weights.names import differences

FORMAT = 2
NOT_ARCHITECTURE = {"weights", "ignore_weights", "neck_images"}  # what it starts from does not change its shape


@dataclasses.dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state that training continues from; a round's random numbers follow from the seed and its number.

    Attributes
    ----------
    network : dict of str to Tensor
        Weights, running statistics, and what images are normalised by.
    optimiser : dict
        Its ``state_dict``.
    architecture : dict of str to plain values
        The :class:`NetworkConfig` without its initial weights.
    rounds : int
        Rounds trained so far.
    """

    network: dict[str, Tensor]
    optimiser: dict[str, Any]
    architecture: dict[str, Any]
    rounds: int

    @classmethod
    def of(
        cls, network: ReIDNetwork, optimiser: torch.optim.Optimizer, config: NetworkConfig, rounds: int
    ) -> "Checkpoint":
        """Copy the present state of the network and the optimiser to the CPU."""
        return cls(_copy(network.state_dict()), _copy(optimiser.state_dict()), _architecture(config), rounds)

    def restore(self, network: ReIDNetwork, optimiser: torch.optim.Optimizer | None, config: NetworkConfig) -> None:
        """Load the weights into a network and the state into its optimiser.

        Raises
        ------
        ResumeError
            The checkpoint is of another architecture: every difference is listed, and nothing is changed.
        """
        wanted = _architecture(config)
        own = _architecture(NetworkConfig()) | self.architecture  # a parameter that is newer than the file
        problems = [
            f"network.{name}: checkpoint {own.get(name)!r}, now {wanted.get(name)!r}"
            for name in sorted({*wanted, *own})
            if wanted.get(name) != own.get(name)
        ]
        problems += differences(network.state_dict(), self.network)
        if problems:
            raise ResumeError(
                format_problems(
                    "the checkpoint is of another network",
                    problems,
                    "Set the network's parameters back to the checkpoint's, or begin a run under another name.",
                )
            )
        network.load_state_dict(self.network)
        if optimiser is not None:
            optimiser.load_state_dict(_copy(self.optimiser))

    def build(self, config: NetworkConfig) -> ReIDNetwork:
        """Build the network and put the weights into it.

        Raises
        ------
        ResumeError
            See :meth:`restore`.
        """
        network = build_network(config.replace(weights="random"), seed=0)
        self.restore(network, None, config)
        return network

    def write(self, file: BinaryIO) -> None:
        """Write to an open file."""
        torch.save({"format": FORMAT, **{f.name: getattr(self, f.name) for f in dataclasses.fields(self)}}, file)

    def save(self, path: Path) -> None:
        """Write a file atomically.

        Raises
        ------
        StorageError
            The disk is full or cannot be written to.
        """
        with writing(path) as file:
            self.write(file)

    @classmethod
    def load(cls, path: Path) -> "Checkpoint":
        """Read a checkpoint, without running any code in the file.

        Raises
        ------
        ResumeError
            It is damaged, or no checkpoint of this project.
        """
        try:
            content = load_plain(path)
        except UnreadableError as error:
            raise ResumeError(
                f"the checkpoint {path} cannot be read: {error}\n"
                "It is damaged or was not written by whosame. Remove its round's folder and those after it: the "
                "same command makes them again."
            ) from error
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(content, dict) or content.keys() != {"format", *names} or content["format"] != FORMAT:
            raise ResumeError(f"{path} is not a checkpoint of this version of whosame (format {FORMAT})")
        return cls(**{name: content[name] for name in names})


def _architecture(config: NetworkConfig) -> dict[str, Any]:
    values = config.model_dump(exclude=NOT_ARCHITECTURE)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _copy(state: Any) -> Any:
    """Copy tensors to the CPU, and the dictionaries, lists and plain values around them."""
    if isinstance(state, Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {name: _copy(value) for name, value in state.items()}
    if isinstance(state, (list, tuple)):
        return [_copy(value) for value in state]
    return state
