"""Nodes of the model: the network is trained on the labels, and the round is scored."""

import dataclasses
import logging
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame import active_round
from whosame.clustering import ClusteringConfig, centrality
from whosame.data.manifest import TestSet, TrainSet, Truth
from whosame.distributed.extraction import ExtractionJob
from whosame.distributed.training import TrainingJob
from whosame.evaluation import (
    AnnotationCost,
    EvaluationConfig,
    Judged,
    answer_agreement,
    cluster_changes,
    evaluate_clusters,
    evaluate_test_set,
    network_change,
    round_cost,
    selection_diversity,
)
from whosame.features.batches import Pixels
from whosame.features.config import ExtractionConfig, NetworkConfig
from whosame.features.extraction import Features
from whosame.memory import LabelMemory
from whosame.parameters import parse
from whosame.pipelines.active_round.label import memory_in_force
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.reporting.best_round import best_so_far
from whosame.strategies import registry
from whosame.strategies.base import RoundState
from whosame.tables import read_answers, read_memory
from whosame.training import Checkpoint, TrainingConfig, image_weights

logger = logging.getLogger(__name__)


def train(
    this_round: ThisRound,
    start: Checkpoint,
    features: Features,
    pixels: Pixels,
    train_set: TrainSet,
    labels: NDArray[np.int64],
    graph: csr_array,
    memory: pd.DataFrame,
    known: pd.DataFrame,
    clustering_state: dict[str, Any],
    network: dict[str, Any],
    training: dict[str, Any],
    clustering: dict[str, Any],
    strategy: str,
    strategies: dict[str, Any],
) -> tuple[Checkpoint, dict[str, Any]]:
    """Train the network on the labels, or the answers, for one round; true labels count as answers about all pairs."""
    network_config = parse(NetworkConfig, network, "network")
    config = parse(TrainingConfig, training, "training")
    if registry.make(strategy, strategies).uses_truth:
        in_force = LabelMemory.from_labels(labels) if config.uses_answers else LabelMemory()
    else:
        in_force = memory_in_force(memory, known, train_set, this_round.number, clustering)
        how = parse(ClusteringConfig, clustering, "clustering")
        labels = active_round.labels_to_train_on(labels, graph, in_force, clustering_state, how, config.obeyed)
    trusted = config.loss == "purification"
    job = TrainingJob(
        start,
        network_config,
        pixels,
        train_set.image_ids,
        labels,
        train_set.cameras,
        config,
        round=this_round.number,
        rounds=this_round.rounds,
        seed=this_round.seed,
        device=this_round.device,
        precision=this_round.precision,
        vectors=features.vectors,
        memory=in_force,
        weights=image_weights(centrality(graph, labels), labels, in_force) if trusted else None,
    )
    checkpoint, report = this_round.engine.train(job)
    for warning in report.warnings:
        logger.warning("training, round %d: %s", this_round.number, warning)
    return checkpoint, dataclasses.asdict(report)


def evaluate(
    this_round: ThisRound,
    checkpoint: Checkpoint,
    pixels: Pixels,
    train_set: TrainSet,
    test_set: TestSet,
    truth: Truth,
    state: RoundState,
    earlier_features: Features | None,
    clusters: NDArray[np.int64],
    labels: NDArray[np.int64],
    found: pd.DataFrame,
    answers: pd.DataFrame,
    memory: pd.DataFrame,
    known: pd.DataFrame,
    training_report: dict[str, Any],
    clustering_state: dict[str, Any],
    previous_metrics: dict[str, Any] | None,
    network: dict[str, Any],
    extraction: dict[str, Any],
    evaluation: dict[str, Any],
    clustering: dict[str, Any],
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]], dict[str, float]]:
    """Score the trained network, the labels before and after the answers, and what the answers cost and bought."""
    options = parse(EvaluationConfig, evaluation, "evaluation")
    job = ExtractionJob(
        checkpoint,
        parse(NetworkConfig, network, "network"),
        pixels,
        (test_set.query_ids, test_set.gallery_ids),
        parse(ExtractionConfig, extraction, "extraction"),
        device=this_round.device,
        precision=this_round.precision,
    )
    query, gallery = (features.vectors for features in this_round.engine.extract(job))
    retrieval = evaluate_test_set(query, gallery, test_set, options.queries)
    all_answers = read_memory(memory, train_set.image_ids, known)
    of_round = read_answers(answers, train_set.image_ids)
    judged = Judged.of(of_round)
    before = None
    if earlier_features is not None:
        config, cameras = parse(ClusteringConfig, clustering, "clustering"), train_set.cameras
        earlier = earlier_features.vectors  # of the first images: others may have joined since
        before = active_round.clustered_vectors(earlier, cameras[: len(earlier)], config)
    spent = round_cost(
        [*read_answers(found, train_set.image_ids), *of_round],
        clusters,
        conflicts=all_answers.conflicts,
        idle_cap=options.idle_cap,
    )
    total = AnnotationCost.from_dict(previous_metrics or {}) + spent
    diversity = selection_diversity(all_answers.query_counts(len(train_set)), labels, kappa=options.kappa)
    images, pace = len(train_set), options.seconds_per_pair
    metrics = {
        "round": this_round.number,
        **retrieval.to_dict(),
        **evaluate_clusters(labels, truth.identities, train_set.cameras).to_dict(),
        **evaluate_clusters(clusters, truth.identities, train_set.cameras).to_dict("clusters_before"),
        **spent.to_dict(images, seconds_per_pair=pace),
        **total.to_dict(images, seconds_per_pair=pace, suffix="_total"),
        **diversity.to_dict(),
        **cluster_changes(clusters, labels),
        **answer_agreement(judged, state.features),
        **network_change(judged, state.features, before),
        **{f"training/{name}": training_report[name] for name in ("loss", "images", "classes", "learning_rate")},
        **{name: clustering_state[name] for name in ("neighbour_recall",) if name in clustering_state},
    }
    metrics |= best_so_far(previous_metrics, metrics, this_round.number)
    figures = {name: value for name, value in metrics.items() if np.isfinite(value)}
    return diversity.shares, retrieval.curves(), figures
