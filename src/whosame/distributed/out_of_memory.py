"""Out of memory on the device: which batch fits, found by trying halves on black images."""

from collections.abc import Callable

import torch

from whosame.distributed.extraction import ExtractionJob
from whosame.distributed.training import TrainingJob
from whosame.errors import DeviceMemoryError
from whosame.features.device import autocast, find_device
from whosame.features.network import ReIDNetwork
from whosame.training.ghost_norm import forward_in_chunks
from whosame.training.ranks import Ranks


def extraction_error(job: ExtractionJob) -> DeviceMemoryError:
    """Return the error of an extraction that ran out of memory; it names the batch that fits."""
    network, on = job.checkpoint.build(job.network), find_device(job.device, job.precision)
    network.move_to(on).eval()

    @torch.inference_mode()
    def step(images: int) -> None:
        with autocast(on, job.precision):
            maps = network.feature_map(_black(network, images, job.pixels.shape))
        network.embed(maps)

    batch = job.config.batch_size
    return DeviceMemoryError(
        f"the device has not enough memory to extract features of {batch} images at a time: "
        f"{_found(_largest(step, batch), 'extraction.batch_size')}. The features do not depend on it."
    )


def training_error(ranks: Ranks, job: TrainingJob) -> DeviceMemoryError:
    """Return the error of a training that ran out of memory; it names the number of clusters that fits."""
    network, on = job.start.build(job.network), find_device(job.device, job.precision)
    network.move_to(on).train()
    config = job.config

    def step(clusters: int) -> None:
        images = ranks.share(clusters * config.images_per_cluster, config.norm_chunk)
        with autocast(on, job.precision):
            black = _black(network, images.stop - images.start, job.pixels.shape)
            features = forward_in_chunks(network.after_frozen(), network.frozen_map(black), config.norm_chunk)
        features.sum().backward()  # type: ignore[no-untyped-call]

    batch = f"{config.clusters_per_batch} clusters with {config.images_per_cluster} images each"
    return DeviceMemoryError(
        f"the device has not enough memory to train on batches of {batch}: "
        f"{_found(_largest(step, config.clusters_per_batch, least=2), 'training.clusters_per_batch')}, which changes "
        "the results; more processes, each with a GPU and chunks of training.norm_chunk of its own, do not."
    )


def _black(network: ReIDNetwork, images: int, shape: tuple[int, int, int, int]) -> torch.Tensor:
    black = torch.zeros(images, 3, *shape[1:3], device=network.mean.device)
    return black.contiguous(memory_format=network.memory_format)


def _found(size: int, name: str) -> str:
    return f"{size} fit, use {name}={size}" if size else f"not even the smallest {name} fits: use smaller pixels"


def _largest(step: Callable[[int], None], size: int, least: int = 1) -> int:
    """Return the largest of a half, a quarter, … of a size with which a step has enough memory, 0 if none has."""
    while (size := size // 2) >= least:
        torch.cuda.empty_cache()
        try:
            step(size)
        except torch.OutOfMemoryError:
            continue  # what the step holds is released with its exception
        return size
    return 0
