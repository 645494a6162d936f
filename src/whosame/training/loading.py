"""Loading of batches: what the host does for a batch while the network computes the one before."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whosame.features.batches import Pixels, ahead, first_maps, maps_of_images, read, to_device
from whosame.features.device import Precision, autocast
from whosame.features.network import ReIDNetwork
from whosame.training.losses.objective import Batch, Objective, Prepared


def loaded(
    batches: Iterable[Batch],
    share: slice,
    pixels: Pixels,
    image_ids: NDArray[np.int64],
    objective: Objective,
    network: ReIDNetwork,
    augmented: Callable[[Tensor], Tensor],
    on: torch.device,
    precision: Precision,
) -> Iterator[tuple[Prepared, Tensor]]:
    """Yield each batch, prepared for its loss, with what the network takes after its frozen stages.

    A thread reads the pixels or maps and prepares the batch, one ahead. On a CPU it augments the images too, while the
    network has the other cores; on a GPU they are augmented there, after pixels in bytes, a quarter of the size, have
    been copied. Nothing waits for a GPU. The images of a batch are drawn and varied in turn: the same in any thread.

    Parameters
    ----------
    batches : iterable of int64 [P*K]
        Positions 0..n-1.
    share : slice
        Which m of a batch's images are this process's: they alone are read.
    pixels : Pixels
        Or maps after the network's frozen stages.
    image_ids : int64 [n]
    objective : Objective
    network : ReIDNetwork
        On the device.
    augmented : callable
        Makes images float32 [m, 3, H, W] of pixels.
    on : torch.device
    precision : str

    Yields
    ------
    Prepared, Tensor [m, C, h, w]
        The whole batch; and maps, or the images themselves if no stage is frozen.
    """
    # Not with bfloat16: autocast in two threads at once is not deterministic. Frozen stages want every core.
    early = on.type == "cpu" and precision == "float32" and not network.frozen_stages

    def load(batch: Batch) -> tuple[Prepared, Tensor, bool]:
        raw = read(pixels, image_ids[batch[share]], on)
        done = early and raw.dtype == torch.uint8 and len(raw) > 0
        return objective.prepare(batch), maps_of_images(network, augmented(raw)) if done else raw, done

    for _, (prepared, raw, done) in ahead(load, batches):
        maps = to_device(raw, on)
        if not done and len(maps):
            with autocast(on, precision):
                maps = first_maps(network, maps, augmented)
        yield prepared.on(on), maps
