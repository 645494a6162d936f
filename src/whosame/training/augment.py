"""Augmentation of a batch: affine, flip, pad and crop, colour, random erasing."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from whosame.features.base import IMAGENET_MEAN, IMAGENET_STD
from whosame.features.batches import to_device, to_unit
from whosame.training.config import AugmentConfig
from whosame.training.draws import Draws

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: weights of red, green and blue in grey
COLOURS = {  # of what padding and erasing fill, in 0..1
    "black": (0.0, 0.0, 0.0),
    "mean": IMAGENET_MEAN,
    # The papers' code erases after normalisation, with the mean of images that are not normalised.
    "light": tuple(mean + std * mean for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)),
}
ATTEMPTS = 100  # of a rectangle that is drawn again until it fits


def augment(pixels: Tensor, config: AugmentConfig, draws: Draws) -> Tensor:
    """Augment a batch.

    Parameters
    ----------
    pixels : uint8 [n, H, W, 3]
        On any device.
    config : AugmentConfig
    draws : Draws
        Of the images, or of a batch that they are a share of.

    Returns
    -------
    float32 [n, 3, H, W]
        From 0 to 1, a little beyond where colours vary.
    """
    if config.pad or config.flip:
        pixels = flip_and_crop(pixels, config, draws)
    images = to_unit(pixels)
    if config.rotation or config.log_scale or config.shear or config.shift:
        images = affine(images, config, draws)
    if config.colour or config.channel_gain:
        images = colour(images, config, draws)
    return erase(images, config, draws) if config.erase else images


def flip_and_crop(pixels: Tensor, config: AugmentConfig, draws: Draws) -> Tensor:
    """Flip each image with a probability; pad it with a colour and crop it to its size at random."""
    n, H, W, _ = pixels.shape
    on = pixels.device
    padded = pixels.new_empty(n, H + 2 * config.pad, W + 2 * config.pad, 3)
    for channel, value in enumerate(COLOURS[config.pad_colour]):
        padded[..., channel] = round(255 * value)
    padded[:, config.pad : config.pad + H, config.pad : config.pad + W] = pixels
    corners = draws.integers(2 * config.pad + 1, 2, n)
    flipped = draws.uniform(n) < config.flip
    top, left = to_device(corners, on)
    windows = padded.unfold(1, H, 1).unfold(2, W, 1)  # [n, 2 pad + 1, 2 pad + 1, 3, H, W], a view
    cropped = windows[torch.arange(n, device=on), top, left]  # [n, 3, H, W]
    flipped = to_device(flipped[:, None, None, None], on)  # [n, 1, 1, 1]
    return torch.where(flipped, cropped.flip(3), cropped).permute(0, 2, 3, 1)


def affine(images: Tensor, config: AugmentConfig, draws: Draws) -> Tensor:
    """Rotate, scale, shear and shift each image a little about its centre; border pixels are repeated outwards."""
    n, _, H, W = images.shape
    angle, shear, up, across, right, down = draws.normal(6, n)
    angle, shear = angle * config.rotation, shear * config.shear
    tall, wide = (up * config.log_scale).exp(), (across * config.log_scale).exp()
    aspect = H / W
    # Output position (x, y in -1..1) to input position: shear, then rotation (in pixels, so not skewed by the aspect).
    cos, sin = angle.cos(), angle.sin()
    theta = torch.stack(
        [
            torch.stack([wide * cos, tall * (shear - sin * aspect), right * config.shift], dim=1),
            torch.stack([wide * sin / aspect, tall * cos, down * config.shift], dim=1),
        ],
        dim=1,
    )
    theta = to_device(theta, images.device)
    grid = functional.affine_grid(theta, [n, 3, H, W], align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def colour(images: Tensor, config: AugmentConfig, draws: Draws) -> Tensor:
    """Change each image's gain, white balance, contrast and saturation by log-normal factors.

    All four are one 3×3 matrix and one offset per image: ``x ↦ A x + b``. Values may leave 0..1: they are not clipped.
    """
    n, _, H, W = images.shape
    on = images.device
    gain, contrast, saturation = (draws.normal(3, n) * config.colour).exp()
    balance = (draws.normal_rows(n, 3) * config.channel_gain).exp()
    grey = torch.tensor(LUMA).expand(3, 3)  # every row gives the grey of a colour
    matrix = saturation[:, None, None] * torch.eye(3) + (1 - saturation)[:, None, None] * grey
    matrix = matrix * (gain[:, None] * balance)[:, None, :]  # A = saturation · diag(gains): gains come first
    flat = images.view(n, 3, H * W)
    strength = contrast[:, None, None]
    after = to_device(strength * matrix, on)
    matrix, strength = to_device(matrix, on), to_device(strength, on)
    mean = torch.bmm(matrix, flat.mean(dim=2, keepdim=True))  # [n, 3, 1]: the mean after A
    offset = (1 - strength) * mean.mean(dim=1, keepdim=True)  # contrast about the mean grey, the same in each channel
    return torch.baddbmm(offset, after, flat).view_as(images)


def erase(images: Tensor, config: AugmentConfig, draws: Draws) -> Tensor:
    """Fill a random rectangle of some images with a colour, in place."""
    n, _, H, W = images.shape
    rectangle = {"clipped": clipped_rectangles, "redrawn": redrawn_rectangles}[config.erase_shape]
    drawn = rectangle(n, H, W, config, draws)
    erased = drawn[2].nonzero()[:, 0]  # on the CPU, as the rectangles are: no GPU is waited for
    top, left, height, width = to_device(drawn[:, erased], images.device)
    row, column = (torch.arange(length, device=images.device) + 0.5 for length in (H, W))
    inside_rows = (row >= top[:, None]) & (row < (top + height)[:, None])  # [e, H]
    inside_columns = (column >= left[:, None]) & (column < (left + width)[:, None])  # [e, W]
    mask = inside_rows[:, None, :, None] & inside_columns[:, None, None, :]
    fill = to_device(torch.tensor(COLOURS[config.erase_colour]).view(3, 1, 1), images.device)
    erased = to_device(erased, images.device)
    images = images.to(torch.float32)  # bfloat16 after colours, under autocast
    images[erased] = torch.where(mask, fill, images[erased])
    return images


def clipped_rectangles(n: int, H: int, W: int, config: AugmentConfig, draws: Draws) -> Tensor:
    """Draw n rectangles of log-uniform aspect, clipped to the image; some are empty.

    Returns
    -------
    float32 [4, n]
        Top, left, height and width in pixels, fractions included.
    """
    chosen, area, aspect, top, left = draws.uniform(5, n)
    low, high = config.erase_area
    area = (low + (high - low) * area) * H * W
    aspect = ((2 * aspect - 1) * math.log(1 / config.erase_aspect)).exp()
    height = (area * aspect).sqrt().clamp(max=H)
    width = (area / aspect).sqrt().clamp(max=W)
    height = torch.where(chosen < config.erase, height, 0)
    return torch.stack([top * (H - height), left * (W - width), height, width])


def redrawn_rectangles(n: int, H: int, W: int, config: AugmentConfig, draws: Draws) -> Tensor:
    """Draw n rectangles of uniform aspect, each again until it is smaller than the image; some are empty.

    Returns
    -------
    float32 [4, n]
        Top, left, height and width in whole pixels.

    References
    ----------
    Zhong et al., *Random erasing data augmentation*, AAAI 2020, Algorithm 1, as the code of SpCL and Cluster Contrast
    has it: of 100 attempts that all fail none is erased.
    """
    chosen, top, left = draws.uniform(3, n)
    area, aspect = draws.uniform(2, ATTEMPTS, n)
    low, high = config.erase_area
    area = (low + (high - low) * area) * H * W
    aspect = config.erase_aspect + (1 / config.erase_aspect - config.erase_aspect) * aspect
    sizes = torch.stack([(area * aspect).sqrt().round(), (area / aspect).sqrt().round()])  # [2, ATTEMPTS, n]
    fits = (sizes[0] < H) & (sizes[1] < W)
    first = fits.int().argmax(dim=0)  # the first that fits
    height, width = sizes[:, first, torch.arange(n)]
    height = torch.where((chosen < config.erase) & fits.any(dim=0), height, 0)
    return torch.stack([(top * (H - height + 1)).floor(), (left * (W - width + 1)).floor(), height, width])
