"""Retrieval metrics at Market-1501's size: time against the matrix product alone, and peak memory.

Bounds: 3,368 queries and 15,913 gallery images of 2,048 dimensions take at most 1.5 times as long as their float32
matrix product in the same process, and at most 0.5 GiB beside the features. ``easy`` features are like those of a
trained network; ``hard`` ones hardly separate identities, so that matches are far down the ranking: the most work.

pytest benchmarks/bench_evaluation.py --benchmark-columns=min,median,rounds
"""

import time
from functools import cache

import numpy as np
import pytest

from whosame.evaluation import evaluate_retrieval

QUERIES, GALLERY, DIMENSIONS, IDENTITIES, CAMERAS = 3_368, 15_913, 2_048, 750, 6
NOISE = {"easy": 3.0, "hard": 10.0}
ROUNDS = 5
SETUP = """
import numpy as np
from whosame.evaluation import evaluate_retrieval
tiny = np.eye(4, dtype=np.float32)
evaluate_retrieval(tiny, [1, 2, 3, 4], [0] * 4, tiny, [1, 2, 3, 4], [1] * 4)  # imports and compiles
np.matmul(query[:64], gallery[:64].T)  # BLAS allocates its buffers
"""
STATEMENT = "evaluate_retrieval(query, query_ids, query_cams, gallery, gallery_ids, gallery_cams)"


@cache
def market_size(name):
    """Clustered random features: a direction per identity plus noise, of length 1; a sixth of them distractors."""
    random = np.random.default_rng(0)
    centres = random.standard_normal((IDENTITIES + 1, DIMENSIONS), dtype=np.float32)
    query_ids, gallery_ids = random.integers(1, IDENTITIES + 1, QUERIES), random.integers(1, IDENTITIES + 1, GALLERY)
    gallery_ids[: GALLERY // 6] = 0

    def features(ids):
        rows = random.standard_normal((len(ids), DIMENSIONS), dtype=np.float32)
        rows *= NOISE[name]
        rows += centres[ids]
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    query, gallery = features(query_ids), features(gallery_ids)
    query_cams, gallery_cams = (random.integers(0, CAMERAS, len(ids)) for ids in (query_ids, gallery_ids))
    return query, query_ids, query_cams, gallery, gallery_ids, gallery_cams


def seconds(function, *given):
    started = time.perf_counter()
    function(*given)
    return time.perf_counter() - started


@pytest.mark.parametrize("name", NOISE)
def test_retrieval_metrics(benchmark, name):
    market = market_size(name)
    query, gallery = market[0], market[3]
    evaluate_retrieval(*market)  # compiles
    seconds(np.matmul, query, gallery.T)
    products = []

    def product():  # before each round, so that both see the same machine
        products.append(seconds(np.matmul, query, gallery.T))
        return market, {}

    metrics = benchmark.pedantic(evaluate_retrieval, setup=product, rounds=ROUNDS)
    times = float(np.median(np.array(benchmark.stats.stats.data) / products))
    benchmark.extra_info |= {
        "product_seconds": round(float(np.median(products)), 2),
        "times_the_product": round(times, 2),
        "mAP": round(metrics.mAP, 4),
    }
    assert times <= 1.5, f"{times:.2f} times the matrix product"


@pytest.mark.parametrize("name", NOISE)
def test_memory(benchmark, peak_memory, name):
    names = ("query", "query_ids", "query_cams", "gallery", "gallery_ids", "gallery_cams")
    given = dict(zip(names, market_size(name), strict=True))
    peak = benchmark.pedantic(peak_memory, (SETUP, STATEMENT), given, rounds=1)
    benchmark.extra_info["peak_mib"] = round(peak)
    assert peak <= 512, f"{peak:.0f} MiB above the features"
