"""Nodes of the pipeline ``active_round``: each unpacks its parameters and calls the core."""

import dataclasses
import logging
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.annotation.store.store import open_store
from whosame.app import paths
from whosame.clustering import ClusteringConfig, base_clusters, centrality, enforce
from whosame.configuration import Configuration
from whosame.data.manifest import Manifest, TestSet, TrainSet, Truth
from whosame.data.pixels import Pixels
from whosame.errors import ResumeError
from whosame.evaluation import (
    AnnotationCost,
    changes_partition,
    evaluate_clusters,
    evaluate_retrieval,
    round_cost,
    selection_diversity,
)
from whosame.features.centring import centre_by_camera
from whosame.features.extraction import Features, extract
from whosame.features.network import ReIDNetwork, build_network
from whosame.memory import LabelMemory
from whosame.parameters import parse
from whosame.pipelines.active_round.oracles import oracle_answers
from whosame.pipelines.active_round.people import people_answer
from whosame.pipelines.active_round.tables import (
    answers_table,
    asked_so_far,
    memory_table,
    questions_table,
    read_answers,
    read_memory,
    read_questions,
)
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.questions import Question
from whosame.reporting.pair_images import pair_images
from whosame.runs import Run
from whosame.seeding import stream
from whosame.strategies.base import RoundState, Session
from whosame.strategies.budget import allowance
from whosame.training import Checkpoint, fit, image_weights, make_optimiser, warm_up

logger = logging.getLogger(__name__)


def open_round(parameters: dict[str, Any], manifest: Manifest, train_set: TrainSet, truth: Truth) -> ThisRound:
    """Check that the round can be played as asked, and that the run is continued as it was begun."""
    configuration = parse(Configuration, parameters)
    configuration.check_against(train_set, truth)
    with open_store(configuration.database_url(paths.root())):
        pass  # a store that cannot be written is found before the work, not after it
    run = Run.named(paths.runs_folder(), configuration.run)
    splits = {name: len(manifest.image_ids(name)) for name in ("train", "query", "gallery")}
    about = run.open(
        configuration.result_parameters(),
        {
            "dataset": manifest.dataset,
            "digest": manifest.digest,
            "images": len(manifest),
            "root": str(manifest.root),
            "splits": splits,
        },
        paths.code_version(),
    )
    number = configuration.round if configuration.round is not None else run.completed()
    return ThisRound(about["uid"], run.name, number, configuration.rounds, configuration.seed, configuration.device)


def start_network(
    this_round: ThisRound,
    previous_checkpoint: Checkpoint | None,
    manifest: Manifest,
    pixels: Pixels,
    train_set: TrainSet,
    parameters: dict[str, Any],
) -> Checkpoint:
    """Take the network of the round before; for the first round make one, and warm it up if its weights are random."""
    if previous_checkpoint is not None:
        return previous_checkpoint
    configuration = parse(Configuration, parameters)
    config = configuration.network
    network = build_network(config, seed=this_round.seed)
    if config.weights == "warmup":
        warm_up(
            network,
            pixels,
            train_set.image_ids,
            configuration.warmup,
            network_config=config,
            seed=this_round.seed,
            device=this_round.device,
            cache=paths.root() / "data" / "06_models",
            data_key=manifest.digest,
        )
    return Checkpoint.of(network, make_optimiser(network, configuration.training), config, rounds=0)


def extract_features(
    this_round: ThisRound, start: Checkpoint, pixels: Pixels, train_set: TrainSet, parameters: dict[str, Any]
) -> Features:
    """Extract features and each channel's row of the maximum (DCPS Eq. 5) from the training images."""
    configuration = parse(Configuration, parameters)
    network, _ = _restore(start, configuration)
    vertical = configuration.make_strategy().needs_vertical
    ids, config = train_set.image_ids, configuration.extraction
    return extract(network, pixels, ids, config, device=this_round.device, vertical=vertical)


def cluster(
    features: Features,
    train_set: TrainSet,
    previous_memory: pd.DataFrame | None,
    previous_clustering_state: dict[str, Any] | None,
    clustering: dict[str, Any],
) -> tuple[NDArray[np.int64], csr_array, NDArray[np.int64], dict[str, Any]]:
    """Cluster by k-reciprocal Jaccard distance and the configured base; then keep every answer so far."""
    config = parse(ClusteringConfig, clustering, "clustering")
    vectors = _clustered_vectors(features, train_set, config)
    labels, graph, nearest, state = base_clusters(vectors, config, previous_clustering_state)
    if config.reuse:
        labels = enforce(labels, vectors, read_memory(previous_memory, train_set))
    return labels, graph, nearest, state


