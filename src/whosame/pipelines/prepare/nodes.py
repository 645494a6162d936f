"""Nodes of the pipeline ``prepare``."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from whosame.app import paths
from whosame.app.run_record import known_images
from whosame.data.feature_file import keep_features
from whosame.data.fitting import fitted
from whosame.data.growing import extended
from whosame.data.indexing import index_images as index
from whosame.data.manifest import Manifest, TestSet, TrainSet, Truth, split
from whosame.data.pixels import Pixels, PixelsConfig, open_pixels
from whosame.data.readers import FolderReader
from whosame.data.source import SourceConfig
from whosame.features.backbones import check_image_size, input_settings
from whosame.features.config import NetworkConfig
from whosame.features.frozen_maps import FrozenMaps
from whosame.parameters import parse
from whosame.runs import Run


def index_images(
    layout: str,
    images: str | None,
    max_megapixels: float,
    unreadable: str,
    duplicates: str,
    folder: dict[str, Any],
    omniglot: dict[str, Any],
    synthetic: dict[str, Any],
) -> Manifest:
    """Find, check and describe the images; render them first where the layout is synthetic."""
    source = {
        "layout": layout,
        "images": images,
        "max_megapixels": max_megapixels,
        "unreadable": unreadable,
        "duplicates": duplicates,
        "folder": folder,
        "omniglot": omniglot,
        "synthetic": synthetic,
    }
    return index(parse(SourceConfig, source), paths.root() / "data")


def continue_images(found: Manifest, run: str, round: int, layout: str, folder: dict[str, Any]) -> Manifest:  # noqa: A002
    """Return the images of a run that has started, in its order, with those that were added since behind them.

    They join with the next round: while a round of which something is computed is finished, it has the images it began
    with. A run that has not started has the images that were found.
    """
    of = Run.named(paths.runs_folder(), run)
    known = known_images(of)
    if known is None:
        return found
    drawn = layout == "folder" and parse(FolderReader, folder, "folder").draws_split
    grown = extended(known, found, drawn=drawn)
    return grown.first(len(known)) if of.computed(round) else grown


def split_images(manifest: Manifest, use_cameras: bool) -> tuple[TrainSet, Truth, TestSet]:
    """Split the images into training set, true identities and test set."""
    return split(manifest, use_cameras=use_cameras)


def decode_pixels(manifest: Manifest, pixels: dict[str, Any], network: dict[str, Any]) -> Pixels:
    """Decode every image once, resized as the network expects it."""
    return open_pixels(manifest, pixels_config(manifest, pixels, network), paths.root() / "data")


def pixels_config(manifest: Manifest, pixels: dict[str, Any], network: dict[str, Any]) -> PixelsConfig:
    """Return size and form of the pixels, with what is chosen from the images and from the network."""
    config = parse(PixelsConfig, pixels, "pixels")
    made_for = parse(NetworkConfig, network, "network")
    expected = input_settings(made_for)
    config = fitted(config, manifest, only=expected.size, multiple=expected.multiple)
    check_image_size(made_for, *config.size)
    return config.replace(resize=config.resize or expected.resize)


def network_images(manifest: Manifest, pixels: Pixels, features: str | None) -> Pixels | FrozenMaps:
    """Return what the network takes of each image: its pixels, or the user's own features of it."""
    if features is None:
        return pixels
    file = Path(features).expanduser()
    about = file.stat() if file.exists() else None
    content = [manifest.digest, str(file.resolve()), *([about.st_size, about.st_mtime_ns] if about else [])]
    name = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:24]
    kept = paths.root() / "data" / "04_maps" / f"features_{name}.npy"
    if not kept.exists():
        keep_features(features, manifest, kept)
    return FrozenMaps(pixels.shape, (kept,), np.zeros(len(manifest), np.int64))
