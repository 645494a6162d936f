"""Self-supervised warm-up of random weights with NT-Xent (SimCLR).

Features of a random network distinguish cameras, not people: clusters start as cameras and never recover. Training
without pretrained weights needs a few epochs of NT-Xent before the first round.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from whosame.errors import ParameterError, ResumeError
from whosame.features.batches import Pixels, ahead, read, to_device
from whosame.features.config import NetworkConfig
from whosame.features.device import Precision, autocast, find_device
from whosame.features.network import ReIDNetwork
from whosame.progress import track
from whosame.seeding import stream, torch_seed
from whosame.training.augment import augment
from whosame.training.checkpoint import Checkpoint
from whosame.training.config import WarmupConfig
from whosame.training.draws import Draws

VERSION = 2  # raise it when the same parameters give other weights


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Return the normalised temperature-scaled cross entropy of two views of a batch.

    Parameters
    ----------
    first, second : float32 [n, D]
        Features of length 1; row i of both is the same image.
    temperature : float
        τ.

    References
    ----------
    T. Chen et al.: A Simple Framework for Contrastive Learning of Visual Representations. ICML 2020, Eq. 1.
    """
    n = len(first)
    both = torch.cat([first, second])
    logits = both @ both.T / temperature
    logits.fill_diagonal_(-torch.inf)  # no view is its own negative
    other = torch.arange(2 * n, device=both.device).roll(n)
    return functional.cross_entropy(logits, other)


def warm_up(
    network: ReIDNetwork,
    pixels: Pixels,
    image_ids: NDArray[np.int64],
    config: WarmupConfig,
    *,
    network_config: NetworkConfig,
    seed: int,
    device: str = "auto",
    precision: Precision = "float32",
    cache: Path | None = None,
    data_key: str = "",
) -> float:
    """Warm the network up in place, or load the weights of an earlier warm-up with the same arguments.

    Parameters
    ----------
    network : ReIDNetwork
        With the random weights of ``build_network(network_config, seed=seed)``.
    pixels : Pixels
    image_ids : int64 [n]
        The training images.
    config : WarmupConfig
    network_config : NetworkConfig
    seed : int
        The run's seed.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    precision : str
        ``float32`` or ``bfloat16``, of the backbone.
    cache : Path, optional
        Folder in which the weights are stored under a digest of everything they depend on.
    data_key : str
        Identifies the images: the digest of the manifest. Required with ``cache``.

    Returns
    -------
    float
        The mean loss of the last epoch; NaN if the weights were loaded or there are fewer than two images.
    """
    if cache is not None and not data_key:
        raise ParameterError("a warm-up with a cache needs the data_key of its images")
    key = (
        network_config,
        config,
        seed,
        precision,
        data_key,
        list(pixels.shape[1:]),
        hashlib.sha256(image_ids.tobytes()).hexdigest(),
    )
    path = cache / f"warmup_{_digest(*key)}.pt" if cache is not None else None
    if path is not None and path.exists():
        with suppress(ResumeError):  # damaged: it is made again
            Checkpoint.load(path).restore(network, None, network_config)
            return float("nan")
    loss = _train(network, pixels, image_ids, config, seed=seed, on=find_device(device, precision), precision=precision)
    if path is not None:
        Checkpoint.of(network, torch.optim.SGD(network.parameters()), network_config, rounds=0).save(path)
    return loss


def _train(
    network: ReIDNetwork,
    pixels: Pixels,
    image_ids: NDArray[np.int64],
    config: WarmupConfig,
    *,
    seed: int,
    on: torch.device,
    precision: Precision,
) -> float:
    network.move_to(on).train()
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=config.learning_rate, weight_decay=config.weight_decay)
    per_epoch = len(image_ids) // config.batch_size or min(1, len(image_ids) // 2)  # a small set is one batch
    total = per_epoch * config.epochs
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=max(total, 1))
    draws = Draws(torch.Generator().manual_seed(torch_seed(seed, "warmup", "augment")))
    batches = _shuffled(image_ids, config, per_epoch, stream(seed, "warmup", "batches"))
    losses: list[Tensor] = []

    def views(raw: Tensor) -> Tensor:
        return torch.cat([augment(raw, config.augment, draws), augment(raw, config.augment, draws)])

    def load(image_ids: NDArray[np.int64]) -> Tensor:
        raw = read(pixels, image_ids, on)
        return views(raw) if on.type == "cpu" else raw  # as in training: see loading.py

    for ids, loaded in track(ahead(load, batches), "warm-up", total=total):
        images = loaded if on.type == "cpu" else views(to_device(loaded, on))
        with autocast(on, precision):
            features = network(images.contiguous(memory_format=network.memory_format))  # [2n, D]
        n = len(ids)
        loss = nt_xent(features[:n], features[n:], config.temperature)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        losses.append(loss.detach())
    return float(np.mean(torch.stack(losses[-per_epoch:]).tolist())) if losses else float("nan")


def _shuffled(
    image_ids: NDArray[np.int64], config: WarmupConfig, per_epoch: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    for _ in range(config.epochs):
        order = rng.permutation(image_ids)
        for batch in range(per_epoch):
            yield order[batch * config.batch_size : (batch + 1) * config.batch_size]


def _digest(network: NetworkConfig, config: WarmupConfig, *rest: object) -> str:
    parts = [VERSION, network.model_dump(), config.model_dump(), *rest]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
