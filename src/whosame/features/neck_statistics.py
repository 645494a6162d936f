"""Statistics of the BatchNorm neck of a pretrained network, which has not been trained with one."""

import numpy as np
import torch
from numpy.typing import NDArray

from whosame.features.batches import Pixels, first_maps, read_ahead, to_unit
from whosame.features.config import NetworkConfig
from whosame.features.device import Precision, autocast, find_device
from whosame.features.network import ReIDNetwork
from whosame.seeding import stream

BATCH = 64  # images


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
        As in :func:`whosame.features.extraction.extract`.
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
    trained = network.trained_part()
    batches = np.split(image_ids, range(BATCH, len(image_ids), BATCH))
    for _, raw in read_ahead(pixels, batches, on):
        with autocast(on, precision):
            feature_map = trained(first_maps(network, raw, to_unit))
        pooled = network.pooling(feature_map.float()).double()
        total += pooled.sum(dim=0)
        squares += pooled.square().sum(dim=0)
    mean = total / len(image_ids)
    neck.running_mean.copy_(mean)
    neck.running_var.copy_((squares - len(image_ids) * mean.square()).clamp_(min=0) / (len(image_ids) - 1))
    network.train(training)
