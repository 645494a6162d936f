"""Nodes that choose a round's questions: features, clusters, and the strategy's first batch."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame import active_round
from whosame.active_round import RunState
from whosame.annotation.store.store import open_store
from whosame.annotators import earlier_answers
from whosame.annotators.registry import HUMAN, AnnotatorConfig
from whosame.app import paths
from whosame.atomic import require_space
from whosame.clustering import Clustering, ClusteringConfig, base_clusters
from whosame.data.manifest import TrainSet
from whosame.distributed.extraction import ExtractionJob
from whosame.features.batches import Pixels
from whosame.features.config import ExtractionConfig, NetworkConfig
from whosame.features.extraction import Features
from whosame.inspection.disk import features_and_graph
from whosame.parameters import parse
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.strategies import registry
from whosame.strategies.base import RoundState
from whosame.tables import asked_so_far, questions_table, read_memory, with_found
from whosame.training import Checkpoint


def extract_features(
    this_round: ThisRound,
    start: Checkpoint,
    pixels: Pixels,
    train_set: TrainSet,
    network: dict[str, Any],
    extraction: dict[str, Any],
) -> Features:
    """Extract features and each channel's row of the maximum (DCPS Eq. 5) from the training images."""
    how = parse(NetworkConfig, network, "network")
    size = features_and_graph(len(train_set), start.build(how).dimension)
    what, advice = "the features and the graph of a round", "remove what old rounds keep: kedro runs prune"
    require_space(paths.runs_folder() / this_round.run, size, what, advice)
    job = ExtractionJob(
        start,
        how,
        pixels,
        (train_set.image_ids,),
        parse(ExtractionConfig, extraction, "extraction"),
        device=this_round.device,
        precision=this_round.precision,
        vertical=this_round.needs_vertical,
    )
    [features] = this_round.engine.extract(job)
    return features


def recall(
    this_round: ThisRound,
    features: Features,  # noqa: ARG001  the first file of a round, which fixes the parameters of a run
    gathered: pd.DataFrame,
    train_set: TrainSet,
    previous_memory: pd.DataFrame | None,
    annotator: str,
    annotator_options: dict[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep what is known without a question as the round begins: also reviews; of people, their answers elsewhere."""
    with open_store(this_round.database) as store:
        found = earlier_answers.recall(
            store,
            run_uids=(this_round.uid, *this_round.origins),
            run=this_round.run,
            round=this_round.number,
            image_ids=train_set.image_ids,
            digests=train_set.digests,
            overlap=parse(AnnotatorConfig, annotator_options, "annotator_options").overlap,
            memory=previous_memory,
            people=annotator == HUMAN,
        )
    return gathered, found


def remember(this_round: ThisRound, previous_memory: pd.DataFrame | None, found: pd.DataFrame) -> pd.DataFrame:
    """Return every answer that is known as the round begins."""
    return with_found(previous_memory, found, this_round.number)


def cluster(
    features: Features,
    train_set: TrainSet,
    known: pd.DataFrame,
    start_memory: pd.DataFrame,
    previous_clustering_state: dict[str, Any] | None,
    clustering: dict[str, Any],
) -> Clustering:
    """Cluster by k-reciprocal Jaccard distance and the configured base; then apply what is known, and the answers."""
    config = parse(ClusteringConfig, clustering, "clustering")
    vectors = active_round.clustered_vectors(features.vectors, train_set.cameras, config)
    found = base_clusters(vectors, train_set.cameras, config, previous_clustering_state)
    memory = read_memory(start_memory, train_set.image_ids, known)
    return found._replace(labels=active_round.apply_earlier_answers(found.labels, vectors, memory, reuse=config.reuse))


def describe_round(
    this_round: ThisRound,
    features: Features,
    clusters: NDArray[np.int64],
    graph: csr_array,
    nearest: NDArray[np.int64],
    train_set: TrainSet,
    known: pd.DataFrame,
    start_memory: pd.DataFrame,
    previous_strategy_state: dict[str, NDArray[Any]] | None,
    clustering: dict[str, Any],
) -> RoundState:
    """Collect everything a strategy may look at; no identity is among it."""
    config = parse(ClusteringConfig, clustering, "clustering")
    memory = read_memory(start_memory, train_set.image_ids, known)
    run = RunState(memory, asked_so_far(start_memory), previous_strategy_state or {})
    return active_round.describe_round(
        active_round.clustered_vectors(features.vectors, train_set.cameras, config),
        Clustering(clusters, graph, nearest, {}),
        train_set.cameras,
        run,
        number=this_round.number,
        schedule=this_round.schedule,
        seed=this_round.seed,
        views=train_set.view_numbers,
        vertical=features.vertical,
        map_height=features.map_height,
    )


def select_pairs(state: RoundState, train_set: TrainSet, strategy: str, strategies: dict[str, Any]) -> pd.DataFrame:
    """Choose the round's first questions."""
    _, questions = active_round.select_pairs(registry.make(strategy, strategies), state)
    return questions_table(questions, train_set.image_ids)
