"""What a catalogue is worth: the same run with and without the identities of some individuals known from the start.

    python benchmarks/known_individuals.py --env=groceries --share=0.2 --seeds=0,1,2 \
        --params=images=../shared/data/groceries,strategy=gain,budget=300,rounds=4

In the project's folder. The images have identities, and the oracle answers. Of each seed the individuals of the
catalogue are drawn from those of the training set. Prints the questions asked, and the scores of the names over all
images and over those that the catalogue does not name.
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from whosame.app import paths
from whosame.artefacts import IDENTITIES, IMAGES
from whosame.evaluation import evaluate_clusters
from whosame.runs import Run
from whosame.seeding import stream


def write_catalogue(run: Run, share: float, seed: int, file: Path) -> None:
    """Write the images of a share of the training individuals as a catalogue."""
    images = pd.read_parquet(run.folder / IMAGES)
    train = images[(images["split"] == "train") & (images["identity"] > 0)]
    people = sorted(train["identity"].unique())
    chosen = stream(seed, "catalogue").permutation(people)[: round(share * len(people))]
    rows = train[train["identity"].isin(chosen)]
    with file.open("w", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(["path", "identity"])
        table.writerows(zip(rows["path"], rows["identity"], strict=True))


def scores(run: Run, catalogue: set[str], *, others: bool) -> str:
    """Return ARI and BCubed F1 of a run's names, over all images or those that are not in the catalogue."""
    table = pd.read_csv(run.folder / IDENTITIES, dtype=str, keep_default_na=False)
    truth = pd.read_parquet(run.folder / IMAGES).set_index("path")["identity"].loc[table["path"]]
    some = np.array([not others or path not in catalogue for path in table["path"]])
    labels = np.where(table["identity"] == "", -1, np.unique(table["identity"], return_inverse=True)[1])[some]
    found = evaluate_clusters(labels, truth.to_numpy(np.int64)[some], np.full(len(labels), -1)).everything
    return "-" if found is None else f"{found.ari:.3f} {found.bcubed_f1:.3f}"


def main() -> None:
    """Play the runs and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env")
    parser.add_argument("--params", required=True)
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--name", default="known", help="what the runs' names begin with")
    options = parser.parse_args()
    env = [f"--env={options.env}"] if options.env else []
    folder = paths.root() / "data" / "08_reporting"
    folder.mkdir(parents=True, exist_ok=True)
    print("seed  run      questions  same  all: ARI, BCubed F1  others: ARI, BCubed F1")
    for seed in map(int, options.seeds.split(",")):
        catalogue = folder / f"{options.name}-{seed}.csv"
        for kind in ("without", "with"):
            name = f"{options.name}-{kind}-{seed}"
            more = f",catalogue={catalogue}" if kind == "with" else ""
            words = ["rounds", *env, f"--params={options.params},seed={seed},run={name}{more}"]
            subprocess.run([sys.executable, "-m", "kedro", *words], stdout=subprocess.DEVNULL, check=True)
            run = Run(paths.runs_folder() / name)
            if kind == "without":
                write_catalogue(run, options.share, seed, catalogue)
            named = set(pd.read_csv(catalogue)["path"])
            metrics = run.metrics()[-1]
            asked, same = metrics["annotation/asked_total"], metrics["annotation/same_total"]
            figures = f"{scores(run, named, others=False):<20} {scores(run, named, others=True)}"
            print(f"{seed:<5} {kind:<8} {asked:<10.0f} {same:<5.0f} {figures}", flush=True)


if __name__ == "__main__":
    main()
