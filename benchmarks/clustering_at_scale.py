"""Clustering by the number of images: seconds of the search and of the rest, peak memory, recall, growth.

Seconds are by the clock and, where other work shares the machine, better those of the processor ("CPU", all threads
together), of which ratio and growth are.

``python benchmarks/clustering_at_scale.py`` measures all sizes, ``--images=100000`` one; ``--dimensions=2048``,
``--distance=camera-jaccard`` and ``--search=approximate`` are other switches. Features are drawn
(``reid_features.py``, purity .80). Each size is a process of its own, with as many threads as ``OMP_NUM_THREADS`` says.

Features of more than 256 dimensions are those of 256 turned into more: their neighbours are the same.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import reid_features

from whosame.clustering import Search, dbscan
from whosame.clustering.camera_jaccard import camera_jaccard_from_neighbours, searched
from whosame.clustering.jaccard import jaccard_from_neighbours

SIZES = (12_936, 32_621, 100_000, 500_000, 1_000_000)
DRAWN = 256  # dimensions
TURNED = 4096  # rows at a time
K1, K2, EPS, MIN_SAMPLES = 30, 6, 0.6, 4  # as Cluster Contrast
SCALES = {"k1_intra": 5, "k1_inter": 20, "k2_intra": 2, "k2_inter": 4}


def draw(n, dimensions, folder):
    """Write features float32 [n, dimensions] and cameras, unless they are there, and return their paths."""
    paths = folder / f"features-{n}-{dimensions}.npy", folder / f"cameras-{n}-{dimensions}.npy"
    if all(path.exists() for path in paths):
        return paths
    folder.mkdir(exist_ok=True)
    features, _, cameras = reid_features.features(n, min(dimensions, DRAWN))
    np.save(paths[1], cameras)
    if dimensions == features.shape[1]:
        np.save(paths[0], features)
        return paths
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((dimensions, DRAWN)))[0].T.astype(np.float32)
    into = np.lib.format.open_memmap(paths[0], "w+", np.float32, (n, dimensions))
    for begin in range(0, n, TURNED):
        into[begin : begin + TURNED] = features[begin : begin + TURNED] @ turn
    into.flush()
    return paths


def resident(field):
    """Return a field of this process's memory, MiB: VmRSS now, VmHWM at most since the last ``forget``."""
    with Path("/proc/self/status").open() as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def forget():
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again


def measured(features, cameras, distance, kind):
    """Return seconds and peaks, MiB above the features, of the search and of all after it."""
    before = resident("VmRSS")
    forget()
    started, processor = time.perf_counter(), time.process_time()
    search = Search(kind)
    if distance == "jaccard":
        near, recall = search.neighbours(features, K1)
    else:
        near, recall = search.camera_neighbours(features, cameras, **searched(**SCALES))
    middle, processor_middle, first_peak = time.perf_counter(), time.process_time(), resident("VmHWM")
    forget()
    if distance == "jaccard":
        graph = jaccard_from_neighbours(near, features, k1=K1, k2=K2, max_distance=EPS)
    else:
        graph = camera_jaccard_from_neighbours(near, **SCALES, max_distance=EPS)
    labels = dbscan(graph, eps=EPS, min_samples=MIN_SAMPLES)
    ended = time.perf_counter()
    return {
        "search": middle - started,
        "rest": ended - middle,
        "search_cpu": processor_middle - processor,
        "rest_cpu": time.process_time() - processor_middle,
        "search_peak": first_peak - before,
        "rest_peak": resident("VmHWM") - before,
        "recall": recall,
        "clusters": int(labels.max()) + 1,
        "edges": graph.nnz,
    }


def child(options):
    features, cameras = np.load(options.features), np.load(options.cameras)
    for kind in ("exact", "approximate"):  # compile
        measured(features[:2000].copy(), cameras[:2000], options.distance, kind)
    print("measured", json.dumps(measured(features, cameras, options.distance, options.search)))


def row(n, options):
    with tempfile.TemporaryDirectory() as folder:
        features, cameras = draw(n, options.dimensions, options.keep or Path(folder))
        given = [f"--features={features}", f"--cameras={cameras}", *sys.argv[1:]]
        run = subprocess.run([sys.executable, __file__, *given], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout.rsplit("measured", 1)[1])


def exponent(rows, value):
    """Return by which power of the number of images a value grows, by least squares in logarithms."""
    sizes, values = zip(*((n, found[value]) for n, found in rows), strict=True)
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=lambda text: tuple(map(int, text.split(","))), default=SIZES)
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--distance", choices=("jaccard", "camera-jaccard"), default="jaccard")
    parser.add_argument("--search", choices=("auto", "exact", "approximate"), default="auto")
    parser.add_argument("--keep", type=Path, help="a folder in which features are kept for the next time")
    parser.add_argument("--draw", action="store_true", help="only draw the features")
    parser.add_argument("--features", help=argparse.SUPPRESS)
    parser.add_argument("--cameras", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.features:
        child(options)
        return
    if options.draw:
        for n in options.images:
            draw(n, options.dimensions, options.keep)
        return
    print(f"{options.distance}, {options.dimensions} dimensions; seconds; peak MiB above the features")
    names = (
        "images",
        "search",
        "rest",
        "CPU: search",
        "rest",
        "all/search",
        "peak",
        "peak of rest",
        "recall",
        "clusters",
    )
    print("".join(f"{name:>13}" for name in names), flush=True)
    rows = []
    for n in options.images:
        found = row(n, options)
        rows.append((n, found))
        cells = [f"{n:,}", *(f"{found[part]:.1f}" for part in ("search", "rest", "search_cpu", "rest_cpu"))]
        cells += [f"{1 + found['rest_cpu'] / found['search_cpu']:.3f}"]
        cells += [f"{found['search_peak']:,.0f}", f"{found['rest_peak']:,.0f}"]
        cells += ["exact" if found["recall"] is None else f"{found['recall']:.3f}", f"{found['clusters']:,}"]
        print("".join(f"{cell:>13}" for cell in cells), flush=True)
    if len(rows) > 1:
        print(f"all but the search grows with the power {exponent(rows, 'rest_cpu'):.2f} of the images")


if __name__ == "__main__":
    main()
