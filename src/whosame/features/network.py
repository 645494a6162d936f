"""Re-identification network: backbone, pooling, a BatchNorm neck, features of length 1."""

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from whosame.errors import ParameterError
from whosame.features.backbones import build_backbone
from whosame.features.base import Backbone
from whosame.features.config import NetworkConfig
from whosame.features.pooling import POOLINGS
from whosame.features.weights.load import initial_weights
from whosame.seeding import torch_seed


class ReIDNetwork(nn.Module):
    """Images to features of length 1.

    Images have values from 0 to 1: the network normalises them itself, by ``mean`` and ``std`` of its backbone, which
    are part of its state.

    Parameters
    ----------
    backbone : Backbone
    pooling : nn.Module
        Maps [n, C, h, w] to [n, C].
    frozen_stages : int
        How many stages of the backbone stay as they are: their parameters have no gradient, and their BatchNorm uses
        and keeps its running statistics in training too.

    Attributes
    ----------
    dimension : int
        D, the length of a feature.
    mean, std : float32 [3, 1, 1]

    Notes
    -----
    The bias of the neck is frozen at 0, so that features stay centred on the hypersphere (Luo et al., Bag of Tricks
    for Person Re-Identification, CVPRW 2019, section 3.5; Cluster Contrast's network does the same).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: Backbone, pooling: nn.Module, frozen_stages: int = 0) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.dimension = backbone.channels
        self.neck = nn.BatchNorm1d(self.dimension)
        self.neck.bias.requires_grad_(False)
        self.register_buffer("mean", torch.tensor(backbone.mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(backbone.std).view(3, 1, 1))
        self.frozen_stages = frozen_stages
        self.frozen_part().requires_grad_(False).eval()

    @property
    def memory_format(self) -> torch.memory_format:
        """The memory layout of images and maps: channels last on a GPU, for its tensor cores, or if it is faster."""
        last = self.mean.device.type == "cuda" or self.backbone.channels_last
        return torch.channels_last if last else torch.contiguous_format

    def move_to(self, device: torch.device) -> Self:
        """Move the network to a device, in the memory layout for it."""
        self.to(device)
        return self.to(memory_format=self.memory_format)

    def after_frozen(self) -> "AfterFrozen":
        """Return what comes after the frozen stages: what :meth:`frozen_map` returns to features."""
        return AfterFrozen(self)

    def frozen_part(self) -> nn.Sequential:
        """Return the frozen stages, empty if there are none. They take normalised images."""
        return nn.Sequential(*self.backbone.divided()[: self.frozen_stages])

    def trained_part(self) -> nn.Module:
        """Return the other stages: the backbone itself, if none is frozen."""
        if not self.frozen_stages:
            return self.backbone
        return nn.Sequential(*self.backbone.divided()[self.frozen_stages :])

    def train(self, mode: bool = True) -> Self:
        """Set the mode of all but the frozen stages."""
        super().train(mode)
        self.frozen_part().eval()
        return self

    def frozen_map(self, images: Tensor) -> Tensor:
        """Map images, float32 [n, 3, H, W] from 0 to 1, to what the trained part takes."""
        return self.frozen_part()((images - self.mean).div_(self.std))  # type: ignore[no-any-return]

    def feature_map(self, images: Tensor) -> Tensor:
        """Map images, float32 [n, 3, H, W] from 0 to 1, to the last feature map before pooling, [n, C, h, w]."""
        return self.trained_part()(self.frozen_map(images))  # type: ignore[no-any-return]

    def embed(self, feature_map: Tensor) -> Tensor:
        """Pool a feature map [n, C, h, w], in float32 whatever it is, to features float32 [n, D] of length 1."""
        with torch.autocast(feature_map.device.type, enabled=False):
            return functional.normalize(self.neck(self.pooling(feature_map.float())), dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, float32 [n, 3, H, W] from 0 to 1, to features float32 [n, D] of length 1."""
        return self.embed(self.feature_map(images))

    @torch.inference_mode()
    def map_height(self, height: int, width: int) -> int:
        """Return h, the rows of the feature map of an image of that size in pixels."""
        training = self.training
        device = next(self.parameters()).device
        rows = self.eval().feature_map(torch.zeros(1, 3, height, width, device=device)).shape[2]
        self.train(training)
        return int(rows)


class AfterFrozen(nn.Module):
    """A network from the map after its frozen stages on. It has no weights of its own."""

    def __init__(self, network: ReIDNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, maps: Tensor) -> Tensor:
        """Map what ``frozen_map`` returns to features float32 [n, D] of length 1."""
        return self.network.embed(self.network.trained_part()(maps))


def build_network(config: NetworkConfig, *, seed: int) -> ReIDNetwork:
    """Build the network with the weights that ``config.weights`` names.

    Parameters
    ----------
    config : NetworkConfig
    seed : int
        The run's seed; random weights depend on it alone.

    Returns
    -------
    ReIDNetwork
        On the CPU, in training mode. With ``weights: warmup`` the weights are still random: see
        :func:`whosame.training.warmup.warm_up`.

    Raises
    ------
    ParameterError
        An unknown name, as many frozen stages as there are stages, or timm is not installed.
    InputError
        Weights that cannot be fetched or read, or do not fit.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "network"))
        backbone = build_backbone(config)
        count = len(backbone.divided())
        if config.frozen_stages >= count:
            raise ParameterError(
                f"network.frozen_stages is {config.frozen_stages}, but takes 0 to {count - 1}: network.architecture "
                f"{config.architecture!r} has {count} stage{'s' * (count > 1)}, and the last is always trained"
            )
        network = ReIDNetwork(backbone, POOLINGS[config.pooling](), config.frozen_stages)
    initial_weights(network, config)
    return network
