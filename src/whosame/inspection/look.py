"""A look at a folder: names, headers, and what the configured network makes of a sample."""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from whosame.configuration import Configuration
from whosame.data.manifest import Manifest
from whosame.data.readers.base import FoundImage
from whosame.errors import InputError, ParameterError
from whosame.features.network import ReIDNetwork, build_network
from whosame.inspection.candidates import estimate_candidates
from whosame.inspection.disk import disk_use
from whosame.inspection.findings import Findings, NetworkFindings, RunReading
from whosame.inspection.first_questions import first_questions
from whosame.inspection.folder_scan import FolderScan, scan_folder
from whosame.inspection.headers import find_copies, read_headers
from whosame.inspection.sample import Sample, decode_sample, draw_sample, pixels_config
from whosame.inspection.sample_features import sample_features
from whosame.inspection.speed import duration, measure_speed
from whosame.inspection.verdict import LEAST

READ = 200_000  # paths that are read as a run reads them; of more only the pattern is tried
UNTRAINED = ("warmup", "random")  # weights that know nothing of images


def look(config: Configuration, data: Path) -> Findings:
    """Look at the folder that a run would begin with; nothing is changed.

    Parameters
    ----------
    config : Configuration
        Of the run, with a folder of images.
    data : Path
        The project's data folder, for the disk that is free.

    Raises
    ------
    InputError
        There is no such folder, or no image in it.
    ParameterError
        There is no folder, or the network cannot be built.
    """
    started = time.perf_counter()
    if config.images is None:
        raise ParameterError("kedro look takes a folder of images: --params=images=PATH")
    network = build_network(config.network, seed=config.seed)  # what is missing for it is known before any work
    root, settings = config.source().folder_of_images(data), config.look
    pattern = config.folder.pattern if config.layout == "folder" else None
    scan = scan_folder(root, pattern=pattern, most=settings.files, seed=config.seed)
    found, reading = _read_as_a_run(config, scan)
    headers = read_headers(root, scan.files)
    copies = find_copies(root, scan.files)
    max_pixels = config.max_megapixels * 1e6
    oversized = [
        file.path
        for file, size in zip(headers.files, headers.heights * headers.widths, strict=True)
        if size > max_pixels
    ]
    ignored = set(oversized) if len(oversized) < len(headers.files) else set()
    left_out = ignored.union(*(group[1:] for group in copies.groups))  # a copy is a neighbour that says nothing
    train = [
        file
        for file in headers.files
        if file.path not in left_out and (not found or (file.path in found and found[file.path].split == "train"))
    ]
    cameras = {path: image.camera for path, image in found.items()}
    largest = max_pixels if ignored else np.inf
    sample = draw_sample(root, train, cameras, size=settings.sample, seed=config.seed, max_pixels=largest)
    judged = None
    if len(sample.manifest) >= LEAST:
        judged = _judge_network(config, network, sample, scan, reading, data)
    damaged = headers.damaged | sample.damaged
    seconds = time.perf_counter() - started
    return Findings(config, scan, headers, copies, reading, damaged, oversized, judged, seconds)


def _read_as_a_run(config: Configuration, scan: FolderScan) -> tuple[Mapping[str, FoundImage], RunReading]:
    """Return what the layout's reader reads, by path; nothing where it cannot, or where the folder is too large."""
    if scan.images > READ:
        return {}, RunReading()
    try:
        result = config.source().reader.read(scan.root)
    except InputError as error:
        return {}, RunReading(error=str(error))
    splits = dict.fromkeys(("train", "query", "gallery"), 0)
    for image in result.images:
        splits[image.split] += 1
    reading = RunReading(
        splits,
        cameras=len({image.camera for image in result.images if image.camera >= 0}),
        identities=len({image.identity for image in result.images if image.identity is not None}),
        with_identity=sum(image.identity is not None for image in result.images),
        notes=result.notes,
    )
    return {image.file.path: image for image in result.images}, reading


def _judge_network(
    config: Configuration, network: ReIDNetwork, sample: Sample, scan: FolderScan, reading: RunReading, data: Path
) -> NetworkFindings:
    """Return what the network makes of the sample, and what a run costs."""
    pixels = pixels_config(config.pixels, config.network, sample.manifest)
    held = decode_sample(sample.manifest, pixels)
    images = sum(reading.splits.values()) or scan.images
    train_images = reading.train_images or scan.images
    speed = measure_speed(network, held, config, inspecting=sample.inspection)
    takes = duration(speed, config, images=images, train_images=train_images, dimension=network.dimension)
    needs = disk_use(network, config, pixels.size, images=images, train_images=train_images, data=data)
    candidates = None
    if config.network.weights not in UNTRAINED and config.features is None:
        features = sample_features(
            network,
            held,
            config.network,
            config.extraction,
            seed=config.seed,
            device=config.device,
            precision=config.precision,
            vertical=config.make_strategy().needs_vertical,
        )
        cameras = sample.manifest.cameras()[: held.shape[0]]
        first = first_questions(features.images, cameras, config)
        centre = config.clustering.centre_cameras and config.use_cameras
        candidates = estimate_candidates(features, cameras, first, centre=centre, seed=config.seed)
    return NetworkFindings(pixels.size, speed, takes, needs, candidates, _paths(sample.manifest)[: held.shape[0]])


def _paths(manifest: Manifest) -> list[str]:
    return [str(path) for path in manifest.table["path"]]
