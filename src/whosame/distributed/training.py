"""A round's training as a job that one process does, or several together."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whosame.features.batches import Pixels
from whosame.features.config import NetworkConfig
from whosame.features.device import Precision
from whosame.memory import LabelMemory
from whosame.training.checkpoint import Checkpoint
from whosame.training.config import TrainingConfig
from whosame.training.fit import TrainingReport, fit
from whosame.training.optimiser import make_optimiser
from whosame.training.ranks import Ranks

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """What a round trains on, and how; see :func:`whosame.training.fit.fit`.

    Attributes
    ----------
    start : Checkpoint
        Of the round before.
    network : NetworkConfig
    pixels : Pixels
        Or maps after the network's frozen stages.
    image_ids, labels, cameras : int64 [n]
    config : TrainingConfig
    round, rounds, seed : int
    vectors : float32 [n, D]
        The images' features by the network of ``start``.
    memory : LabelMemory
    weights : float32 [n] or None
    device, precision : str
    """

    start: Checkpoint
    network: NetworkConfig
    pixels: Pixels
    image_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    cameras: NDArray[np.int64]
    config: TrainingConfig
    round: int
    rounds: int
    seed: int
    vectors: NDArray[np.float32]
    memory: LabelMemory
    weights: NDArray[np.float32] | None = None
    device: str = "auto"
    precision: Precision = "float32"


Trained = tuple[Checkpoint, TrainingReport]


def train(ranks: Ranks, job: TrainingJob) -> Trained | None:
    """Train for a round: a task of a pool.

    Returns
    -------
    Checkpoint, TrainingReport
        Of the first process; of others None.
    """
    network = job.start.build(job.network)
    optimiser = make_optimiser(network, job.config)
    job.start.restore(network, optimiser, job.network)
    report = fit(
        network,
        optimiser,
        job.pixels,
        job.image_ids,
        job.labels,
        job.cameras,
        job.config,
        round=job.round,
        rounds=job.rounds,
        seed=job.seed,
        device=job.device,
        precision=job.precision,
        vectors=job.vectors,
        memory=job.memory,
        weights=job.weights,
        ranks=ranks,
    )
    if ranks.number > 0:
        return None
    return Checkpoint.of(network, optimiser, job.network, rounds=job.start.rounds + 1), report


def warn_of_idle(config: TrainingConfig, processes: int) -> None:
    """Say how many of several processes train, where a batch has fewer chunks than that."""
    batch = config.clusters_per_batch * config.images_per_cluster
    chunks = -(-batch // config.norm_chunk)
    if chunks < processes:
        logger.warning(
            "%d of %d processes train: a batch of %d images is %d chunk%s of training.norm_chunk=%d",
            chunks,
            processes,
            batch,
            chunks,
            "s" * (chunks > 1),
            config.norm_chunk,
        )
