"""Re-identification network: backbone, pooling, a BatchNorm neck, features of length 1."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from whosame.errors import ParameterError, unknown_name
from whosame.features.backbones import RESNETS, TIMM, build_backbone
from whosame.features.pooling import POOLINGS
from whosame.seeding import torch_seed


@dataclass(frozen=True)
class NetworkConfig:
    """What the network is and which weights it starts from."""

    architecture: str = "small"  # small | resnet18 | resnet34 | resnet50 | resnet101 | timm/NAME (extra `timm`)
    widths: tuple[int, ...] = (16, 32, 64, 128)  # `small` only: channels of its stages, at least 2 of them
    stem_stride: int = 2  # `small` only: 1 keeps the first map at the size of the image, and costs four times as much
    pooling: str = "gem"  # gem (learnable exponent, starts at 3) | max | average
    weights: str = "warmup"  # warmup | random | timm | torchvision's name (ResNet50_Weights.IMAGENET1K_V1) | a file
    ignore_weights: tuple[str, ...] = ()  # names in a weight file that may go unused, by how they begin: ["fc."]

    def __post_init__(self) -> None:
        """Check the names and ranges that need no library to check."""
        if self.architecture not in ("small", *RESNETS) and not self.architecture.startswith(TIMM):
            raise unknown_name("network.architecture", self.architecture, ["small", *RESNETS, f"{TIMM}NAME"])
        if self.pooling not in POOLINGS:
            raise unknown_name("network.pooling", self.pooling, POOLINGS)
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise ParameterError(f"network.widths is {list(self.widths)}, but takes at least 2 numbers above 0")
        if self.stem_stride not in (1, 2):
            raise ParameterError(f"network.stem_stride is {self.stem_stride}, but takes 1 or 2")
        if self.weights == "timm" and not self.architecture.startswith(TIMM):
            raise ParameterError(f"network.weights 'timm' needs a network.architecture '{TIMM}NAME'")


class ReIDNetwork(nn.Module):
    """Images to features of length 1.

    Parameters
    ----------
    backbone : nn.Module
        Has ``channels`` and maps [n, 3, H, W] to [n, channels, h, w].
    pooling : nn.Module
        Maps [n, C, h, w] to [n, C].

    Attributes
    ----------
    dimension : int
        D, the length of a feature.

    Notes
    -----
    The bias of the neck is frozen at 0, so that features stay centred on the hypersphere (Luo et al., Bag of Tricks
    for Person Re-Identification, CVPRW 2019, section 3.5; Cluster Contrast's network does the same).
    """

    def __init__(self, backbone: nn.Module, pooling: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.dimension: int = int(backbone.channels)  # type: ignore[arg-type]
        self.neck = nn.BatchNorm1d(self.dimension)
        self.neck.bias.requires_grad_(False)

    def feature_map(self, images: Tensor) -> Tensor:
        """Map normalised images, float32 [n, 3, H, W], to the last feature map before pooling, [n, C, h, w]."""
        return self.backbone(images)  # type: ignore[no-any-return]

    def embed(self, feature_map: Tensor) -> Tensor:
        """Pool a feature map [n, C, h, w], in float32 whatever it is, to features float32 [n, D] of length 1."""
        with torch.autocast(feature_map.device.type, enabled=False):
            return functional.normalize(self.neck(self.pooling(feature_map.float())), dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Map normalised images, float32 [n, 3, H, W], to features float32 [n, D] of length 1."""
        return self.embed(self.feature_map(images))

    @torch.inference_mode()
    def map_height(self, height: int, width: int) -> int:
        """Return h, the rows of the feature map of an image of that size in pixels."""
        training = self.training
        device = next(self.parameters()).device
        rows = self.eval().feature_map(torch.zeros(1, 3, height, width, device=device)).shape[2]
        self.train(training)
        return int(rows)


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
        An unknown name, or timm is not installed.
    InputError
        Weights that cannot be fetched or read, or do not fit.
    """
    from whosame.features.weights import initial_weights

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "network"))
        network = ReIDNetwork(build_backbone(config), POOLINGS[config.pooling]())
    initial_weights(network, config)
    return network
