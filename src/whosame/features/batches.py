"""Batches of pixels, or of the maps in their place: read one ahead of the network, and as what it takes."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whosame.features.network import ReIDNetwork

T = TypeVar("T")
R = TypeVar("R")


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
    """Yield each batch of image ids with its pixels or maps on the device, read by :func:`ahead`."""
    for image_ids, images in ahead(partial(read, pixels, device=device), batches):
        yield image_ids, to_device(images, device)


def read(pixels: Pixels, image_ids: NDArray[np.int64], device: torch.device) -> Tensor:
    """Return images on the CPU; those for a GPU in memory that it copies from while the network computes."""
    images = torch.from_numpy(np.ascontiguousarray(pixels.read(image_ids)))
    return images.pin_memory() if device.type == "cuda" else images


def ahead(work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
    """Yield each item with its result, made in a thread one item ahead.

    So the disk, the decoder and whatever else the host does work in parallel with the network. Torch has one core in
    that thread: a second team of threads would take the network's cores, and spin on them.
    """
    cores = torch.get_num_threads()
    reader = ThreadPoolExecutor(1, "read", initializer=torch.set_num_threads, initargs=(1,))
    waiting: tuple[T, Future[R]] | None = None
    try:
        for item in items:
            following = item, reader.submit(work, item)
            if waiting is not None:
                yield waiting[0], waiting[1].result()
            waiting = following
        if waiting is not None:
            yield waiting[0], waiting[1].result()
    finally:
        reader.shutdown()
        torch.set_num_threads(cores)  # of threads that begin later: they have as many as were set last, by any


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor from the CPU to a device; a GPU copies in its own time, and the host does not wait for it."""
    if device.type == "cuda" and tensor.device.type == "cpu" and not tensor.is_pinned():
        tensor = tensor.pin_memory()  # from other memory the driver may wait for all that was launched before
    return tensor.to(device, non_blocking=True)


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
        return maps_of_images(network, images(raw))
    maps = raw.to(torch.float32)
    return maps.contiguous(memory_format=network.memory_format) if maps.dim() == 4 else maps


def maps_of_images(network: ReIDNetwork, images: Tensor) -> Tensor:
    """Return the maps after the frozen stages of images float32 [n, 3, H, W]."""
    return network.frozen_map(images.contiguous(memory_format=network.memory_format))


def to_unit(pixels: Tensor) -> Tensor:
    """Convert pixels uint8 [n, H, W, 3] to float32 [n, 3, H, W] from 0 to 1."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).mul_(1 / 255)
