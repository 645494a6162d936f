"""Initial weights of a network: torchvision's by name, a file's, or random ones."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from whosame.errors import InputError, ParameterError, format_problems, unknown_name
from whosame.features.config import RESNETS, NetworkConfig

NESTED = ("state_dict", "network", "model")  # keys under which training scripts, this project's too, save weights


def initial_weights(network: nn.Module, config: NetworkConfig) -> None:
    """Give the network the weights that ``config.weights`` names, in place.

    Raises
    ------
    ParameterError
        A torchvision name that is unknown or belongs to another architecture.
    InputError
        Weights that cannot be fetched or read, or whose names or shapes do not fit: all of them listed.
    """
    if config.weights in ("random", "warmup", "timm"):
        return  # the weights are random already, a warm-up continues from them; timm's backbone has its own
    if "_Weights" in config.weights and not Path(config.weights).exists():
        load_weights(network, _fetch(config), config.weights, ignore=("fc.", *config.ignore_weights))
    else:
        load_weights(network, read_weights(Path(config.weights)), config.weights, ignore=config.ignore_weights)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of named tensors, without running any code that is in it.

    Parameters
    ----------
    path : Path
        Written by ``torch.save``: names and tensors, or these under ``state_dict``, ``network`` or ``model``. The
        prefix ``module.`` of DataParallel is removed.
    """
    if not path.is_file():
        raise InputError(
            f"network.weights {str(path)!r} is not a file. It takes 'warmup', 'random', a torchvision name such as "
            "'ResNet50_Weights.IMAGENET1K_V1', or the path of a file of weights."
        )
    try:
        content = load_plain(path)
    except UnreadableError as error:
        raise InputError(
            f"the weights in {path} cannot be read: {error}\n"
            "It has to be a file written by torch.save that holds tensors only (it is read with weights_only=True). "
            "Save the state_dict of the model again, or fetch the file again if it is damaged."
        ) from error
    for key in NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not any(isinstance(value, Tensor) for value in content.values()):
        raise InputError(
            f"{path} holds no named tensors, but {type(content).__name__}. Save a state_dict: names and tensors, or "
            f"these under {' or '.join(NESTED)}."
        )
    return {str(name).removeprefix("module."): value for name, value in content.items() if isinstance(value, Tensor)}


class UnreadableError(Exception):
    """A file that torch cannot read without running code."""


def load_plain(path: Path) -> Any:
    """Return the tensors and plain values that ``torch.save`` wrote, on the CPU, without running any code in the file.

    Raises
    ------
    UnreadableError
        The file is damaged: torch raises nearly any exception on such a file, and warns on some.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:
        raise UnreadableError(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}") from error


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], origin: str, ignore: tuple[str, ...]) -> None:
    """Load named tensors into the whole network, or into its backbone if they are a backbone's.

    Parameters
    ----------
    network : nn.Module
        A :class:`~whosame.features.network.ReIDNetwork`, changed in place, unless an error is raised.
    weights : mapping of str to Tensor
    origin : str
        Where they come from, for messages.
    ignore : tuple of str
        Beginnings of the names that may be unused, such as those of a classifier of other classes.

    Raises
    ------
    InputError
        Names that are missing, unexpected or of another shape: nothing is loaded.
    """
    weights = {name: value for name, value in weights.items() if not name.startswith(ignore)}
    whole = any(name.startswith("backbone.") for name in weights)
    target = network if whole else network.get_submodule("backbone")
    problems = differences(target.state_dict(), weights)
    if problems:
        raise InputError(
            format_problems(
                f"the weights {origin!r} do not fit the {'network' if whole else 'backbone'}",
                problems,
                "Set network.architecture (and widths, pooling) to what the weights were made with. Names that may go "
                "unused, such as a classifier's, go into network.ignore_weights by how they begin.",
            )
        )
    target.load_state_dict(dict(weights))


def differences(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    """Return why ``found`` cannot be loaded: missing names, then unexpected ones, then other shapes."""
    return [
        *(f"missing: {name} {list(value.shape)}" for name, value in expected.items() if name not in found),
        *(f"unexpected: {name} {list(value.shape)}" for name, value in found.items() if name not in expected),
        *(
            f"shape: {name} is {list(found[name].shape)}, expected {list(value.shape)}"
            for name, value in expected.items()
            if name in found and found[name].shape != value.shape
        ),
    ]


def _fetch(config: NetworkConfig) -> dict[str, Tensor]:
    """Return torchvision's weights of that name, from its cache or the network."""
    if config.architecture not in RESNETS:
        raise ParameterError(
            f"network.weights {config.weights!r} are torchvision's, but network.architecture is "
            f"{config.architecture!r}: they fit {', '.join(RESNETS)}"
        )
    import torchvision

    from whosame.features.torchvision_resnet import torchvision_weights

    names = torchvision_weights(config.architecture)
    if config.weights not in names:
        raise unknown_name(f"network.weights for {config.architecture}", config.weights, names)
    weights = torchvision.models.get_weight(config.weights)
    try:
        return dict(weights.get_state_dict(progress=True, check_hash=True))
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash is a RuntimeError
        file = weights.url.rsplit("/", 1)[-1]
        raise InputError(
            f"the weights {config.weights!r} cannot be fetched: {error}\n"
            f"On a machine with a connection fetch {weights.url}, copy {file} here, and give its path: "
            f"network.weights: PATH/{file} with network.ignore_weights: [fc.]. "
            "Or start without pretrained weights: network.weights: warmup."
        ) from error
