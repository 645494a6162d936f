"""Backbones: a small residual network, torchvision's ResNets, any model of timm, networks of re-identification."""

from typing import Literal, NamedTuple

from torch import Tensor, nn

from whosame.errors import ParameterError, unknown_name
from whosame.features.base import Backbone
from whosame.features.config import ARCHITECTURES, AUTO, GIVEN, REID_NETWORKS, RESNETS, TIMM, NetworkConfig
from whosame.features.given_features import GivenFeatures
from whosame.features.reid_networks import MODELS, build_reid_model
from whosame.features.timm_backbone import TimmBackbone, timm_settings
from whosame.features.timm_tokens import TimmTokens, token_model
from whosame.features.weights.choice import no_network


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut, as in ResNet-18 (He et al., CVPR 2016, fig. 2)."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Sequential()
        if stride != 1 or inside != outside:
            self.shortcut = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, inside, h, w] to [n, outside, h / stride, w / stride]."""
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.shortcut(x))  # type: ignore[no-any-return]


class Small(Backbone):
    """A residual network for small images and two cores: one block a stage, strides 1, 2, 2, 1.

    With widths 16, 32, 64, 128 it has 0.31 M parameters and trains at about 2,900 images of 64×32 a second.
    """

    def __init__(self, widths: tuple[int, ...], stem_stride: int) -> None:
        super().__init__()
        self.channels = widths[-1]
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, stem_stride, padding=1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        )
        last = len(widths) - 1
        strides = [1 if stage in (0, last) else 2 for stage in range(len(widths))]  # last stride 1: a finer map
        inside = (widths[0], *widths)
        self.stages = nn.Sequential(*(ResidualBlock(*shape) for shape in zip(inside, widths, strides, strict=False)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def divided(self) -> list[nn.Module]:
        """Return the blocks, the first with the stem."""
        first, *others = self.stages
        return [nn.Sequential(self.stem, first), *others]

    def forward(self, images: Tensor) -> Tensor:
        """Map float32 [n, 3, H, W] to [n, channels, h, w]."""
        return self.stages(self.stem(images))  # type: ignore[no-any-return]


class InputSettings(NamedTuple):
    """How the images of a network are made.

    Attributes
    ----------
    resize : str
        ``bilinear`` or ``bicubic``.
    size : (int, int) or None
        The only height and width it takes, in pixels; None: any.
    multiple : int
        Pixels that height and width are multiples of.
    """

    resize: Literal["bilinear", "bicubic"]
    size: tuple[int, int] | None = None
    multiple: int = 1


def input_settings(config: NetworkConfig) -> InputSettings:
    """Return what timm says of a network's images; bilinear and any size for others.

    Raises
    ------
    ParameterError
        timm is not installed or has no such model.
    """
    if config.architecture in REID_NETWORKS:
        model = MODELS[config.architecture]
        tokens = token_model(model.name)
        return InputSettings(model.resize, multiple=tokens.patch if tokens else 1)
    if not config.architecture.startswith(TIMM):
        return InputSettings("bilinear")
    name = config.architecture.removeprefix(TIMM)
    settings, tokens = timm_settings(name), token_model(name)
    multiple = tokens.patch if tokens else 1
    if settings is None:
        return InputSettings("bilinear", multiple=multiple)
    fixed = settings.fixed_input_size and not (tokens and tokens.options)
    size = tuple(settings.input_size[1:]) if fixed else None
    return InputSettings("bicubic" if settings.interpolation == "bicubic" else "bilinear", size, multiple)


def check_image_size(config: NetworkConfig, height: int, width: int) -> None:
    """Check that a network takes images of a size in pixels.

    Raises
    ------
    ParameterError
        It takes another size alone, or multiples of a patch; timm is not installed or has no such model.
    """
    _, size, multiple = input_settings(config)
    if size is None and (height % multiple or width % multiple):
        size = max(1, round(height / multiple)) * multiple, max(1, round(width / multiple)) * multiple
        takes = f"whose sides are multiples of {multiple} pixels"
    elif size not in (None, (height, width)):
        takes = f"of {size[0]} × {size[1]} pixels alone"
    else:
        return
    raise ParameterError(
        f"network.architecture {config.architecture!r} takes images {takes}, not of {height} × {width}: "
        f"pixels.height={size[0]},pixels.width={size[1]}"
    )


def build_backbone(config: NetworkConfig) -> Backbone:
    """Return the backbone of that name, with random weights from torch's global generator.

    Raises
    ------
    ParameterError
        The name is unknown (near ones are offered), or it is timm's and timm is not installed.
    """
    if config.architecture == "small":
        return Small(config.widths, config.stem_stride)
    if config.architecture in RESNETS:
        from whosame.features.torchvision_resnet import build_resnet  # torchvision takes seconds to import

        return build_resnet(config.architecture)
    if config.architecture in REID_NETWORKS:
        return build_reid_model(config.architecture)
    if config.architecture.startswith(TIMM):
        name, pretrained = config.architecture.removeprefix(TIMM), config.weights == "timm"
        tokens = token_model(name)
        if tokens is None:
            return TimmBackbone(name, pretrained=pretrained)
        return TimmTokens(name, pretrained=pretrained, **tokens.options)
    if config.architecture.startswith(GIVEN):
        return GivenFeatures(int(config.architecture.removeprefix(GIVEN)))
    if config.architecture == AUTO:
        raise no_network()  # or one would have been chosen when the parameters were read
    raise unknown_name("network.architecture", config.architecture, ARCHITECTURES)
