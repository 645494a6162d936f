"""Feature extraction, and in the same pass the row of each channel's maximum (DCPS, section 3.2)."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whosame.errors import ParameterError
from whosame.features.batches import Pixels, first_maps, read_ahead, to_unit
from whosame.features.config import ExtractionConfig
from whosame.features.device import Precision, autocast, find_device
from whosame.features.network import ReIDNetwork

ROWS = 256  # as many as uint8 can number


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
    batches = np.split(image_ids, range(config.batch_size, len(image_ids), config.batch_size)) if len(image_ids) else []
    trained = network.trained_part()
    done = 0
    for batch, raw in read_ahead(pixels, batches, on):
        with autocast(on, precision):
            feature_map = trained(first_maps(network, raw, to_unit))
        here = slice(done, done + len(batch))
        vectors[here] = network.embed(feature_map).cpu().numpy()
        if rows is not None:
            rows[here] = rows_of_maxima(feature_map).cpu().numpy()
        done += len(batch)
    network.train(training)
    return Features(vectors, rows, map_height)


def rows_of_maxima(feature_map: Tensor) -> Tensor:
    """Return each channel's row of its maximum, the topmost on ties: [n, C, h, w] to uint8 [n, C]."""
    return feature_map.amax(dim=3).argmax(dim=2).to(torch.uint8)  # argmax returns the first of equal values
