"""One round of training."""

import math
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from whosame.errors import ParameterError
from whosame.features.batches import Pixels
from whosame.features.config import ExtractionConfig
from whosame.features.device import Precision, autocast, find_device
from whosame.features.extraction import extract
from whosame.features.frozen_maps import FrozenMaps
from whosame.features.network import ReIDNetwork
from whosame.memory import LabelMemory
from whosame.progress import track
from whosame.questions import LikelyPairs
from whosame.seeding import stream, torch_seed
from whosame.training.augment import augment
from whosame.training.config import TrainingConfig
from whosame.training.draws import Draws
from whosame.training.ghost_norm import forward_in_chunks
from whosame.training.loading import loaded
from whosame.training.losses.answered import Answered
from whosame.training.losses.camera_proxies import CameraProxies
from whosame.training.losses.cluster_nce import ClusterContrast
from whosame.training.losses.hybrid_memory import HybridMemory, RankedHybridMemory
from whosame.training.losses.objective import Objective
from whosame.training.losses.purification import Purification
from whosame.training.losses.triplet import Triplet
from whosame.training.optimiser import follow_parameters, learning_rate
from whosame.training.ranks import Ranks
from whosame.training.targets import training_targets

OBJECTIVES: dict[str, type[Objective]] = {
    "cluster-nce": ClusterContrast,
    "camera-proxies": CameraProxies,
    "hybrid-memory": HybridMemory,
    "hybrid-memory-ranking": RankedHybridMemory,
    "triplet": Triplet,
    "purification": Purification,
}


@dataclass(frozen=True)
class TrainingReport:
    """The result of a round of training.

    Attributes
    ----------
    loss : float
        Mean over the round's iterations; NaN if there were none.
    images, unlabelled : int
        Images trained on, and left out.
    classes : int
        Classes of the images trained on.
    iterations : int
        Batches trained; 0 with fewer than two classes.
    learning_rate : float
        That of the last iteration; NaN if there were none.
    seconds : float
        Wall clock.
    device, precision : str
        What it was trained on, ``cpu`` or ``cuda``, and with.
    warnings : tuple of str
        Messages for the user; mostly empty.
    """

    loss: float
    images: int
    unlabelled: int
    classes: int
    iterations: int
    learning_rate: float
    seconds: float
    device: str
    precision: str
    warnings: tuple[str, ...] = ()


