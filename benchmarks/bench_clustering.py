"""Clustering at the size of Market-1501 and MSMT17: seconds, relative to the neighbour search; peak memory; clusters.

pytest benchmarks/bench_clustering.py --benchmark-columns=min,median,rounds
"""

import time
from functools import cache

import numpy as np
import pytest
from benchmarks import reid_features

from whosame.clustering import cluster, dbscan, enforce, jaccard_from_neighbours, neighbours
from whosame.clustering.camera_jaccard import camera_jaccard_from_neighbours, searched
from whosame.clustering.camera_neighbours import camera_neighbours
from whosame.memory import LabelMemory

SIZES = {"market1501": (12_936, 751), "msmt17": (32_621, 1_041)}
PEAK_MIB = {"market1501": 512, "msmt17": 1024}
DIMENSION = 2048
LATENT = 64  # dimensions in which re-ID features vary
SHARE = 0.2  # of the time of the neighbour search, at most
CAMERA_AWARE = 1.5  # times the plain distance after the search, at most
SCALES = {"k1_intra": 5, "k1_inter": 20, "k2_intra": 2, "k2_inter": 4}


@cache
def clustered_features(name):
    """Return float32 features [N, 2048] of unit length around one centre per identity, and the identities [N]."""
    n, identities = SIZES[name]
    rng = np.random.default_rng(0)
    identity = rng.integers(0, identities, n)
    centres = rng.standard_normal((identities, LATENT))
    spread = rng.lognormal(0.1, 0.4, (n, 1))  # some images are much harder than others
    latent = (centres[identity] + spread * rng.standard_normal((n, LATENT))).astype(np.float32)
    basis, _ = np.linalg.qr(rng.standard_normal((DIMENSION, LATENT)))
    features = latent @ basis.T.astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features, identity


def warm_up():
    cluster(clustered_features("market1501")[0][:1000].copy())  # compiles the kernels


@pytest.mark.parametrize("name", SIZES)
def test_everything_after_the_search(benchmark, name):
    features, _ = clustered_features(name)
    warm_up()
    started = time.perf_counter()
    near = neighbours(features, 30)
    search = time.perf_counter() - started

    def after():
        return dbscan(jaccard_from_neighbours(near, features, k1=30, k2=6, max_distance=0.6), eps=0.6, min_samples=4)

    labels = benchmark.pedantic(after, rounds=3, iterations=1)
    share = benchmark.stats.stats.median / search
    benchmark.extra_info |= {
        "search_seconds": round(search, 2),
        "share_of_search": round(share, 3),
        "clusters": int(labels.max()) + 1,
        "outliers": int((labels == -1).sum()),
    }
    assert share <= SHARE, f"{share:.3f} of the search, which took {search:.2f} s"


@pytest.mark.parametrize("name", SIZES)
def test_peak_memory(benchmark, peak_memory, name):
    features, _ = clustered_features(name)
    warm_up()
    setup = "from whosame.clustering import cluster"
    arguments = (setup, "cluster(features)")
    peak = benchmark.pedantic(peak_memory, args=arguments, kwargs={"features": features}, rounds=1, iterations=1)
    benchmark.extra_info["peak_mib_above_features"] = round(peak)
    assert peak <= PEAK_MIB[name]


@cache
def features_by_camera(purity):
    """Return drawn features at Market-1501's size, with six cameras, and the cameras."""
    features, _, cameras = reid_features.features(purity=purity)
    return features, cameras


@pytest.mark.parametrize("purity", reid_features.PURITY)
def test_camera_aware_distances_after_the_search(benchmark, purity):
    features, cameras = features_by_camera(reid_features.PURITY[purity])
    some = features[:1000].copy()
    cluster(some, cameras=cameras[:1000], distance="camera-jaccard"), cluster(some)  # compile the kernels
    near, by_camera = neighbours(features, 30), camera_neighbours(features, cameras, **searched(**SCALES))

    def seconds(distances, *given, **scales):
        started = time.perf_counter()
        dbscan(distances(*given, **scales, max_distance=0.6), eps=0.6, min_samples=4)
        return time.perf_counter() - started

    plain = min(seconds(jaccard_from_neighbours, near, features, k1=30, k2=6) for _ in range(3))
    benchmark.pedantic(seconds, args=(camera_jaccard_from_neighbours, by_camera), kwargs=SCALES, rounds=3, iterations=1)
    ratio = benchmark.stats.stats.min / plain
    benchmark.extra_info |= {"plain_seconds": round(plain, 2), "times_plain": round(ratio, 2)}
    assert ratio <= CAMERA_AWARE, f"{ratio:.2f} times the plain distance"


def test_peak_memory_of_camera_aware_clustering(benchmark, peak_memory):
    features, cameras = features_by_camera(reid_features.PURITY["normal"])
    setup = (
        "from whosame.clustering import cluster\n"
        "cluster(features[:1000].copy(), cameras=cameras[:1000], distance='camera-jaccard')"
    )
    arguments = (setup, "cluster(features, cameras=cameras, distance='camera-jaccard')")
    arrays = {"features": features, "cameras": cameras}
    peak = benchmark.pedantic(peak_memory, args=arguments, kwargs=arrays, rounds=1, iterations=1)
    benchmark.extra_info["peak_mib_above_features"] = round(peak)
    assert peak <= PEAK_MIB["market1501"]


def test_enforcing_3000_answers(benchmark):
    features, identity = clustered_features("market1501")
    labels = cluster(features)
    rng = np.random.default_rng(1)
    memory = LabelMemory()
    while len(memory) < 3000:  # half within an identity, half between two
        a, b = rng.choice(len(labels), 2, replace=False)
        if len(memory) % 2:
            b = rng.choice(np.flatnonzero(identity == identity[a]))
        if a != b:
            memory.add(int(a), int(b), bool(identity[a] == identity[b]))
    final = benchmark.pedantic(enforce, args=(labels, features, memory), rounds=3, iterations=1)
    benchmark.extra_info["clusters"] = int(final.max()) + 1
    assert benchmark.stats.stats.median < 1
