"""Nodes of the pipeline ``pictures``: they read a run, and draw it."""

from typing import Any

import numpy as np

from whosame import artefacts
from whosame.app import paths
from whosame.artefacts import ANSWERS, CLUSTERS, LABELS, METRICS, PICTURES, PICTURES_PAGE, RETRIEVAL
from whosame.data.manifest import Manifest, TestSet, TrainSet, Truth
from whosame.evaluation import EvaluationConfig, evaluate_test_set
from whosame.evaluation.queries import Ranked
from whosame.identities import is_person
from whosame.naming.summary import NamingSummary
from whosame.parameters import parse
from whosame.pictures.cluster_cases import ClusterCase, cluster_cases
from whosame.pictures.cluster_changes import cluster_changes_picture
from whosame.pictures.config import PicturesConfig
from whosame.pictures.feature_map import LEAST, project
from whosame.pictures.map_figure import Panel, map_figure
from whosame.pictures.page import write_pictures
from whosame.pictures.picture import Picture, figure_png
from whosame.pictures.retrieval_curves import retrieval_curves
from whosame.pictures.retrieval_examples import retrieval_examples
from whosame.pictures.retrieval_strips import retrieval_strips
from whosame.pictures.summary import PicturesSummary
from whosame.pipelines.active_round.this_round import ThisRound
from whosame.reporting.base_run import base_run
from whosame.runs import Run
from whosame.search.gallery import Gallery
from whosame.seeding import stream
from whosame.tables import read_answers

OWN, BASE = {"color": "#0072b2", "linestyle": "-"}, {"color": "#000000", "linestyle": "--"}
NO_TEST_SET = "no test image has a known identity"


def draw_map(
    this_round: ThisRound, gallery: Gallery, train_set: TrainSet, truth: Truth, pictures: dict[str, Any]
) -> Picture:
    """Draw the map of the training images' features."""
    config = parse(PicturesConfig, pictures, "pictures")
    title, rows = "Map of the features", np.arange(len(train_set))
    if len(rows) < LEAST:
        return Picture("map", title, f"{len(rows)} training images are too few")
    generator = stream(this_round.seed, "map", this_round.number)
    if len(rows) > config.map_images:
        rows = np.sort(generator.permutation(rows)[: config.map_images])
    images = train_set.image_ids[rows]
    places = project(gallery.vectors[images], int(generator.integers(2**31)))
    panels = [Panel("By name, as found", [gallery.identities[image] for image in images], True, "no name")]
    known = truth.identities[rows]
    if is_person(known).any():
        individuals = [str(number) if person else "" for number, person in zip(known, is_person(known), strict=True)]
        panels.insert(0, Panel("By true individual", individuals, True, "unknown"))
    cameras = gallery.cameras[images]
    if (cameras >= 0).any():
        by_camera = [f"camera {camera}" if camera >= 0 else "" for camera in cameras.tolist()]
        panels.append(Panel("By camera", by_camera, False, "camera unknown"))
    else:
        panels.append(Panel("By how the name is known", [gallery.known[image] for image in images], False, "no name"))
    drawn = f"{len(rows):,} of {len(train_set):,}" if len(rows) < len(train_set) else f"all {len(rows):,}"
    caption = (
        f"t-SNE of {drawn} training images, by the network after round {this_round.number - 1}. A line joins each "
        "image to the middle of its individual: long lines are individuals that the network tears apart. Distances "
        "between groups mean little. Colours repeat."
    )
    return Picture("map", title, caption, figure_png(map_figure(places, panels)))


