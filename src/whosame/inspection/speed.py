"""Speed of this machine: what an image costs in each step, measured on a batch; seconds of a run's rounds from it."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from whosame.configuration import Configuration
from whosame.features.batches import to_unit
from whosame.features.config import NetworkConfig
from whosame.features.device import autocast, find_device
from whosame.features.network import ReIDNetwork
from whosame.inspection.sample import HeldPixels
from whosame.training.augment import augment
from whosame.training.config import TrainingConfig
from whosame.training.draws import Draws

BATCH = 32  # images of a measurement
REPEATS = 2  # of which the faster one counts: the first call of a network prepares
SIDE = 1024  # of the matrices whose product measures the search for neighbours


@dataclass(frozen=True)
class Speed:
    """Seconds that an image takes on this machine.

    Attributes
    ----------
    inspecting, decoding : float
        Reading and checking a file; decoding it to the pixels of a run.
    frozen, rest : float
        Through the network's frozen stages, and through the others.
    augmenting, training : float
        Varying its pixels; a step forwards and backwards through the stages that are trained.
    multiply : float
        A multiplication and addition of the search for neighbours.
    device : str
        ``cpu`` or ``cuda``.
    """

    inspecting: float
    decoding: float
    frozen: float
    rest: float
    augmenting: float
    training: float
    multiply: float
    device: str


@dataclass(frozen=True)
class Duration:
    """Seconds of a run's parts on this machine, without the time of those who answer.

    Attributes
    ----------
    before : float
        Before the first round: reading, decoding, maps of frozen stages, warm-up.
    extraction, clustering, training, evaluation : float
        Of a round.
    rounds : int
    """

    before: float
    extraction: float
    clustering: float
    training: float
    evaluation: float
    rounds: int

    @property
    def round(self) -> float:
        """Seconds of a round."""
        return self.extraction + self.clustering + self.training + self.evaluation

    @property
    def total(self) -> float:
        """Seconds of the run."""
        return self.before + self.rounds * self.round


def measure_speed(network: ReIDNetwork, pixels: HeldPixels, config: Configuration, *, inspecting: float) -> Speed:
    """Measure the steps of a run on a batch of its images; the network is not changed.

    Parameters
    ----------
    network : ReIDNetwork
    pixels : HeldPixels
    config : Configuration
        Of the run.
    inspecting : float
        Seconds that reading and checking a file took.
    """
    on = find_device(config.device, config.precision)
    network = copy.deepcopy(network).move_to(on).eval()
    raw = torch.from_numpy(pixels.read(np.arange(min(BATCH, pixels.shape[0])))).to(on)
    draws = Draws(torch.Generator().manual_seed(0))
    with torch.inference_mode(), autocast(on, config.precision):
        images = to_unit(raw).contiguous(memory_format=network.memory_format)
        frozen = _seconds(lambda: network.frozen_map(images), on)
        maps = network.frozen_map(images)
        rest = _seconds(lambda: network.embed(network.trained_part()(maps)), on)
        augmenting = _seconds(lambda: augment(raw, config.training.augment, draws), on)
    maps = maps.clone()

    def step() -> None:
        network.zero_grad(set_to_none=True)
        with autocast(on, config.precision):
            features = network.embed(network.trained_part()(maps))
        features.sum().backward()  # type: ignore[no-untyped-call]

    network.train()
    training = _seconds(step, on)
    square = torch.rand(SIDE, SIDE)
    multiply = _seconds(lambda: square @ square, torch.device("cpu")) / SIDE**3
    count = len(raw)
    return Speed(
        inspecting,
        pixels.decoding,
        frozen / count,
        rest / count,
        augmenting / count,
        training / count,
        multiply,
        on.type,
    )


def duration(speed: Speed, config: Configuration, *, images: int, train_images: int, dimension: int) -> Duration:
    """Return how long a run takes.

    Parameters
    ----------
    speed : Speed
    config : Configuration
        Of the run.
    images, train_images : int
        All images, and those for training.
    dimension : int
        Of the features.
    """
    training, maps = config.training, kept_versions(config.network, config.training)
    before = images * (speed.inspecting + speed.decoding)
    if config.network.weights == "warmup":
        views = 2 * config.warmup.epochs * train_images
        before += views * (speed.augmenting + speed.frozen + speed.training)
    if maps:
        before += images * speed.frozen + (maps - 1) * train_images * (speed.augmenting + speed.frozen)
    each = speed.rest if maps else speed.frozen + speed.rest
    trained = training.iterations * training.clusters_per_batch * training.images_per_cluster
    step = speed.training if maps else speed.training + speed.augmenting + speed.frozen
    return Duration(
        before=before,
        extraction=train_images * each,
        clustering=3 * train_images**2 * dimension * speed.multiply,  # the search, and about twice as long for the rest
        training=trained * step,
        evaluation=(images - train_images) * each,
        rounds=config.rounds,
    )


def kept_versions(network: NetworkConfig, training: TrainingConfig) -> int:
    """Return of how many versions of a training image the map after the frozen stages is kept, 0 for none."""
    return training.cached_versions if network.frozen_stages else 0


def _seconds(work: Callable[[], object], on: torch.device) -> float:
    """Return the seconds of the fastest of some calls."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        if on.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
    return min(times)
