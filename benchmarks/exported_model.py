"""An exported model against the run: retrieval by its network in onnxruntime, and how long a query takes when served.

    python benchmarks/exported_model.py data/runs/NAME

The run has been exported (kedro run --pipelines=export --params=run=NAME). Images are decoded from their files.
"""

import sys
import time
from pathlib import Path

import numpy as np

from whosame.artefacts import EXPORT, IMAGES
from whosame.data.indexing import find_manifest
from whosame.data.manifest import split
from whosame.evaluation import evaluate_test_set
from whosame.runs import Run
from whosame.search.searcher import BATCH, Searcher

QUERIES = 50  # timed one by one


def main() -> None:
    """Print mAP and rank-1 of both, the largest difference of a feature, and milliseconds a query."""
    run = Run(Path(sys.argv[1]))
    about = run.about()
    manifest = find_manifest(run.folder.parents[1], about["manifest"]["digest"], run.folder / IMAGES)
    begun = time.perf_counter()
    searcher = Searcher.load(run.folder / EXPORT / "model")
    loaded = time.perf_counter() - begun
    _, _, test = split(manifest)

    def features(ids: np.ndarray) -> np.ndarray:
        paths = manifest.paths(ids)
        parts = [
            searcher.features({str(path): path.read_bytes() for path in paths[begin : begin + BATCH]})
            for begin in range(0, len(paths), BATCH)
        ]
        return np.concatenate(parts)

    query, gallery = features(test.query_ids), features(test.gallery_ids)
    found = evaluate_test_set(query, gallery, test, about["configuration"]["evaluation"]["queries"]).to_dict()
    then = run.metrics()[searcher.gallery.round]
    for name in ("retrieval/mAP", "retrieval/rank1"):
        print(f"{name}: the run {100 * then[name]:.2f}, onnxruntime {100 * found[name]:.2f}")
    difference = np.abs(query - searcher.gallery.vectors[test.query_ids]).max()
    print(f"largest difference of a number in a feature: {difference:.1e}")
    paths = manifest.paths(test.gallery_ids)[:QUERIES]
    times = []
    for path in paths:
        begun = time.perf_counter()
        searcher.search({str(path): path.read_bytes()}, top=20)
        times.append(time.perf_counter() - begun)
    median, worst = 1000 * np.median(times), 1000 * max(times)
    print(f"loaded in {loaded:.2f} s; {len(times)} queries, one by one: median {median:.1f} ms, worst {worst:.1f} ms")


if __name__ == "__main__":
    main()
