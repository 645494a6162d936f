"""Batches of pixels, or of the maps in their place: read one ahead of the network, and as what it takes."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whosame.features.network import ReIDNetwork


class Pixels(Protocol):
    """Decoded images of one size: :class:`whosame.data.pixels.Pixels`, an array on disk or a stream, is one.

    So are the maps of such images after a network's frozen stages (:class:`whosame.features.frozen_maps.FrozenMaps`).
    """

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(M, H, W, 3): images, rows, columns, channels."""

    def read(self, image_ids: NDArray[np.int64]) -> NDArray[Any]:
        """Return the images of those ids, uint8 [n, H, W, 3], in their order; or their maps, float16 [n, C, h, w]."""


def read_ahead(
    pixels: Pixels, batches: Iterable[NDArray[np.int64]], device: torch.device
) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
    """Yield each batch of image ids with its pixels or maps on the device.

    A thread reads one batch ahead, so that the disk and the decoder work in parallel with the network.
    """
    pin = device.type == "cuda"

    def load(image_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], Tensor]:
        images = torch.from_numpy(np.ascontiguousarray(pixels.read(image_ids)))
        return image_ids, images.pin_memory() if pin else images

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read") as reader:
        waiting: Future[tuple[NDArray[np.int64], Tensor]] | None = None
        for batch in batches:
            following = reader.submit(load, batch)
            if waiting is not None:
                ids, images = waiting.result()
                yield ids, images.to(device, non_blocking=pin)
            waiting = following
        if waiting is not None:
            ids, images = waiting.result()
            yield ids, images.to(device, non_blocking=pin)


def first_maps(network: ReIDNetwork, raw: Tensor, images: Callable[[Tensor], Tensor]) -> Tensor:
    """Return what a network takes after its frozen stages.

    Parameters
    ----------
    network : ReIDNetwork
    raw : Tensor
        A batch as it was read: pixels uint8 [n, H, W, 3], or maps after the frozen stages float16.
    images : callable
        Makes images float32 [n, 3, H, W] of pixels: :func:`to_unit`, or an augmentation.
    """
    if raw.dtype == torch.uint8:
        return network.frozen_map(images(raw).contiguous(memory_format=network.memory_format))
    maps = raw.to(torch.float32)
    return maps.contiguous(memory_format=network.memory_format) if maps.dim() == 4 else maps


def to_unit(pixels: Tensor) -> Tensor:
    """Convert pixels uint8 [n, H, W, 3] to float32 [n, 3, H, W] from 0 to 1."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).mul_(1 / 255)
