"""Nodes of the pipeline ``identities``: they read a run, and write the table of identities and the contact sheets."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whosame import active_round, artefacts
from whosame.annotation.store.store import open_store
from whosame.annotators.registry import AnnotatorConfig
from whosame.app import paths
from whosame.app.config.run_parameters import check_images
from whosame.app.name_images import check_trained
from whosame.artefacts import IDENTITIES
from whosame.atomic import writing
from whosame.clustering import ClusteringConfig, base_clusters
from whosame.configuration import Configuration
from whosame.data.manifest import Manifest, TrainSet, Truth
from whosame.evaluation import evaluate_clusters
from whosame.features.batches import Pixels
from whosame.features.extraction import Features
from whosame.memory import LabelMemory
from whosame.naming.collect_answers import all_answers
from whosame.naming.config import NamingConfig
from whosame.naming.contact_sheets import write_contact_sheets
from whosame.naming.given_names import write_given_names
from whosame.naming.identify import Identified
from whosame.naming.identify import identify as identify_images
from whosame.naming.identity_table import identity_rows, read_identities, write_identities
from whosame.naming.name_history import changes_of, record, renamed
from whosame.naming.names_before import NamesBefore
from whosame.naming.nearest_identities import nearest_identities
from whosame.naming.summary import NamingSummary
from whosame.naming.written_names import check_names, keep_written, read_before, read_written
from whosame.parameters import parse
from whosame.pipelines.active_round.select import extract_features
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.runs import Run
from whosame.seeding import stream
from whosame.strategies.registry import StrategiesConfig
from whosame.tables import known_names, known_table
from whosame.training import Checkpoint


def last_training(parameters: dict[str, Any], manifest: Manifest) -> ThisRound:
    """Check that the run has trained its network on these images; describe the round after the last training."""
    configuration = parse(Configuration, parameters)
    run = Run.named(paths.runs_folder(), configuration.run)
    about = check_trained(run)
    check_images(run.name, about["manifest"], manifest, growing=True)
    with open_store(configuration.database_url(paths.root())) as store:
        write_given_names(run, store, manifest)
    check_names(read_written(run.folder).names, read_identities(run.folder / IDENTITIES))
    return ThisRound(
        uid=run.about().get("uid", ""),  # a fork that has not started has no answers of its own
        run=run.name,
        number=run.completed() if configuration.round is None else configuration.round,
        schedule=(),
        seed=configuration.seed,
        device=configuration.device,
        precision=configuration.precision,
        engine=configuration.make_engine(),
        database=configuration.database_url(paths.root()),
        needs_vertical=False,
        origins=run.origins,
    )


def final_features(
    this_round: ThisRound,
    start: Checkpoint,
    computed: Features | None,
    pixels: Pixels,
    train_set: TrainSet,
    network: dict[str, Any],
    extraction: dict[str, Any],
) -> Features:
    """Extract the features of the trained network, unless the next round has begun and extracted them."""
    return computed or extract_features(this_round, start, pixels, train_set, network, extraction)


def collect_answers(
    this_round: ThisRound,
    train_set: TrainSet,
    previous_memory: pd.DataFrame,
    previous_known: pd.DataFrame | None,
    next_memory: pd.DataFrame | None,
    next_known: pd.DataFrame | None,
    annotator_options: dict[str, Any],
) -> tuple[LabelMemory, pd.DataFrame]:
    """Collect every answer and what is known without one: of the complete rounds, and of the next one so far."""
    known = next_known if next_known is not None else previous_known
    if known is None:  # an older version began the round
        known = known_table(train_set.image_ids[:0], [], [])
    memory = previous_memory if next_memory is None else next_memory
    with open_store(this_round.database) as store:
        found = all_answers(
            store,
            (this_round.uid, *this_round.origins),
            None if next_memory is not None else this_round.number,
            memory,
            known,
            train_set.image_ids,
            parse(AnnotatorConfig, annotator_options, "annotator_options").overlap,
        )
    return found, known


def read_names_before(
    this_round: ThisRound, manifest: Manifest, train_set: TrainSet, answers: LabelMemory, known: pd.DataFrame
) -> NamesBefore:
    """Read the table that this one replaces, as people have edited it."""
    given = known_names(known)
    fixed = [given.get(image, "") for image in train_set.image_ids.tolist()]
    paths_of = manifest.table["path"].iloc[train_set.image_ids].tolist()
    return read_before(Run.named(paths.runs_folder(), this_round.run).folder, paths_of, fixed, answers)


def identify(
    this_round: ThisRound,
    features: Features,
    train_set: TrainSet,
    clustering_state: dict[str, Any] | None,
    answers: LabelMemory,
    before: NamesBefore,
    clustering: dict[str, Any],
    strategies: dict[str, Any],
    naming: dict[str, Any],
) -> Identified:
    """Cluster as a round would, apply all answers, and place images whose cluster is clear."""
    config = parse(ClusteringConfig, clustering, "clustering")
    vectors = active_round.clustered_vectors(features.vectors, train_set.cameras, config)
    return identify_images(
        vectors,
        base_clusters(vectors, train_set.cameras, config, clustering_state),
        train_set.cameras,
        answers,
        stream(this_round.seed, "naming", this_round.number),
        parse(NamingConfig, naming, "naming"),
        parse(StrategiesConfig, strategies, "strategies").gain,
        before,
    )


def write_names(
    this_round: ThisRound,
    manifest: Manifest,
    identified: Identified,
    features: Features,
    known: pd.DataFrame,
    answers: LabelMemory,
    before: NamesBefore,
    train_set: TrainSet,
    truth: Truth,
    clustering: dict[str, Any],
    naming: dict[str, Any],
) -> NamingSummary:
    """Write the table of identities, what changed, and the contact sheets; score names where identities are known."""
    config = parse(NamingConfig, naming, "naming")
    own = Run.named(paths.runs_folder(), this_round.run).folder / IDENTITIES  # what later names follow
    table = own if config.out is None else paths.root() / config.out
    rows = identity_rows(manifest, identified, read_identities(own), known_names(known))
    pages = write_contact_sheets(
        rows,
        paths.root() / manifest.root,
        table.with_suffix(".html"),
        config,
        title=f"Identities of run {this_round.run}",
    )
    changes = renamed(read_written(own.parent).names, read_identities(own))
    changes += changes_of(rows, identified, before, answers, config.clear)
    for file in {table, own}:
        with writing(file) as opened:
            opened.write(write_identities(rows))
    record(own.parent, changes, this_round.number, len(answers))
    keep_written(own.parent, rows, answers.query_counts(len(train_set)).tolist())
    vectors = active_round.clustered_vectors(
        features.vectors, train_set.cameras, parse(ClusteringConfig, clustering, "clustering")
    )
    near = nearest_identities(vectors, [row.identity for row in rows], own.read_bytes())
    artefacts.write(own.with_name(artefacts.IDENTITIES_NEAR), near)
    found = _scores(identified.labels, truth, train_set)
    given = identified.known == "catalogue"
    if given.any() and not given.all():
        found |= {
            f"{name}_of_others": value for name, value in _scores(identified.labels, truth, train_set, ~given).items()
        }
    return NamingSummary(rows, found, table, pages)


def _scores(
    labels: NDArray[np.int64], truth: Truth, train_set: TrainSet, some: NDArray[np.bool_] | slice = slice(None)
) -> dict[str, float]:
    """Return how well the identities of some images agree with the true ones; nothing where these are not known."""
    scores = evaluate_clusters(labels[some], truth.identities[some], train_set.cameras[some]).everything
    return {} if scores is None else {"ari": scores.ari, "bcubed_f1": scores.bcubed_f1}
