"""Feature extraction, with the row of each channel's maximum (DCPS, section 3.2); first statistics of the neck."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whosame.errors import ParameterError
from whosame.features.batches import Pixels, first_maps, read_ahead, to_unit
from whosame.features.config import ExtractionConfig, NetworkConfig
from whosame.features.device import Precision, autocast, find_device
from whosame.features.network import ReIDNetwork
from whosame.seeding import stream

ROWS = 256  # as many as uint8 can number
BATCH = 64  # images at a time, for the statistics of the neck


@dataclass(frozen=True, eq=False)
class Features:
    """The features of n images.

    Attributes
    ----------
    vectors : float32 [n, D]
        Features of length 1.
    vertical : uint8 [n, C], or None
        For each channel the row of its maximum in the last feature map before pooling, the topmost on ties, from 0 at
        the head to ``map_height - 1``: g of DCPS Eq. 5.
    map_height : int
        Rows of that feature map.
    """

    vectors: NDArray[np.float32]
    vertical: NDArray[np.uint8] | None
    map_height: int


@torch.inference_mode()
def extract(
    network: ReIDNetwork,
    pixels: Pixels,
    image_ids: NDArray[np.int64],
    config: ExtractionConfig,
    *,
    device: str = "auto",
    precision: Precision = "float32",
    vertical: bool = False,
) -> Features:
    """Extract the features of images: no augmentation, BatchNorm by its running statistics.

    Parameters
    ----------
    network : ReIDNetwork
        Moved to the device; left in the mode it was in.
    pixels : Pixels
        Or maps after the network's frozen stages.
    image_ids : int64 [n]
    config : ExtractionConfig
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    precision : str
        ``float32`` or ``bfloat16``, of the backbone.
    vertical : bool
        Whether to return the rows of the maxima too.

    Returns
    -------
    Features
    """
    on = find_device(device, precision)
    training = network.training
    network.move_to(on).eval()
    map_height = network.map_height(*pixels.shape[1:3])
    if vertical and map_height > ROWS:
        raise ParameterError(f"the feature map has {map_height} rows, more than {ROWS}: use smaller images")
    vectors = np.empty((len(image_ids), network.dimension), np.float32)
    rows = np.empty((len(image_ids), network.dimension), np.uint8) if vertical else None
    done = 0
    for feature_map in _feature_maps(network, pixels, image_ids, config.batch_size, on, precision):
        here = slice(done, done + len(feature_map))
        vectors[here] = network.embed(feature_map).cpu().numpy()
        if rows is not None:
            rows[here] = rows_of_maxima(feature_map).cpu().numpy()
        done = here.stop
    network.train(training)
    return Features(vectors, rows, map_height)


def rows_of_maxima(feature_map: Tensor) -> Tensor:
    """Return each channel's row of its maximum, the topmost on ties: [n, C, h, w] to uint8 [n, C]."""
    return feature_map.amax(dim=3).argmax(dim=2).to(torch.uint8)  # argmax returns the first of equal values


def first_images(image_ids: NDArray[np.int64], config: NetworkConfig, *, seed: int) -> NDArray[np.int64]:
    """Draw the training images that the neck is estimated from, at most ``config.neck_images``, int64 [n]."""
    return np.sort(stream(seed, "neck").permutation(image_ids)[: config.neck_images])


@torch.inference_mode()
def estimate_neck(
    network: ReIDNetwork,
    pixels: Pixels,
    image_ids: NDArray[np.int64],
    *,
    device: str = "auto",
    precision: Precision = "float32",
) -> None:
    """Set the neck's running mean and variance to those of images, in place.

    An untrained neck passes pooled channels of any mean and scale on, so that a few of them decide every distance.
    After this each has mean 0 and variance 1 over the images. A neck that came with the weights keeps its statistics.

    Parameters
    ----------
    network : ReIDNetwork
        Moved to the device; left in the mode it was in.
    pixels : Pixels
    image_ids : int64 [n]
        At least 2; with fewer nothing is changed.
    device, precision
        As in :func:`extract`.
    """
    neck = network.neck
    assert neck.running_mean is not None
    assert neck.running_var is not None
    untrained = bool((neck.running_mean == 0).all() and (neck.running_var == 1).all())
    if not untrained or len(image_ids) < 2:
        return
    on = find_device(device, precision)
    training = network.training
    network.move_to(on).eval()
    total = torch.zeros(network.dimension, dtype=torch.float64, device=on)
    squares = torch.zeros_like(total)
    for feature_map in _feature_maps(network, pixels, image_ids, BATCH, on, precision):
        pooled = network.pooling(feature_map.float()).double()
        total += pooled.sum(dim=0)
        squares += pooled.square().sum(dim=0)
    mean = total / len(image_ids)
    neck.running_mean.copy_(mean)
    neck.running_var.copy_((squares - len(image_ids) * mean.square()).clamp_(min=0) / (len(image_ids) - 1))
    network.train(training)


def _feature_maps(
    network: ReIDNetwork,
    pixels: Pixels,
    image_ids: NDArray[np.int64],
    size: int,
    on: torch.device,
    precision: Precision,
) -> Iterator[Tensor]:
    """Yield the last feature map of batches of images, [n, C, h, w]."""
    trained = network.trained_part()
    batches = np.split(image_ids, range(size, len(image_ids), size)) if len(image_ids) else []
    for _, raw in read_ahead(pixels, batches, on):
        with autocast(on, precision):
            feature_map = trained(first_maps(network, raw, to_unit))
        yield feature_map
