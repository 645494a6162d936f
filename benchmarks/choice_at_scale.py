"""Choice of questions among ten thousand clusters, enforcement of a hundred thousand answers: seconds.

``python benchmarks/choice_at_scale.py`` measures all; ``--strategies=gain,dcps`` some. The choice is what a round
computes until its first questions are there, with a budget of 3,000; "round" is with the questions that follow from
answers, which are all true, and their enforcement. Features are drawn (``reid_features.py``).
"""

import argparse
import contextlib
import time
from pathlib import Path

import numpy as np
import reid_features
from scipy.sparse import csr_array

from whosame.active_round import RunState, describe_round, play_round, select_pairs
from whosame.annotators.oracle import NoisyOracle
from whosame.clustering import Clustering, ClusteringConfig, base_clusters, enforce
from whosame.memory import LabelMemory
from whosame.simulation import Unkept
from whosame.strategies import registry

IMAGES, DIMENSIONS = 180_000, 256  # ten thousand clusters
BUDGET = 3_000
WARM = 3_000  # images
ANSWERS, ENFORCED_ON = 100_000, 500_000
PAPERS = ClusteringConfig(distance="jaccard", k1=30, eps=0.6, centre_cameras=False, search="approximate")


def drawn(images, cache):
    """Return features, individuals, cameras and a clustering; drawn and clustered once where a cache is given."""
    if cache and cache.exists():
        kept = np.load(cache)
        graph = csr_array((kept["data"], kept["indices"], kept["indptr"]), shape=2 * kept["labels"].shape)
        clustering = Clustering(kept["labels"], graph, kept["nearest"], {})
        return kept["features"], kept["who"], kept["cameras"], clustering
    features, who, cameras = reid_features.features(images, DIMENSIONS)
    clustering = base_clusters(features, cameras, PAPERS)
    if cache:
        graph = clustering.graph
        np.savez(
            cache,
            features=features,
            who=who,
            cameras=cameras,
            labels=clustering.labels,
            nearest=clustering.nearest,
            data=graph.data,
            indices=graph.indices,
            indptr=graph.indptr,
        )
    return features, who, cameras, clustering


def small(features, who, cameras, clustering):
    """Return the first images alone, on which everything is compiled."""
    graph = csr_array(clustering.graph[:WARM, :WARM])
    few = Clustering(clustering.labels[:WARM], graph, np.minimum(clustering.nearest[:WARM], WARM - 1), {})
    return features[:WARM], who[:WARM], cameras[:WARM], few


def choice(name, features, who, cameras, clustering, *, whole):
    """Print the seconds of a strategy's choice, and of its whole round."""
    strategy = registry.make(name)
    vertical = np.random.default_rng(0).integers(0, 16, features.shape, np.uint8) if strategy.needs_vertical else None
    state = describe_round(
        features, clustering, cameras, RunState(), number=0, schedule=[BUDGET], seed=0, vertical=vertical, map_height=16
    )
    started = time.perf_counter()
    _, questions = select_pairs(strategy, state)
    chosen = time.perf_counter()
    line = f"{name:20} {chosen - started:8.2f} s for {len(questions):,} questions"
    if whole and vertical is None:
        annotator = NoisyOracle(who, dict.fromkeys(("within", "between", "pool"), 0.0), seed=0)
        record = Unkept([str(row) for row in range(len(features))])
        started = time.perf_counter()
        given = (strategy, annotator, record, features, clustering, cameras, who, RunState())
        played = play_round(*given, number=0, schedule=[BUDGET], seed=0)
        line += f"; round {time.perf_counter() - started:.2f} s, {played.run.asked:,} asked"
    print(line, flush=True)


def enforcement(answers, images):
    """Print the seconds in which answers are read into a memory and enforced."""
    features, who, _ = reid_features.features(images, DIMENSIONS)
    draw = np.random.default_rng(1)
    labels = np.where(draw.random(images) < 0.2, -1, who + len(who) * (draw.random(images) < 0.3))  # torn
    labels = np.where(draw.random(images) < 0.1, draw.permutation(labels), labels)  # and mixed
    order = np.argsort(who, kind="stable")
    near = draw.integers(0, images - 8, answers)
    a, b = order[near], order[near + draw.integers(1, 8, answers)]
    verdict = np.where(who[a] == who[b], "same", "different")
    started = time.perf_counter()
    memory = LabelMemory.from_log(a.tolist(), b.tolist(), verdict.tolist())
    read = time.perf_counter()
    final = enforce(labels, features, memory)
    ended = time.perf_counter()
    print(
        f"{answers:,} answers ({(verdict == 'same').mean():.0%} same) on {images:,} images:"
        f" read {read - started:.2f} s, enforced {ended - read:.2f} s, {final.max() + 1:,} clusters",
        flush=True,
    )


def main():
    asking = [name for name in registry.names() if registry.make(name).asks]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--strategies", type=lambda text: text.split(",") if text else [], default=asking)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--answers", type=int, default=ANSWERS, help="0: no enforcement")
    parser.add_argument("--enforced-on", type=int, default=ENFORCED_ON, help="images")
    parser.add_argument("--whole", action="store_true", help="also the whole round")
    parser.add_argument("--cache", type=Path, help="a .npz to keep the features and clusters in")
    options = parser.parse_args()
    if options.strategies:
        given = drawn(options.images, options.cache)
        sizes = np.bincount(given[3].labels[given[3].labels >= 0])
        print(f"{options.images:,} images, {len(sizes):,} clusters, {(given[3].labels < 0).sum():,} outliers")
        for name in options.strategies:
            with contextlib.redirect_stdout(None):
                choice(name, *small(*given), whole=options.whole)
            choice(name, *given, whole=options.whole)
    if options.answers:
        enforcement(options.answers, options.enforced_on)


if __name__ == "__main__":
    main()
