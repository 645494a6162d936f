"""The answers of a finished run, replayed with other uses of them in training: an ablation at the same answers.

    kedro rounds --params=strategy=dcps,clustering.centre_cameras=true,seed=3,run=centred-dcps-3
    python benchmarks/replay_answers.py centred-dcps-3                       # all arms, a minute each on an idle core
    python benchmarks/replay_answers.py centred-dcps-3 --arms=all/0,none/0.5

In a live run the questions depend on the network, and so on how it was trained. Here every arm gets, in every round,
the answers that the run had by then, whatever its own network would have asked. An arm is what ``training.obeyed`` and
``training.answer_weight`` are: all/0 is relabelling only, none/1 the loss only, all/1 both, none/0 the answers unused.
The arm with the run's own parameters gives the run's own figures. Each arm adds a row to
``data/08_reporting/replays.csv``; one that has a row is not replayed again.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

from whosame import active_round
from whosame.active_round import RunState
from whosame.app import paths
from whosame.app.round_loop import configured
from whosame.artefacts import ANSWERS, MEMORY, read
from whosame.clustering import base_clusters
from whosame.data.fitting import fitted
from whosame.data.indexing import index_images
from whosame.data.manifest import split
from whosame.data.pixels import open_pixels
from whosame.evaluation import evaluate_clusters, evaluate_test_set
from whosame.features.backbones import input_settings
from whosame.features.extraction import estimate_neck, extract, first_images
from whosame.features.network import build_network
from whosame.runs import Run, find_run
from whosame.tables import read_answers, read_memory
from whosame.training import fit, make_optimiser, warm_up

ARMS = "none/0,all/0,none/1,all/1,same/0,same/1"
COLUMNS = ("run", "arm", "mAP", "rank1", "ari", "precision", "recall", "images", "classes")


def replay(run: Run, arm: str) -> dict[str, Any]:
    """Train for the rounds of a run on its answers, and return the last round's figures.

    Parameters
    ----------
    run : Run
        Complete.
    arm : str
        As above.

    Returns
    -------
    dict
        Retrieval of the trained network; agreement of the labels trained on, outliers left out.
    """
    c = configured(None, {"run": run.name})
    data = paths.root() / "data"
    manifest = index_images(c, data)
    train, truth, test = split(manifest, use_cameras=c.use_cameras)
    expected = input_settings(c.network)
    size = fitted(c.pixels, manifest, only=expected.size, multiple=expected.multiple)
    pixels = open_pixels(manifest, size.replace(resize=c.pixels.resize or expected.resize), data)
    on = {"device": c.device, "precision": c.precision}
    network = build_network(c.network, seed=c.seed)
    if c.network.weights == "warmup":
        cached = {"cache": data / "06_models", "data_key": manifest.digest}
        warm_up(network, pixels, train.image_ids, c.warmup, network_config=c.network, seed=c.seed, **on, **cached)
    else:
        estimate_neck(network, pixels, first_images(train.image_ids, c.network, seed=c.seed), **on)
    obeyed, weight = arm.split("/")
    training = c.training.replace(obeyed=obeyed, answer_weight=float(weight))
    optimiser = make_optimiser(network, training)
    strategy = c.make_strategy()
    table = read(run.round(c.rounds - 1) / MEMORY)
    clustering_state: dict[str, Any] = {}
    for number in range(c.rounds):
        features = extract(network, pixels, train.image_ids, c.extraction, vertical=strategy.needs_vertical, **on)
        vectors = active_round.clustered_vectors(features.vectors, train.cameras, c.clustering)
        found = base_clusters(vectors, train.cameras, c.clustering, clustering_state)
        clustering_state = dict(found.state)
        known, told = (read_memory(table[table["round"] < limit], train.image_ids) for limit in (number, number + 1))
        begun = active_round.apply_earlier_answers(found.labels, vectors, known, reuse=c.clustering.reuse)
        state = active_round.describe_round(
            vectors,
            found._replace(labels=begun),
            train.cameras,
            RunState(known),
            number=number,
            schedule=[0] * c.rounds,  # nothing is asked
            seed=c.seed,
            vertical=features.vertical,
            map_height=features.map_height,
        )
        memory = active_round.memory_in_force(told, len(known), reuse=c.clustering.reuse)
        answers = read_answers(read(run.round(number) / ANSWERS), train.image_ids)
        labels = active_round.reassign(strategy, state, memory, answers, truth.identities)
        labels = active_round.labels_to_train_on(
            labels, found.graph, memory, found.state, c.clustering, training.obeyed
        )
        how = {"round": number, "rounds": c.rounds, "seed": c.seed, "vectors": features.vectors, "memory": memory}
        report = fit(network, optimiser, pixels, train.image_ids, labels, train.cameras, training, **how, **on)
    query, gallery = (
        extract(network, pixels, images, c.extraction, **on).vectors for images in (test.query_ids, test.gallery_ids)
    )
    retrieval = evaluate_test_set(query, gallery, test, c.evaluation.queries).to_dict()
    agreement = evaluate_clusters(labels, truth.identities, train.cameras).to_dict()
    return {
        "mAP": retrieval["retrieval/mAP"],
        "rank1": retrieval["retrieval/rank1"],
        "ari": agreement["clusters/ari"],
        "precision": agreement["clusters/pairwise_precision"],
        "recall": agreement["clusters/pairwise_recall"],
        "images": report.images,
        "classes": report.classes,
    }


def main() -> None:
    """Replay the arms that have no row yet, and print all rows of the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--arms", default=ARMS)
    chosen = parser.parse_args()
    rows = paths.root() / "data" / "08_reporting" / "replays.csv"
    rows.parent.mkdir(parents=True, exist_ok=True)
    for name in chosen.runs:
        for arm in chosen.arms.split(","):
            if (name, arm) not in {(row["run"], row["arm"]) for row in read_rows(rows)}:
                row = {"run": name, "arm": arm, **replay(find_run(paths.runs_folder(), name), arm)}
                with rows.open("a", newline="") as file:
                    csv.DictWriter(file, COLUMNS).writerow(row)
        for row in read_rows(rows):
            if row["run"] == name:
                figures = "  ".join(f"{column} {float(row[column]):.3f}" for column in COLUMNS[2:])
                print(f"{name:20}{row['arm']:10}{figures}")


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows so far."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file, COLUMNS))


if __name__ == "__main__":
    main()
