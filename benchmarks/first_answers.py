"""The guard's rule on runs whose identities are known: where it would pause, and where it should.

    python benchmarks/first_answers.py demo-0 demo-1 --strategies=gain,dcps,ucal      # in the project's folder

For every run each strategy plays one round of 55 questions on the features of its first round, with the true answers,
and once more with the identities shuffled, so that the features say nothing about them. Printed: "same" among the first
20 answers, how many were expected, how probable it is that less than half of these come true, and at which answer the
rule fires. Without ``--strategies`` the run's own answers of all rounds are judged in the same way.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from whosame.active_round import RunState, clustered_vectors, play_round
from whosame.annotators.oracle import Oracle
from whosame.app import paths
from whosame.artefacts import ANSWERS, FEATURES, read
from whosame.clustering import ClusteringConfig, base_clusters
from whosame.data.manifest import Manifest, TrainSet, Truth, split
from whosame.evaluation.candidates import CandidateRule, expected_same, kept_below
from whosame.questions import Answer
from whosame.runs import Run, find_run
from whosame.simulation import Unkept
from whosame.strategies import registry
from whosame.tables import read_answers

BUDGET = 55  # of a first round of 10, of 500 questions: about
RULE = CandidateRule()


def images_of(run: Run) -> tuple[TrainSet, Truth]:
    """Return the training images of a run, and who they show."""
    for file in (paths.root() / "data" / "02_index").glob("manifest_*.parquet"):
        manifest = Manifest.load(file)
        if manifest.digest == run.about()["manifest"]["digest"]:
            return split(manifest)[:2]
    raise SystemExit(f"the manifest of run {run.name} is not in data/02_index")


def first_round(run: Run, strategy: str, images: TrainSet, identities: NDArray[np.int64]) -> list[Answer]:
    """Return the answers to the questions of a strategy on the features of a run's first round."""
    config = ClusteringConfig(**run.about()["configuration"]["clustering"])
    vectors = clustered_vectors(read(run.round(0) / FEATURES)["vectors"], images.cameras, config)
    people = np.unique(identities, return_inverse=True)[1].astype(np.int64) + 1
    given = (vectors, base_clusters(vectors, images.cameras, config), images.cameras, people, RunState())
    record = Unkept(images.digests)
    seed = run.about()["configuration"]["seed"]
    how = {"number": 0, "schedule": [BUDGET], "seed": seed}
    return play_round(registry.make(strategy), Oracle(people), record, *given, **how).answers


def judged(answers: list[Answer]) -> str:
    """Return what the guard makes of answers."""
    given = [one for one in answers if one.source != "closure" and one.verdict != "unsure"]
    expected = [expected_same(one.question.kind, one.question.p_same) for one in given]
    same = [one.verdict == "same" for one in given]
    attempts = [one.attempts for one in given]
    spent = np.cumsum(attempts)
    fires = [n for n in range(1, len(given) + 1) if RULE.fires(expected[:n], same[:n], attempts[:n])]
    begun = int(np.searchsorted(spent, RULE.answers)) + 1
    wasted = kept_below(expected[:begun], same[:begun], RULE.share)
    fired = f"fires after {spent[fires[0] - 1]} answers" if fires else "does not fire"
    first = f"{sum(same[:20]):>2} same of the first {len(same[:20])}, {sum(expected[:20]):4.1f} expected"
    return f"{first}, wasted with p {wasted:.3f}: {fired}"


def main() -> None:
    """Judge each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--strategies")
    chosen = parser.parse_args()
    for name in chosen.runs:
        run = find_run(paths.runs_folder(), name)
        images, truth = images_of(run)
        if chosen.strategies is None:
            tables = [read(run.round(number) / ANSWERS) for number in range(run.completed())]
            print(f"{name:24}{judged([one for table in tables for one in read_answers(table, images.image_ids)])}")
            continue
        shuffled = np.random.default_rng(0).permutation(truth.identities)
        for strategy in chosen.strategies.split(","):
            for what, identities in (("", truth.identities), ("shuffled", shuffled)):
                print(f"{name:24}{strategy:14}{what:10}{judged(first_round(run, strategy, images, identities))}")


if __name__ == "__main__":
    main()
