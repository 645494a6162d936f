"""Reference figures, which a change without new numerics leaves equal to the last digit.

    OMP_NUM_THREADS=1 python benchmarks/figures.py before.json     # at one revision
    OMP_NUM_THREADS=1 python benchmarks/figures.py after.json      # at another one, on the same machine
    diff before.json after.json

Every strategy's simulation on 1,500 drawn features, and the demo's ten rounds with seed 0 (``--without-demo`` leaves
them out; the run is named ``figures``). Equal figures need one number of threads and one machine.
"""

import argparse
import hashlib
import json
from pathlib import Path

import reid_features

from whosame.clustering import ClusteringConfig, base_clusters
from whosame.evaluation import evaluate_clusters
from whosame.simulation import simulate
from whosame.strategies import registry

N, BUDGET, ROUNDS = 1_500, 200, 5
PAPERS = ClusteringConfig(distance="jaccard", k1=30, eps=0.6, centre_cameras=False)
TIMED = ("seconds", "hours")  # parts of the names of metrics that depend on a clock


def simulations():
    """Return the metrics of each strategy on the same drawn features."""
    found = {}
    features, identities, cameras = reid_features.features(N, 256)
    clustering = base_clusters(features, cameras, PAPERS)
    for name in registry.names():
        result = simulate(
            name, features, identities, cameras, budget=BUDGET, rounds=ROUNDS, config=PAPERS, clustering=clustering
        )
        pairs = [(answer.question.a, answer.question.b, answer.verdict, answer.source) for answer in result.answers]
        metrics = evaluate_clusters(result.labels, identities, cameras)
        found[name] = {
            **metrics.to_dict(),
            "asked": result.asked,
            "free": result.free,
            "labels": hashlib.sha256(result.labels.tobytes()).hexdigest(),
            "answers": hashlib.sha256(repr(pairs).encode()).hexdigest(),
        }
    return found


def demo():
    """Return the metrics of the demo's rounds."""
    from whosame.app.round_loop import play

    run = play(None, {"run": "figures", "seed": 0})
    return [
        {name: value for name, value in sorted(metrics.items()) if not any(word in name for word in TIMED)}
        for metrics in run.metrics()
    ]


def main():
    """Write the figures to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--without-demo", action="store_true")
    chosen = parser.parse_args()
    figures = {"simulate": simulations()}
    if not chosen.without_demo:
        figures["demo"] = demo()
    chosen.file.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
