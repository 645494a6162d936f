"""Nodes of the pipelines ``gallery`` and ``export``: they read a run, and write to its ``search`` and ``export``."""

from typing import Any

import numpy as np

from whosame.app import paths
from whosame.artefacts import EXPORT, SEARCH
from whosame.data.manifest import Manifest, TrainSet
from whosame.distributed.extraction import ExtractionJob
from whosame.export.build_gallery import build_gallery
from whosame.export.cards import CardFacts
from whosame.export.config import ExportConfig
from whosame.export.deployed import Deployed
from whosame.export.summary import ExportSummary
from whosame.export.write import write_export
from whosame.features.batches import Pixels
from whosame.features.config import GIVEN, ExtractionConfig, NetworkConfig
from whosame.features.extraction import Features
from whosame.memory import LabelMemory
from whosame.naming.summary import NamingSummary
from whosame.parameters import parse
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.pipelines.export.mlflow_model import register_model
from whosame.pipelines.prepare.nodes import pixels_config
from whosame.runs import Run
from whosame.search.gallery import Gallery, ImageForm
from whosame.seeding import stream
from whosame.training import Checkpoint


def write_gallery(
    this_round: ThisRound,
    manifest: Manifest,
    train_set: TrainSet,
    final: Features,
    start: Checkpoint,
    images: Pixels,
    answers: LabelMemory,
    names: NamingSummary,
    network: dict[str, Any],
    extraction: dict[str, Any],
    pixels: dict[str, Any],
) -> Gallery:
    """Extract the features of the test images too, and write the gallery of all images."""
    config = parse(NetworkConfig, network, "network")
    rest = np.setdiff1d(np.arange(len(manifest)), train_set.image_ids)
    vectors = np.empty((len(manifest), final.vectors.shape[1]), np.float32)
    vectors[train_set.image_ids] = final.vectors
    if len(rest):
        job = ExtractionJob(
            start,
            config,
            images,
            (rest,),
            parse(ExtractionConfig, extraction, "extraction"),
            device=this_round.device,
            precision=this_round.precision,
        )
        [found] = this_round.engine.extract(job)
        vectors[rest] = found.vectors
    size = pixels_config(manifest, pixels, network)
    gallery = build_gallery(
        vectors,
        manifest,
        list(names.rows),
        answers,
        stream(this_round.seed, "calibration", this_round.number),
        ImageForm(
            *size.size,
            resize=size.resize or "bilinear",
            letterbox=size.fit == "letterbox",
            invert=size.invert,
            features=vectors.shape[1] if config.architecture.startswith(GIVEN) else 0,
        ),
        run=this_round.run,
        code=paths.code_version(),
        number=this_round.number - 1,
    )
    gallery.save(_run(this_round).folder / SEARCH)
    return gallery


def build_deployed(start: Checkpoint, network: dict[str, Any]) -> Deployed:
    """Build the network of the last training with the preparation of its input in it."""
    return Deployed(start.build(parse(NetworkConfig, network, "network")))


def write_files(
    this_round: ThisRound,
    manifest: Manifest,
    gallery: Gallery,
    deployed: Deployed,
    names: NamingSummary,
    answers: LabelMemory,
    export: dict[str, Any],
) -> ExportSummary:
    """Write everything to the folder of the export; log and register the model."""
    config = parse(ExportConfig, export, "export")
    run = _run(this_round)
    facts = CardFacts.of(run, manifest, gallery, names, answers)
    summary = write_export(run.folder / EXPORT, gallery, deployed, names, facts, config)
    if config.mlflow and config.onnx:
        summary = register_model(run, summary, gallery, config)
    return summary


def _run(this_round: ThisRound) -> Run:
    return Run.named(paths.runs_folder(), this_round.run)
