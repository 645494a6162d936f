"""Backbones: a small residual network, torchvision's ResNets, any model of timm."""

from torch import Tensor, nn

from whosame.errors import ParameterError, unknown_name
from whosame.features.config import ARCHITECTURES, RESNETS, TIMM, NetworkConfig


class Backbone(nn.Module):
    """A module with ``channels``, those of the feature map [n, channels, h, w] that ``forward`` returns."""

    channels: int


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

    def forward(self, images: Tensor) -> Tensor:
        """Map float32 [n, 3, H, W] to [n, channels, h, w]."""
        return self.stages(self.stem(images))  # type: ignore[no-any-return]


class TimmBackbone(Backbone):
    """The last feature map of a timm model."""

    def __init__(self, name: str, *, pretrained: bool) -> None:
        super().__init__()
        try:
            import timm
        except ImportError as error:
            raise ParameterError(
                f"network.architecture '{TIMM}{name}' needs timm, which is not installed: pip install timm"
            ) from error
        if not timm.is_model(name):
            raise unknown_name("timm model", name, timm.list_models())
        self.model = timm.create_model(name, pretrained=pretrained, features_only=True, out_indices=(-1,))
        self.channels = int(self.model.feature_info.channels()[-1])

    def forward(self, images: Tensor) -> Tensor:
        """Map float32 [n, 3, H, W] to [n, channels, h, w]."""
        return self.model(images)[-1]  # type: ignore[no-any-return]


def build_backbone(config: NetworkConfig) -> nn.Module:
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
    if config.architecture.startswith(TIMM):
        return TimmBackbone(config.architecture.removeprefix(TIMM), pretrained=config.weights == "timm")
    raise unknown_name("network.architecture", config.architecture, ARCHITECTURES)