def describe_round(
    this_round: ThisRound,
    features: Features,
    clusters: NDArray[np.int64],
    graph: csr_array,
    nearest: NDArray[np.int64],
    train_set: TrainSet,
    previous_memory: pd.DataFrame | None,
    previous_strategy_state: dict[str, NDArray[Any]] | None,
    parameters: dict[str, Any],
) -> RoundState:
    """Put together what a strategy may look at: no identity is among it."""
    configuration = parse(Configuration, parameters)
    memory = read_memory(previous_memory, train_set)
    schedule = configuration.make_strategy().schedule(configuration.budget, configuration.rounds)
    return RoundState(
        round=this_round.number,
        rounds=this_round.rounds,
        features=_clustered_vectors(features, train_set, configuration.clustering),
        vertical=features.vertical,
        map_height=features.map_height,
        graph=graph,
        labels=clusters,
        cameras=train_set.cameras,
        memory=memory,
        budget=allowance(schedule, this_round.number, spent=asked_so_far(previous_memory)),
        generator=stream(this_round.seed, "strategy", this_round.number),
        previous_state=previous_strategy_state or {},
        nearest=nearest,
    )


def select_pairs(
    this_round: ThisRound, state: RoundState, train_set: TrainSet, parameters: dict[str, Any]
) -> pd.DataFrame:
    """Choose the round's first questions."""
    return questions_table(_begin(this_round, state, parameters).ask(), train_set)


def annotate(
    this_round: ThisRound,
    state: RoundState,
    questions: pd.DataFrame,
    manifest: Manifest,
    train_set: TrainSet,
    truth: Truth,
    previous_memory: pd.DataFrame | None,
    parameters: dict[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, NDArray[Any]]]:
    """Put the questions to the annotator, and those that the answers lead to, until the round's budget is spent."""
    configuration = parse(Configuration, parameters)
    first = read_questions(questions, train_set)

    def begin() -> tuple[Session, list[Question]]:
        session = _begin(this_round, state, parameters)
        if list(session.ask()) != first:
            raise ResumeError("the strategy does not ask what it asked before the interruption: was its code changed?")
        return session, first

    if configuration.people_answer:
        spent = asked_so_far(previous_memory)
        session, said = people_answer(this_round, state, begin, manifest, train_set, configuration, spent=spent)
    elif state.budget == 0:  # nobody is needed who could answer
        session, _ = begin()
        log = memory_table(previous_memory, state.memory, [], train_set, this_round.number)
        return answers_table([], train_set), log, session.next_state()
    else:
        session, said = oracle_answers(this_round, state, begin, train_set, truth, configuration)
    memory = memory_table(previous_memory, said.memory, said.answers, train_set, this_round.number)
    return answers_table(said.answers, train_set), memory, session.next_state()


def reassign(
    state: RoundState,
    answers: pd.DataFrame,
    memory: pd.DataFrame,
    train_set: TrainSet,
    truth: Truth,
    parameters: dict[str, Any],
) -> NDArray[np.int64]:
    """Apply the round's answers to the clusters."""
    configuration = parse(Configuration, parameters)
    strategy = configuration.make_strategy()
    if strategy.uses_truth:
        return np.where(truth.identities > 0, truth.identities, -1)  # who nobody knows is an outlier
    standing = _standing(memory, train_set, configuration, state.round)
    return strategy.reassign(state, standing, read_answers(answers, train_set))


def train(
    this_round: ThisRound,
    start: Checkpoint,
    features: Features,
    pixels: Pixels,
    train_set: TrainSet,
    labels: NDArray[np.int64],
    graph: csr_array,
    memory: pd.DataFrame,
    parameters: dict[str, Any],
) -> tuple[Checkpoint, dict[str, Any]]:
    """Train the network on the labels, or the answers, for one round."""
    configuration = parse(Configuration, parameters)
    network, optimiser = _restore(start, configuration)
    standing = _standing(memory, train_set, configuration, this_round.number)
    trusted = configuration.training.loss == "purification"
    report = fit(
        network,
        optimiser,
        pixels,
        train_set.image_ids,
        labels,
        train_set.cameras,
        configuration.training,
        round=this_round.number,
        rounds=this_round.rounds,
        seed=this_round.seed,
        device=this_round.device,
        vectors=features.vectors,
        memory=standing,
        weights=image_weights(centrality(graph, labels), labels, standing) if trusted else None,
    )
    for warning in report.warnings:
        logger.warning("training, round %d: %s", this_round.number, warning)
    checkpoint = Checkpoint.of(network, optimiser, configuration.network, rounds=start.rounds + 1)
    return checkpoint, dataclasses.asdict(report)


