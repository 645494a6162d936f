"""Disk that a run needs, part by part, and what is free."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from whosame.atomic import GIB
from whosame.configuration import Configuration
from whosame.features.network import ReIDNetwork
from whosame.inspection.speed import kept_versions

LINKS = 40  # an image has in the graph of a round, about
LINK = 12  # bytes of a link: distance, row, and its share of the index
NEWEST = 2  # rounds that are kept in any case


@dataclass(frozen=True)
class DiskUse:
    """Bytes that a run writes, and that are free.

    Attributes
    ----------
    pixels, maps : int
        Shared by runs on the same images; 0 where they are not kept.
    round : int
        Features, graph and checkpoint of a round.
    rounds : int
        How many rounds keep them.
    free : int
        On the disk of the project's data.
    """

    pixels: int
    maps: int
    round: int
    rounds: int
    free: int

    @property
    def total(self) -> int:
        """All that the run writes."""
        return self.pixels + self.maps + self.round * self.rounds

    @property
    def enough(self) -> bool:
        """Whether it fits."""
        return self.total < self.free


@torch.inference_mode()
def disk_use(
    network: ReIDNetwork, config: Configuration, size: tuple[int, int], *, images: int, train_images: int, data: Path
) -> DiskUse:
    """Return what a run needs.

    Parameters
    ----------
    network : ReIDNetwork
    config : Configuration
    size : (int, int)
        Height and width of the pixels.
    images, train_images : int
        All images, and those for training.
    data : Path
        The project's data folder; it need not exist yet.
    """
    pixels = images * size[0] * size[1] * 3
    if pixels > config.pixels.disk_budget_gib * GIB:
        pixels = 0  # decoded at every read
    versions, maps = kept_versions(config.network, config.training), 0
    if versions:
        empty = torch.zeros(1, 3, *size, device=network.mean.device)
        form = network.frozen_map(empty).numel() * np.dtype(np.float16).itemsize
        maps = form * (images + (versions - 1) * train_images)
    weights = sum(value.numel() * value.element_size() for value in network.state_dict().values())
    moments = 2 * sum(each.numel() * 4 for each in network.parameters() if each.requires_grad)  # Adam's
    of_images = features_and_graph(train_images, network.dimension)
    kept = min(config.rounds, -(-config.rounds // config.storage.keep_every) + NEWEST)
    existing = next(each for each in (data, *data.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    return DiskUse(pixels, maps, weights + moments + of_images, kept, free)


def features_and_graph(images: int, dimension: int) -> int:
    """Return about how many bytes the features and the graph of a round take on the disk."""
    return images * (dimension * (4 + 1) + LINKS * LINK)
