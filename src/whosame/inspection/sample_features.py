"""Features of a sample by the network that a run begins with, and of crops of the same images."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from whosame.features.config import ExtractionConfig, NetworkConfig
from whosame.features.device import Precision
from whosame.features.extraction import Features, estimate_neck, extract, first_images
from whosame.features.network import ReIDNetwork
from whosame.inspection.sample import HeldPixels
from whosame.seeding import stream

CROPPED = 300  # images of which crops are compared
SIDE = 0.75  # of a crop, as a share of the image's; two crops of an image have at least a quarter of it in common


@dataclass(frozen=True, eq=False)
class SampleFeatures:
    """Features of n sampled images.

    Attributes
    ----------
    images : Features
        Of the whole images, as a run's first round has them.
    cropped : int64 [m]
        Rows of the images of which crops were made.
    crops : float32 [2, m, D]
        Features of two crops of each.
    """

    images: Features
    cropped: NDArray[np.int64]
    crops: NDArray[np.float32]


def sample_features(
    network: ReIDNetwork,
    pixels: HeldPixels,
    config: NetworkConfig,
    extraction: ExtractionConfig,
    *,
    seed: int,
    device: str,
    precision: Precision,
    vertical: bool,
) -> SampleFeatures:
    """Extract the features of a sample.

    Parameters
    ----------
    network : ReIDNetwork
        As it was built; its neck is estimated here, from the sample.
    pixels, config, extraction, seed, device, precision, vertical
        As in a run.
    """
    every = np.arange(pixels.shape[0])
    estimate_neck(network, pixels, first_images(every, config, seed=seed), device=device, precision=precision)
    images = extract(network, pixels, every, extraction, device=device, precision=precision, vertical=vertical)
    generator = stream(seed, "look", "crops")
    rows = np.sort(generator.permutation(every)[:CROPPED])
    crops = []
    for _ in range(2):
        part = HeldPixels(_crops(pixels.read(rows), generator), pixels.decoding)
        found = extract(network, part, np.arange(len(rows)), extraction, device=device, precision=precision)
        crops.append(found.vectors)
    return SampleFeatures(images, rows, np.stack(crops))


def _crops(pixels: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return a crop of each image, drawn at random and resized to the image's size, uint8 [m, H, W, 3]."""
    n, height, width, _ = pixels.shape
    high, wide = max(round(SIDE * height), 1), max(round(SIDE * width), 1)
    tops, lefts = generator.integers(0, height - high + 1, n), generator.integers(0, width - wide + 1, n)
    cropped = np.empty_like(pixels)
    for row, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        part = torch.from_numpy(pixels[row, top : top + high, left : left + wide].astype(np.float32))
        resized = functional.interpolate(part.permute(2, 0, 1)[None], (height, width), mode="bilinear")[0]
        cropped[row] = resized.permute(1, 2, 0).round().numpy()
    return cropped