def draw_curves(this_round: ThisRound, gallery: Gallery, test_set: TestSet, evaluation: dict[str, Any]) -> Picture:
    """Draw CMC and precision by recall of the last round, beside those of the run without questions."""
    title, run = "Retrieval", _run(this_round)
    if not is_person(test_set.query_identities).any():
        return Picture("retrieval", title, NO_TEST_SET)
    number = this_round.number - 1
    own = artefacts.read_if_whole(run.round(number) / RETRIEVAL)
    if own is None:  # an older version played the round
        query, images = gallery.vectors[test_set.query_ids], gallery.vectors[test_set.gallery_ids]
        queries = parse(EvaluationConfig, evaluation, "evaluation").queries
        own = evaluate_test_set(query, images, test_set, queries).curves()
    curves, styles = {run.name: own}, {run.name: OWN}
    base = base_run(run)
    without = None if base is None else artefacts.read_if_whole(base.round(base.completed() - 1) / RETRIEVAL)
    caption = f"Of the test set, after round {number}."
    if base is not None and without is not None:
        label = f"{base.name}, no questions"
        curves[label], styles[label] = without, BASE
        caption += f" Run {base.name!r} differs in its questions alone: it asked none."
    elif base is not None:
        caption += f" The run without questions, {base.name!r}, was played by an older version and has no curves."
    return Picture("retrieval", title, caption, figure_png(retrieval_curves(curves, styles)))


def draw_strips(
    manifest: Manifest, gallery: Gallery, test_set: TestSet, evaluation: dict[str, Any], pictures: dict[str, Any]
) -> Picture:
    """Draw queries of the test set with what they find first."""
    config, title = parse(PicturesConfig, pictures, "pictures"), "What queries find"
    ranked = Ranked.of(gallery.vectors, test_set, parse(EvaluationConfig, evaluation, "evaluation").queries)
    examples = retrieval_examples(ranked, config.strips, config.top)
    if not examples:
        return Picture("strips", title, NO_TEST_SET if config.strips else "pictures.strips is 0")
    drawn = retrieval_strips(examples, manifest, paths.root() / manifest.root, config.side)
    caption = (
        "Queries of the test set with the worst, the median and the best average precision, an individual once, and "
        f"the {config.top} images of the gallery that are most similar. Images of the query's individual by its own "
        "camera are left out, as the evaluation does."
    )
    return Picture("strips", title, caption, drawn, crops=True)


def draw_clusters(this_round: ThisRound, manifest: Manifest, train_set: TrainSet, pictures: dict[str, Any]) -> Picture:
    """Draw the clusters of the round whose answers moved the most images, before and after these."""
    config, run = parse(PicturesConfig, pictures, "pictures"), _run(this_round)
    title = "Clusters before and after answers"
    moved = [found.get("annotation/images_moved", 0) for found in run.metrics()[: this_round.number]]
    number = int(np.argmax(moved))
    cases = _cases(run, number, train_set, config.cases)
    if not cases:
        why = "pictures.cases is 0" if not config.cases else "no answer has changed a cluster"
        return Picture("clusters", title, why)
    drawn = cluster_changes_picture(cases, number, manifest, train_set, paths.root() / manifest.root, config.side)
    caption = (
        f"Round {number} moved the most images. The answers whose clusters changed most, by pairs of images that were "
        "joined or separated."
    )
    return Picture("clusters", title, caption, drawn, crops=True)


def write_page(
    this_round: ThisRound,
    names: NamingSummary,
    map_: Picture,
    curves: Picture,
    strips: Picture,
    clusters: Picture,
) -> PicturesSummary:
    """Write the PNG files and the page."""
    run, drawn = _run(this_round), [curves, strips, clusters, map_]
    metrics = artefacts.read_if_whole(run.round(this_round.number - 1) / METRICS) or {}
    asked = metrics.get("annotation/asked_total", 0)
    page = run.folder / PICTURES_PAGE
    files = write_pictures(
        drawn,
        run.folder / PICTURES,
        page,
        title=f"Pictures of run {run.name}",
        note=f"After {this_round.number} rounds and {asked:,.0f} questions. This page holds images of the data set: "
        "whoever gets it sees them.",
    )
    return PicturesSummary(names, drawn, files, page)


def _cases(run: Run, number: int, train_set: TrainSet, count: int) -> list[ClusterCase]:
    answers, clusters, labels = (artefacts.read(run.round(number) / name) for name in (ANSWERS, CLUSTERS, LABELS))
    given = read_answers(answers, train_set.image_ids[: len(clusters)])
    return cluster_cases(given, clusters, labels, count)


def _run(this_round: ThisRound) -> Run:
    return Run.named(paths.runs_folder(), this_round.run)
