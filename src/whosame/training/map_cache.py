"""Maps after the frozen stages, computed once.

Frozen stages make the same of the same pixels in every round, and take most of the time. Their maps are kept on the
disk: of every image as it is, which features are extracted from, and of a few augmented versions of each training
image, which are trained on as well. Runs with the same frozen weights, pixels, augmentation and seed share them.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from whosame.atomic import GIB, require_space, writing
from whosame.errors import ParameterError
from whosame.features.batches import Pixels, first_maps, read_ahead, to_unit
from whosame.features.device import Precision, autocast, find_device
from whosame.features.frozen_maps import FrozenMaps
from whosame.features.network import ReIDNetwork
from whosame.progress import track
from whosame.seeding import torch_seed
from whosame.training.augment import augment
from whosame.training.config import TrainingConfig
from whosame.training.draws import Draws

VERSION = 1  # raise it when the same parameters give other maps
BATCH = 64  # images augmented at a time: what is drawn for each depends on it

logger = logging.getLogger(__name__)


class _Version(NamedTuple):
    """A file, the images in it, and what turns their pixels uint8 [n, H, W, 3] into images float32 [n, 3, H, W]."""

    file: Path
    image_ids: NDArray[np.int64]
    images: Callable[[Tensor], Tensor]


def cached_maps(
    network: ReIDNetwork,
    pixels: Pixels,
    pixels_key: str,
    image_ids: NDArray[np.int64],
    config: TrainingConfig,
    folder: Path,
    *,
    seed: int,
    device: str = "auto",
    precision: Precision = "float32",
) -> FrozenMaps:
    """Return the maps after the frozen stages; those that are not on the disk, or are damaged, are computed first.

    Parameters
    ----------
    network : ReIDNetwork
        With frozen stages. Moved to the device, and left in inference mode.
    pixels : Pixels
        Of M images.
    pixels_key : str
        Identifies their content.
    image_ids : int64 [n]
        The training images.
    config : TrainingConfig
        ``cached_versions``, 1 or more, and ``augment``.
    folder : Path
        A file a version, each written atomically and named by a digest of all that it depends on.
    seed : int
        The run's.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    precision : str
        ``float32`` or ``bfloat16``, of the frozen stages.

    Raises
    ------
    StorageError
        The disk has not enough space: nothing is computed.
    ParameterError
        A map has a value that float16 cannot hold.
    """
    on = find_device(device, precision)
    network.move_to(on).eval()
    count = pixels.shape[0]
    origin = _digest(VERSION, _weights(network), pixels_key, list(pixels.shape), on.type, precision)
    drawn = _digest(origin, hashlib.sha256(image_ids.tobytes()).hexdigest(), config.augment.model_dump(), seed)
    versions = [_Version(folder / f"{origin}.npy", np.arange(count), to_unit)]
    for number in range(1, config.cached_versions):
        draws = Draws(torch.Generator().manual_seed(torch_seed(seed, "version", number)))
        augmented = partial(augment, config=config.augment, draws=draws)
        versions.append(_Version(folder / f"{drawn}_{number}.npy", image_ids, augmented))

    form = _form(network, pixels)
    missing = [version for version in versions if not _exists(version, form)]
    size = sum(len(version.image_ids) for version in missing) * int(np.prod(form)) * np.dtype(np.float16).itemsize
    if missing:
        what, advice = f"maps after {network.frozen_stages} frozen stages", "lower training.cached_versions"
        require_space(folder, size, what, f"{advice} (0: none is kept, and training takes longer)")
        logger.info("%s: %.2f GiB in %s, for all runs that can share them", what, size / GIB, folder)
    for number, version in enumerate(missing, start=1):
        _compute(version, network, pixels, form, f"maps, {number} of {len(missing)}", on, precision)
    rows = np.full(count, len(image_ids), np.int64)
    rows[image_ids] = np.arange(len(image_ids))
    return FrozenMaps(pixels.shape, tuple(version.file for version in versions), rows)


@torch.inference_mode()
def _compute(
    version: _Version,
    network: ReIDNetwork,
    pixels: Pixels,
    form: tuple[int, ...],
    what: str,
    on: torch.device,
    precision: Precision,
) -> None:
    """Write a version's maps in order: a full disk is then an error, not a crash as with a mapped file."""
    ids = version.image_ids
    batches = np.split(ids, range(BATCH, len(ids), BATCH)) if len(ids) else []
    with writing(version.file) as file:
        header = {"descr": "<f2", "fortran_order": False, "shape": (len(ids), *form)}
        np.lib.format.write_array_header_1_0(file, header)
        for _, raw in track(read_ahead(pixels, batches, on), what, total=len(batches)):
            with autocast(on, precision):
                maps = first_maps(network, raw, version.images).half().cpu()
            if not maps.isfinite().all():
                raise ParameterError(
                    "a map after the frozen stages has values beyond 65,504, which float16 cannot hold: use another "
                    "network.frozen_stages, or training.cached_versions=0"
                )
            file.write(maps.contiguous().numpy().tobytes())


def _exists(version: _Version, form: tuple[int, ...]) -> bool:
    try:
        return bool(np.load(version.file, mmap_mode="r").shape == (len(version.image_ids), *form))
    except (OSError, ValueError, EOFError):  # absent or damaged
        return False


@torch.inference_mode()
def _form(network: ReIDNetwork, pixels: Pixels) -> tuple[int, ...]:
    """Return the shape of one image's map."""
    empty = torch.zeros(1, 3, *pixels.shape[1:3], device=network.mean.device)
    return tuple(network.frozen_map(empty).shape[1:])


def _weights(network: ReIDNetwork) -> str:
    """Return a digest of all that the frozen stages compute with."""
    digest = hashlib.sha256(str(network.frozen_part()).encode())
    for name, value in [*network.frozen_part().state_dict().items(), ("mean", network.mean), ("std", network.std)]:
        digest.update(name.encode() + value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