def fit(
    network: ReIDNetwork,
    optimiser: torch.optim.Optimizer,
    pixels: Pixels,
    image_ids: NDArray[np.int64],
    labels: NDArray[np.int64],
    cameras: NDArray[np.int64],
    config: TrainingConfig,
    *,
    round: int,  # noqa: A002
    rounds: int,
    seed: int,
    device: str = "auto",
    precision: Precision = "float32",
    vectors: NDArray[np.float32] | None = None,
    memory: LabelMemory | None = None,
    likely: LikelyPairs | None = None,
    weights: NDArray[np.float32] | None = None,
    ranks: Ranks | None = None,
) -> TrainingReport:
    """Train the network for one round on labelled images, in place.

    The same arguments give the same weights, on a CPU bit for bit: no global generator is used.

    Parameters
    ----------
    network : ReIDNetwork
    optimiser : torch.optim.Optimizer
        Over the network's parameters (:func:`whosame.training.optimiser.make_optimiser`).
    pixels : Pixels
        Or the maps after the network's frozen stages, of which a random version of each image is trained on.
    image_ids, labels, cameras : int64 [n]
        Images of label -1 are not trained on, except as ``config.outliers`` says (see :func:`training_targets`).
    config : TrainingConfig
    round, rounds : int
        This round, from 0, and the number of all.
    seed : int
        The run's seed.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    precision : str
        ``float32`` or ``bfloat16``, of the backbone.
    vectors : float32 [n, D], optional
        The images' features by the present network, not centred; extracted if not given.
    memory : LabelMemory, optional
        The answers, about rows 0..n-1: ``triplet`` trains on them, ``purification`` and ``hybrid-memory-ranking`` rank
        by them, the other losses use them if ``config.answer_weight`` is above 0.
    likely : LikelyPairs, optional
        Pairs decided without a question, about the same rows: used where ``config.answer_weight`` is above 0.
    weights : float32 [n], optional
        Weight of each image in ``purification``; all the same if not given.
    ranks : Ranks, optional
        This process among several that call this function with the same arguments, ``vectors`` too. Each has the result
        of one process, the first alone its running statistics.

    Returns
    -------
    TrainingReport
        With fewer than two classes: no iterations, unchanged weights, and a warning.

    Raises
    ------
    ParameterError
        The loss is no longer finite: the learning rate is too high.
    """
    started = time.monotonic()
    ranks = ranks or Ranks()
    on = find_device(device, precision)
    config = config.of_round(round)
    targets = training_targets(labels, cameras, config, memory=memory, likely=likely, weights=weights)
    count, unlabelled = len(targets.rows), len(labels) - len(targets.rows)
    if targets.count < 2:
        warning = f"{targets.count} classes with {count} images: nothing to tell apart, the weights stay as they were"
        seconds = time.monotonic() - started
        nothing = (math.nan, count, unlabelled, targets.count, 0, math.nan)
        return TrainingReport(*nothing, seconds, on.type, precision, (warning,))

    image_ids = image_ids[targets.rows]
    if vectors is None:
        vectors = extract(network, pixels, image_ids, ExtractionConfig(), device=device, precision=precision).vectors
    else:
        vectors = vectors[targets.rows]
    start_vectors = torch.from_numpy(vectors)
    objective = OBJECTIVES[config.loss](targets, start_vectors, config, on)
    if config.answer_weight:
        objective = Answered(objective, start_vectors)
    batches = list(objective.batches(stream(seed, "batches", round)))
    generator = torch.Generator().manual_seed(torch_seed(seed, "augment", round))
    size = len(batches[0]) if batches else 0  # of every batch
    share = ranks.share(size, config.norm_chunk)
    augmented = partial(augment, config=config.augment, draws=Draws(generator, size, share))
    drawn = stream(seed, "versions", round)
    versions = pixels.varied(drawn, size, share) if isinstance(pixels, FrozenMaps) else pixels
    network.move_to(on).train()
    follow_parameters(optimiser)
    losses = torch.zeros(len(batches), device=on)
    rate = config.learning_rate

    after_frozen: nn.Module = network.after_frozen()
    if config.compile:
        after_frozen = torch.compile(after_frozen, dynamic=False)  # type: ignore[assignment]
    loading = loaded(batches, share, versions, image_ids, objective, network, augmented, on, precision)
    shown = track(loading, f"training round {round}", total=len(batches)) if ranks.number == 0 else loading
    for iteration, (batch, maps) in enumerate(shown):
        rate = learning_rate(config, round=round, iteration=iteration, rounds=rounds)
        for group in optimiser.param_groups:
            group["lr"] = rate
        if len(maps):
            with autocast(on, precision):
                own = forward_in_chunks(after_frozen, maps, config.norm_chunk)  # [m, D]
        else:  # fewer chunks than processes
            own = torch.zeros(0, network.dimension, device=on)
        features = ranks.gather(own, share, size)  # [P*K, D]
        loss = objective.loss(features, batch)
        optimiser.zero_grad(set_to_none=True)
        if len(maps):
            loss.backward()  # type: ignore[no-untyped-call]
        ranks.sum_gradients(network.parameters())
        optimiser.step()
        objective.update(features.detach(), batch)
        losses[iteration] = loss.detach()

    mean_loss = float(losses.mean())
    if not math.isfinite(mean_loss):
        raise ParameterError(
            f"training diverged in round {round}: the loss is {mean_loss}. Use a lower training.learning_rate than "
            f"{config.learning_rate:g}; the round's checkpoint was not written."
        )
    seconds = time.monotonic() - started
    trained = (mean_loss, count, unlabelled, targets.count, len(batches), rate)
    return TrainingReport(*trained, seconds, on.type, precision)