def evaluate(
    this_round: ThisRound,
    checkpoint: Checkpoint,
    pixels: Pixels,
    train_set: TrainSet,
    test_set: TestSet,
    truth: Truth,
    clusters: NDArray[np.int64],
    labels: NDArray[np.int64],
    answers: pd.DataFrame,
    memory: pd.DataFrame,
    training_report: dict[str, Any],
    previous_metrics: dict[str, Any] | None,
    parameters: dict[str, Any],
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Score the trained network, the labels before and after the answers, and what the answers cost and bought."""
    configuration = parse(Configuration, parameters)
    options = configuration.evaluation
    network, _ = _restore(checkpoint, configuration)
    vectors = [
        extract(network, pixels, image_ids, configuration.extraction, device=this_round.device).vectors
        for image_ids in (test_set.query_ids, test_set.gallery_ids)
    ]
    retrieval = evaluate_retrieval(
        vectors[0],
        test_set.query_identities,
        test_set.query_cameras,
        vectors[1],
        test_set.gallery_identities,
        test_set.gallery_cameras,
    )
    log = read_memory(memory, train_set)
    spent = round_cost(read_answers(answers, train_set), clusters, conflicts=log.conflicts, idle_cap=options.idle_cap)
    total = AnnotationCost.from_dict(previous_metrics or {}) + spent
    diversity = selection_diversity(log.query_counts(len(train_set)), labels, kappa=options.kappa)
    images, pace = len(train_set), options.seconds_per_pair
    metrics = {
        "round": this_round.number,
        **retrieval.to_dict(),
        **evaluate_clusters(labels, truth.identities, train_set.cameras).to_dict(),
        **evaluate_clusters(clusters, truth.identities, train_set.cameras).to_dict("clusters_before"),
        **spent.to_dict(images, seconds_per_pair=pace),
        **total.to_dict(images, seconds_per_pair=pace, suffix="_total"),
        **diversity.to_dict(),
        **{f"training/{name}": training_report[name] for name in ("loss", "images", "classes", "learning_rate")},
    }
    return diversity.shares, {name: value for name, value in metrics.items() if np.isfinite(value)}


def draw_pairs(
    answers: pd.DataFrame,
    clusters: NDArray[np.int64],
    pixels: Pixels,
    train_set: TrainSet,
    parameters: dict[str, Any],
) -> bytes:
    """Draw the round's pairs with their answers."""
    configuration = parse(Configuration, parameters)
    paid = [answer for answer in read_answers(answers, train_set) if answer.source != "closure"]
    shown = paid[: configuration.evaluation.pairs_shown]
    first, second = (
        pixels.read(train_set.image_ids[[getattr(answer.question, side) for answer in shown]]) for side in ("a", "b")
    )
    return pair_images(first, second, shown, changes_partition(shown, clusters), total=len(paid))


def _begin(this_round: ThisRound, state: RoundState, parameters: dict[str, Any]) -> Session:
    """Start the strategy on the state as the round began, whoever drew from its random numbers before."""
    untouched = dataclasses.replace(state, generator=stream(this_round.seed, "strategy", this_round.number))
    return parse(Configuration, parameters).make_strategy().start(untouched)


def _standing(memory: pd.DataFrame, train_set: TrainSet, configuration: Configuration, number: int) -> LabelMemory:
    """Return the answers that count in this round: all of them, or without ``clustering.reuse`` its own."""
    return read_memory(memory if configuration.clustering.reuse else memory[memory["round"] == number], train_set)


def _clustered_vectors(features: Features, train_set: TrainSet, config: ClusteringConfig) -> NDArray[np.float32]:
    """Return what is clustered, and so what questions are chosen on: the features, centred per camera if asked for."""
    return centre_by_camera(features.vectors, train_set.cameras) if config.centre_cameras else features.vectors


def _restore(start: Checkpoint, configuration: Configuration) -> tuple[ReIDNetwork, torch.optim.Adam]:
    network = build_network(dataclasses.replace(configuration.network, weights="random"), seed=0)
    optimiser = make_optimiser(network, configuration.training)
    start.restore(network, optimiser, configuration.network)
    return network, optimiser
