"""Nodes that begin a round: its parameters are checked, its network is taken from the round before or made."""

import logging
from typing import Any

import pandas as pd

from whosame import artefacts
from whosame.annotators.guide import make_guide
from whosame.app import paths
from whosame.app.run_record import keep_images, known_images, open_run, schedule_of
from whosame.configuration import Configuration
from whosame.data.manifest import Manifest, TestSet, TrainSet, Truth, split
from whosame.data.pixels import Pixels
from whosame.evaluation import count_without_match
from whosame.evaluation.queries import Queries
from whosame.features.config import NetworkConfig
from whosame.features.extraction import estimate_neck, first_images
from whosame.features.frozen_maps import FrozenMaps
from whosame.features.network import build_network
from whosame.known.gather import gather_known
from whosame.parameters import parse
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.runs import Run
from whosame.training import Checkpoint, TrainingConfig, WarmupConfig, cached_maps, make_optimiser, warm_up

logger = logging.getLogger(__name__)


def open_round(
    parameters: dict[str, Any], manifest: Manifest, train_set: TrainSet, truth: Truth
) -> tuple[ThisRound, pd.DataFrame]:
    """Check all parameters together, and that the run is continued as it was started; read what is known already."""
    configuration = parse(Configuration, parameters)
    configuration.check_against(train_set, truth)
    if configuration.people_answer:
        make_guide(configuration.annotator_options, configuration.layout, manifest, paths.root())  # its file is checked
    database = configuration.database_url(paths.root())
    run = Run.named(paths.runs_folder(), configuration.run)
    number = configuration.round if configuration.round is not None else run.completed()
    kept = artefacts.read_if_whole(run.round(number) / artefacts.KNOWN)  # of a round that was interrupted
    known = gather_known(manifest, configuration.catalogue, paths.root()) if kept is None else kept
    splits = {name: len(manifest.image_ids(name)) for name in ("train", "query", "gallery")}
    images = {"dataset": manifest.dataset, "digest": manifest.digest, "images": len(manifest)}
    if not run.started() or known_images(run):
        keep_images(run, manifest)
    about = open_run(run, configuration, manifest, {**images, "root": str(manifest.root), "splits": splits})
    strategy = configuration.make_strategy()
    if number == 0:
        _warn_of_queries_without_match(split(manifest)[2], configuration.evaluation.queries)
    this_round = ThisRound(
        uid=about["uid"],
        run=run.name,
        number=number,
        schedule=tuple(schedule_of(strategy, about, number)),
        seed=configuration.seed,
        device=configuration.device,
        precision=configuration.precision,
        engine=configuration.make_engine(),
        database=database,
        needs_vertical=strategy.needs_vertical,
        origins=run.origins,
    )
    return this_round, known


def _warn_of_queries_without_match(test_set: TestSet, queries: Queries) -> None:
    count, lonely = count_without_match(test_set, queries)
    if lonely:
        effect = "retrieval is not measured" if lonely == count else "the figures leave them out"
        logger.warning(
            "%s of %s queries have no match, which is another image of their person and not by the same camera: %s",
            f"{lonely:,}",
            f"{count:,}",
            effect,
        )


def start_network(
    this_round: ThisRound,
    previous_checkpoint: Checkpoint | None,
    manifest: Manifest,
    images: Pixels | FrozenMaps,
    train_set: TrainSet,
    network: dict[str, Any],
    warmup: dict[str, Any],
    training: dict[str, Any],
) -> Checkpoint:
    """Take the network of the round before; for the first round make one, and warm it up or estimate its neck."""
    if previous_checkpoint is not None:
        return previous_checkpoint
    config = parse(NetworkConfig, network, "network")
    made = build_network(config, seed=this_round.seed)
    if config.weights == "warmup":
        warm_up(
            made,
            images,
            train_set.image_ids,
            parse(WarmupConfig, warmup, "warmup"),
            network_config=config,
            seed=this_round.seed,
            device=this_round.device,
            precision=this_round.precision,
            cache=paths.root() / "data" / "06_models",
            data_key=manifest.digest,
        )
    else:
        drawn = first_images(train_set.image_ids, config, seed=this_round.seed)
        estimate_neck(made, images, drawn, device=this_round.device, precision=this_round.precision)
    return Checkpoint.of(made, make_optimiser(made, parse(TrainingConfig, training, "training")), config, rounds=0)


def compute_maps(
    this_round: ThisRound,
    start: Checkpoint,
    images: Pixels | FrozenMaps,
    train_set: TrainSet,
    network: dict[str, Any],
    training: dict[str, Any],
) -> Pixels | FrozenMaps:
    """Return what the network reads: the pixels, or their maps after its frozen stages, which are computed once.

    The user's own features are such maps.
    """
    network_config, config = parse(NetworkConfig, network, "network"), parse(TrainingConfig, training, "training")
    if isinstance(images, FrozenMaps) or network_config.frozen_stages == 0 or config.cached_versions == 0:
        return images
    return cached_maps(
        start.build(network_config),
        images,
        images.key,
        train_set.image_ids,
        config,
        paths.root() / "data" / "04_maps",
        seed=this_round.seed,
        device=this_round.device,
        precision=this_round.precision,
    )
