"""What "nobody near" says of its errors, and what these are: new photographs, and individuals that were not trained on.

    python benchmarks/nobody_near.py RUN [FOLDER] [--features=FILE.npy]

RUN was played on images whose layout has identities, without those of FOLDER, which has the same layout. The threshold
is calibrated on the names of the training images, as in a run whose identities nobody knows. Of FOLDER, images of
individuals that were trained on are new photographs of somebody in the gallery; images of the test set, which the
gallery of this measurement lacks, show nobody in it. A run with features of its own takes those of FOLDER's images too,
in the order of their sorted paths.
"""

import argparse
import re
from pathlib import Path

import numpy as np

from whosame.app import paths
from whosame.app.config.run_parameters import configuration_of
from whosame.app.open_gallery import open_searcher
from whosame.data.readers.base import scan
from whosame.runs import find_run
from whosame.search.calibration import calibrate, interval


def main():
    """Print what is said, and what is so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--features", type=Path)
    chosen = parser.parse_args()
    run = find_run(paths.runs_folder(), chosen.run)
    pattern = re.compile(configuration_of(run).folder.pattern)
    searcher = open_searcher(run, fresh=False)
    gallery = searcher.gallery

    def identity(path):
        return pattern.search(path)["identity"]

    splits = np.array(gallery.splits)
    train = np.flatnonzero(splits == "train")
    vectors = gallery.vectors[train]
    named = sorted({*gallery.identities} - {""})
    labels = np.array([named.index(gallery.identities[row]) if gallery.identities[row] else -1 for row in train])
    stated = calibrate(
        vectors, gallery.cameras[train], labels, np.flatnonzero(labels >= 0), np.random.default_rng(0), "names"
    )
    print("said:", stated.text())
    known = np.array([identity(gallery.paths[row]) for row in train])
    if chosen.folder is not None:
        new_photographs(chosen, searcher, identity, known, vectors, stated.threshold)
    test = np.flatnonzero(splits != "train")
    who = np.array([identity(gallery.paths[row]) for row in test])
    among = gallery.vectors[test] @ gallery.vectors[test].T
    among[(who[:, None] != who) | np.eye(len(test), dtype=bool)] = -1
    show("individuals that were not trained on, were they in the gallery: missed", among.max(1) < stated.threshold, who)
    others = (gallery.vectors[test] @ vectors.T).max(axis=1)
    show("individuals that were not trained on: taken for another", others >= stated.threshold, who)


def new_photographs(chosen, searcher, identity, known, vectors, threshold):
    """Print how often new photographs of known individuals are missed."""
    every = sorted(each.path for each in scan(chosen.folder))
    kept = [place for place, path in enumerate(every) if identity(path) in set(known)]
    files = [every[place] for place in kept]
    if chosen.features is None:
        new = searcher.features({path: (chosen.folder / path).read_bytes() for path in files})
    else:
        new = searcher.embed(np.load(chosen.features)[kept])
    shown = np.array([identity(path) for path in files])
    scores = new @ vectors.T
    best = np.where(shown[:, None] == known[None], scores, -1).max(axis=1)
    show("new photographs of known individuals: none of theirs is near", best < threshold, shown)
    show("new photographs of known individuals: nobody near is said", scores.max(axis=1) < threshold, shown)


def show(what, wrong, individuals):
    """Print a share with its interval."""
    number = np.unique(individuals, return_inverse=True)[1]
    low, high = interval(wrong, number)
    print(
        f"{what}: {wrong.mean():.1%} ({low:.1%} to {high:.1%}), {len(wrong):,} images, {number.max() + 1} individuals"
    )


if __name__ == "__main__":
    main()
