"""ResNets of torchvision as backbones, and the names of their weights.

Imported only where one of them is used: torchvision takes seconds to import.
"""

from typing import TYPE_CHECKING, Any

import torchvision
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from whosame.features.base import Backbone

LAYERS = {
    "resnet18": (BasicBlock, [2, 2, 2, 2]),
    "resnet34": (BasicBlock, [3, 4, 6, 3]),
    "resnet50": (Bottleneck, [3, 4, 6, 3]),
    "resnet101": (Bottleneck, [3, 4, 23, 3]),
}


class TorchvisionResNet(ResNet, Backbone):  # type: ignore[misc]
    """torchvision's ResNet without pooling and classifier, the stride of its last stage set to 1.

    The parameters keep torchvision's names, so that its weight files fit.
    """

    head = ("fc.",)

    if TYPE_CHECKING:  # torchvision has no types

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, block: type[nn.Module], layers: list[int]) -> None:
        super().__init__(block, layers)
        self.channels: int = self.fc.in_features
        del self.avgpool, self.fc
        # torchvision strides in the 3×3 convolution: conv2 of a bottleneck, conv1 of a basic block
        first = self.layer4[0]
        (first.conv2 if block is Bottleneck else first.conv1).stride = (1, 1)
        first.downsample[0].stride = (1, 1)

    def divided(self) -> list[nn.Module]:
        """Return the four layers, the first with the stem."""
        first = nn.Sequential(self.conv1, self.bn1, self.relu, self.maxpool, self.layer1)
        return [first, self.layer2, self.layer3, self.layer4]

    def forward(self, images: Tensor) -> Tensor:
        """Map float32 [n, 3, H, W] to [n, channels, H / 16, W / 16]."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))  # type: ignore[no-any-return]


def build_resnet(architecture: str) -> TorchvisionResNet:
    """Return one of :data:`LAYERS`, with random weights from torch's global generator."""
    return TorchvisionResNet(*LAYERS[architecture])


def torchvision_weights(architecture: str) -> list[str]:
    """Return torchvision's full enum names of the weights that fit an architecture."""
    return [str(member) for member in torchvision.models.get_model_weights(architecture)]
