"""From stored pixels to what a network takes: the one place that knows the mean and the spread."""

import torch
from torch import Tensor

# Red, green and blue of ImageNet in 0..1: what torchvision's and timm's weights expect; as good as any for random ones.
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def to_unit(pixels: Tensor) -> Tensor:
    """Turn pixels uint8 [n, H, W, 3] into float32 [n, 3, H, W] from 0 to 1."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).mul_(1 / 255)


def normalise(images: Tensor) -> Tensor:
    """Subtract the mean and divide by the spread of each channel, in place: float32 [n, 3, H, W] from 0 to 1."""
    mean = torch.tensor(MEAN, device=images.device).view(3, 1, 1)
    std = torch.tensor(STD, device=images.device).view(3, 1, 1)
    return images.sub_(mean).div_(std)
