"""Extraction of features by several processes: each its share of the images, in the batches of one process."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from whosame.features.batches import Pixels
from whosame.features.config import ExtractionConfig, NetworkConfig
from whosame.features.device import Precision
from whosame.features.extraction import Features, extract
from whosame.training.checkpoint import Checkpoint
from whosame.training.ranks import shares

ImageIds = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ExtractionJob:
    """What features are extracted of, and how; see :func:`whosame.features.extraction.extract`.

    Attributes
    ----------
    checkpoint : Checkpoint
        Of the network.
    network : NetworkConfig
    pixels : Pixels
        Or maps after the network's frozen stages.
    image_ids : tuple of int64 [n]
        Of one set of images, or of several.
    config : ExtractionConfig
    device, precision : str
    vertical : bool
        Whether the rows of the maxima are wanted too.
    """

    checkpoint: Checkpoint
    network: NetworkConfig
    pixels: Pixels
    image_ids: tuple[ImageIds, ...]
    config: ExtractionConfig
    device: str = "auto"
    precision: Precision = "float32"
    vertical: bool = False


def extract_all(job: ExtractionJob) -> list[Features]:
    """Return the features of each set of images, by this process alone."""
    network = job.checkpoint.build(job.network)
    how = partial(extract, device=job.device, precision=job.precision, vertical=job.vertical)
    return [how(network, job.pixels, ids, job.config) for ids in job.image_ids]


def divide(job: ExtractionJob, count: int) -> list[ExtractionJob]:
    """Divide a job into as many as there are processes, without the optimiser's state.

    Whole batches, one process's own: a feature is the same to the last bit whoever computes it.
    """
    job = replace(job, checkpoint=replace(job.checkpoint, optimiser={}))
    cuts = [shares(len(ids), job.config.batch_size, count) for ids in job.image_ids]
    return [
        replace(job, image_ids=tuple(ids[cut[number]] for ids, cut in zip(job.image_ids, cuts, strict=True)))
        for number in range(count)
    ]


def join(parts: Sequence[Sequence[Features]]) -> list[Features]:
    """Return the features of each set of images, of what the processes returned in their order."""
    return [_joined(of_set) for of_set in zip(*parts, strict=True)]


def _joined(parts: Sequence[Features]) -> Features:
    rows = [part.vertical for part in parts if part.vertical is not None]
    vectors = np.concatenate([part.vectors for part in parts])
    return Features(vectors, np.concatenate(rows) if rows else None, parts[0].map_height)
