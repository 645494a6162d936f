"""Names after every round of a run, and how many images change theirs, by cause.

    python benchmarks/names_over_rounds.py data/runs/NAME

The names after a round are made of the features that the next round has extracted, those after the last one of the
gallery of kedro search, where it is there. Nothing is written.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from whosame import active_round, artefacts
from whosame.artefacts import IMAGES, SEARCH
from whosame.clustering import ClusteringConfig, base_clusters
from whosame.data.indexing import find_manifest
from whosame.evaluation import evaluate_clusters
from whosame.naming.config import NamingConfig
from whosame.naming.identify import identify
from whosame.naming.identity_names import name_identities
from whosame.naming.name_changes import causes
from whosame.naming.names_before import NamesBefore
from whosame.parameters import parse
from whosame.runs import Run
from whosame.search.gallery import Gallery
from whosame.seeding import stream
from whosame.strategies.registry import StrategiesConfig
from whosame.tables import read_memory


def features(run: Run, number: int, ids: np.ndarray) -> np.ndarray | None:
    """Return the training images' features by the network that a round has trained; None if nothing has kept them."""
    try:
        return artefacts.read(run.round(number + 1) / artefacts.FEATURES)["vectors"]
    except FileNotFoundError:
        pass
    try:
        gallery = Gallery.load(run.folder / SEARCH)
    except FileNotFoundError:
        return None
    return gallery.vectors[ids] if gallery.round == number else None


def main() -> None:
    """Print a line a table, and the sums."""
    run = Run(Path(sys.argv[1]))
    about = run.about()
    manifest = find_manifest(run.folder.parents[1], about["manifest"]["digest"], run.folder / IMAGES)
    config = parse(ClusteringConfig, about["configuration"]["clustering"], "clustering")
    gain = parse(StrategiesConfig, about["configuration"]["strategies"], "strategies").gain
    ids = manifest.image_ids("train")
    cameras, rows, fixed = manifest.cameras(ids), [str(row) for row in range(len(ids))], [""] * len(ids)
    before = NamesBefore(fixed, fixed, np.zeros(len(ids), bool))
    counts, total, tables = np.zeros(len(ids), np.int64), Counter[str](), 0
    for number in range(run.completed()):
        vectors = features(run, number, ids)
        if vectors is None or len(vectors) != len(ids):
            print(f"round {number}: its features were not kept, or it had fewer images")
            continue
        memory = read_memory(artefacts.read(run.round(number) / artefacts.MEMORY), ids)
        vectors = active_round.clustered_vectors(vectors, cameras, config)
        state = artefacts.read(run.round(number) / artefacts.CLUSTERING_STATE)
        clustering = base_clusters(vectors, cameras, config, state)
        asked = memory.query_counts(len(ids))
        before = NamesBefore(before.names, fixed, asked != counts)
        generator = stream(about["configuration"]["seed"], "naming", number + 1)
        found = identify(vectors, clustering, cameras, memory, generator, NamingConfig(), gain, before)
        names = name_identities(found.labels, rows, before.by_row)
        changed = Counter(cause for cause in causes(names, before, found.looks, memory, NamingConfig().clear) if cause)
        scores = evaluate_clusters(found.labels, manifest.identities(ids), cameras).everything
        ari = "" if scores is None else f", ARI {scores.ari:.3f}"
        print(f"round {number}: {len({*names} - {''})} identities{ari}; {json.dumps(changed)}", flush=True)
        before, counts, tables = NamesBefore(names, fixed, asked > 0), asked, tables + 1
        total += changed
    share = total["none"] / max(len(ids), 1)
    print(f"{tables} tables, {len(ids)} images: {json.dumps(total)}; without a cause {share:.2%} of the images")


if __name__ == "__main__":
    main()
