"""Whether answers held out tell that a network has improved: the estimate of each round against the truth.

    python benchmarks/held_out_answers.py m0-gain-500-s0 m1-dcps-500-s1      # in the project's folder
    python benchmarks/held_out_answers.py m0-gain-500-s0 m1-dcps-500-s1 --own

Two versions of a run's network are compared on 60 new questions that a strategy chooses on the features of one of them
(the "chosen" one, as the newest is in a run), answered from the truth; pairs that the run's own answers decide are left
out, so that neither version was trained on them. The truth is mAP among the training images. Every fifth round chooses,
against every other round: also against later ones, so that the chosen network is the worse one. With ``--own`` each
round is compared with the one three before it on the run's own answers, as a run does it; there the newer one is mostly
better.
"""

import argparse

import numpy as np
import pandas as pd
from first_answers import images_of
from numpy.typing import NDArray

from whosame.active_round import RunState, clustered_vectors, play_round
from whosame.annotators.oracle import Oracle
from whosame.app import paths
from whosame.app.paths import ROUNDS_APART
from whosame.artefacts import ANSWERS, FEATURES, MEMORY, read
from whosame.clustering import ClusteringConfig, base_clusters
from whosame.evaluation.answer_agreement import LEAST, Judged, auc, network_change, surely_larger
from whosame.evaluation.retrieval import evaluate_each
from whosame.memory import LabelMemory
from whosame.runs import Run, find_run
from whosame.simulation import Unkept
from whosame.strategies import registry
from whosame.tables import read_answers, read_memory

QUESTIONS = 60
SURE = 0.9


def own(run: Run) -> list[dict[str, float | str]]:
    """Return a row for each round of a run that is compared."""
    images, truth = images_of(run)
    configuration = run.about()["configuration"]
    config = ClusteringConfig(**configuration["clustering"])
    features = [read(run.round(number) / FEATURES)["vectors"] for number in range(run.completed())]
    vectors = [clustered_vectors(each, images.cameras, config) for each in features]
    rows = []
    for number in range(1, run.completed()):
        here, there = vectors[number], vectors[max(0, number - ROUNDS_APART)]
        judged = Judged.of(read_answers(read(run.round(number) / ANSWERS), images.image_ids))
        found = network_change(judged, here, there)
        if found:
            before = found["annotation/similarity_auc_before"]
            right = [evaluate_each(each, truth.identities, images.cameras).mAP for each in (here, there)]
            rows.append(
                {
                    "strategy": configuration["strategy"],
                    "chosen": "newer",
                    "sure": found["annotation/network_improved"],
                    "estimate": auc(judged.similarity(here), judged.same) - before,
                    "truth": right[0] - right[1],
                }
            )
    return rows


def compare(run: Run, strategy: str) -> list[dict[str, float | str]]:
    """Return a row for each pair of versions."""
    images, truth = images_of(run)
    config = ClusteringConfig(**run.about()["configuration"]["clustering"])
    people: NDArray[np.int64] = np.unique(truth.identities, return_inverse=True)[1].astype(np.int64) + 1
    last = run.completed()
    features = [read(run.round(number) / FEATURES)["vectors"] for number in range(last)]
    vectors = [clustered_vectors(each, images.cameras, config) for each in features]
    right = [evaluate_each(each, truth.identities, images.cameras).mAP for each in vectors]
    memories = [read_memory(read(run.round(number) / MEMORY), images.image_ids) for number in range(last)]
    rows = []
    for chosen in range(0, last, max(1, last // 5)):
        clustering = base_clusters(vectors[chosen], images.cameras, config)
        before = memories[chosen - 1] if chosen else LabelMemory()
        given = (vectors[chosen], clustering, images.cameras, people, RunState(before))
        how = {"number": 0, "schedule": [QUESTIONS], "seed": chosen}
        played = play_round(registry.make(strategy), Oracle(people), Unkept(images.digests), *given, **how)
        new = [one for one in played.answers if not memories[-1].settled(one.question.a, one.question.b)]
        judged = Judged.of(new)
        if min(judged.same.sum(), (~judged.same).sum()) < LEAST:
            continue
        here = judged.similarity(vectors[chosen])
        for other in set(range(last)) - {chosen}:
            there = judged.similarity(vectors[other])
            rows.append(
                {
                    "strategy": strategy,
                    "chosen": "newer" if chosen > other else "older",
                    "sure": surely_larger(here, there, judged.same),
                    "estimate": auc(here, judged.same) - auc(there, judged.same),
                    "truth": right[chosen] - right[other],
                }
            )
    return rows


def main() -> None:
    """Print how often the estimate is right, by which of the two versions chose the questions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--strategies", default="gain,dcps")
    parser.add_argument("--own", action="store_true")
    chosen = parser.parse_args()
    found = [find_run(paths.runs_folder(), name) for name in chosen.runs]
    strategies = chosen.strategies.split(",")
    compared = map(own, found) if chosen.own else (compare(run, each) for each in strategies for run in found)
    table = pd.DataFrame([row for rows in compared for row in rows])
    for (strategy, side), rows in table.groupby(["strategy", "chosen"]):
        better, worse = rows[rows["sure"] >= SURE], rows[rows["sure"] <= 1 - SURE]
        print(
            f"{strategy:6} the chosen is {side}: {len(rows)} pairs, truly better {(rows['truth'] > 0).mean():.2f}; "
            f"rank correlation {rows['estimate'].corr(rows['truth'], method='spearman'):.2f}; "
            f"called better {len(better)}, right {(better['truth'] > 0).mean():.2f}; "
            f"called worse {len(worse)}, right {(worse['truth'] < 0).mean():.2f}"
        )
    for strategy, rows in table.groupby("strategy"):
        print(f"{strategy:6} all: rank correlation {rows['estimate'].corr(rows['truth'], method='spearman'):.2f}")


if __name__ == "__main__":
    main()
