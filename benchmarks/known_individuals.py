"""What a catalogue is worth: the same budget with and without the identities of some individuals known from the start.

    python benchmarks/known_individuals.py ../shared/data/groceries FEATURES.npy --share=0.2 --seeds=0,1,2 --budget=300

Selection alone, on features that stay as they are: float [images, D], a row an image, in the order of the sorted
paths, or several versions, [v, images, D], of which the first counts. The images' folders are the truth. A third of
the individuals is held out as in --env=groceries. Of each seed the individuals of the catalogue are drawn from the
others. Prints the questions that the oracle answered, and ARI and BCubed F1 of the labels over all images and over
those that the catalogue does not name.
"""

import argparse
from pathlib import Path

import numpy as np

from whosame.data.readers import FolderReader
from whosame.evaluation import evaluate_clusters
from whosame.questions import Known
from whosame.seeding import stream
from whosame.simulation import simulate


def main() -> None:
    """Simulate both and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("features", type=Path)
    parser.add_argument("--strategy", default="gain")
    parser.add_argument("--budget", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--seeds", default="0,1,2")
    options = parser.parse_args()
    found = FolderReader(pattern="(?P<identity>[^/]+)/[^/]+$", test_fraction=0.3333).read(options.images).images
    train = np.array([image.split == "train" for image in found])
    features = np.load(options.features, mmap_mode="r")
    features = (features[0] if features.ndim == 3 else features)[train].astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    truth = np.array([image.identity or 0 for image in found])[train]
    nowhere = np.full(len(truth), -1, np.int64)
    people = np.unique(truth)
    print("seed  catalogue  questions  same  all: ARI, F1   others: ARI, F1")
    for seed in map(int, options.seeds.split(",")):
        chosen = stream(seed, "catalogue").permutation(people)[: round(options.share * len(people))]
        named = np.isin(truth, chosen)
        for known in (None, Known(np.where(named, truth, -1), nowhere)):
            done = simulate(
                options.strategy,
                features,
                truth,
                nowhere,
                budget=options.budget,
                rounds=options.rounds,
                seed=seed,
                known=known,
            )
            figures = []
            for some in (np.ones(len(truth), bool), ~named):
                score = evaluate_clusters(done.labels[some], truth[some], nowhere[some]).everything
                figures.append("" if score is None else f"{score.ari:.3f}, {score.bcubed_f1:.3f}")
            same = sum(answer.verdict == "same" for answer in done.answers)
            size = 0 if known is None else len(chosen)
            print(f"{seed:<5} {size:<10} {done.asked:<10} {same:<5} {figures[0]:<14} {figures[1]}", flush=True)


if __name__ == "__main__":
    main()
