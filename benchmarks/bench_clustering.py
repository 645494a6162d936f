"""Clustering at the size of Market-1501 and MSMT17: seconds, relative to the neighbour search; peak memory; clusters.

pytest benchmarks/bench_clustering.py --benchmark-columns=min,median,rounds
"""

import time
from functools import cache

import numpy as np
import pytest

from whosame.clustering import cluster, dbscan, enforce, jaccard_from_neighbours, neighbours
from whosame.memory import LabelMemory

SIZES = {"market1501": (12_936, 751), "msmt17": (32_621, 1_041)}
PEAK_MIB = {"market1501": 512, "msmt17": 1024}
DIMENSION = 2048
LATENT = 64  # dimensions in which re-ID features vary
SHARE = 0.2  # of the time of the neighbour search, at most


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
