"""SpCL's reliable clusters, worked by hand and against sets; the base that a round clusters with."""

import json

import numpy as np
import pytest
from scipy.sparse import csr_array

from whosame.clustering import ClusteringConfig, base_clusters, dbscan, jaccard_graph, neighbours
from whosame.clustering.reliability import independence_threshold, overlap_gaps, reliable_clusters

UNKNOWN = np.full(200, -1)  # cameras


def graph_of(n, links):
    """Return the symmetric graph of (a, b, distance), with the diagonal stored."""
    pairs = [(i, i, 0.0) for i in range(n)] + links + [(b, a, d) for a, b, d in links]
    rows, columns, data = zip(*pairs, strict=True)
    return csr_array((np.array(data, np.float32), (rows, columns)), shape=(n, n))


# At eps 0.5 ± 0.02, two neighbours (itself included) for a core:
#   0-3 hold together at every scale;
#   4-7: image 7 hangs on by 0.49, so that at 0.48 it falls off;
#   8-10 and 11-12 are two clusters that 0.51 joins at 0.52;
#   13 is alone.
LINKS = [(0, 1, 0.1), (1, 2, 0.1), (2, 3, 0.1), (4, 5, 0.1), (5, 6, 0.1), (6, 7, 0.49)]
LINKS += [(8, 9, 0.1), (9, 10, 0.1), (11, 12, 0.1), (10, 11, 0.51)]
SCALES = {"eps": 0.5, "gap": 0.02, "min_samples": 2}


def test_gaps_by_hand():
    # I: {0,1,2} {3,4} {5};  J: {0,1} {2,3,4} {5}
    labels, others = np.array([0, 0, 0, 1, 1, -1]), np.array([0, 0, 1, 1, 1, -1])
    expected = [1 / 3, 1 / 3, 1 - 1 / 5, 1 - 2 / 3, 1 - 2 / 3, 0]
    np.testing.assert_allclose(overlap_gaps(labels, others), expected)


def test_what_hangs_on_by_a_thread_is_given_up_and_the_threshold_is_fixed():
    labels, threshold = reliable_clusters(graph_of(14, LINKS), **SCALES)
    # Independence gaps of the clusters: 0, 0, 1 - 3/5, 1 - 2/5. Of four, number round(0.9 · 4) = 4 would be the
    # fifth: the last, 0.6. So all are independent enough. Compactness: 4, 5, 6 have 1 - 3/4, image 7 has 1 - 1/4.
    assert threshold == pytest.approx(0.6)
    assert labels.tolist() == [0, 0, 0, 0, 1, 1, 1, -1, 2, 2, 2, 3, 3, -1]


def test_a_threshold_that_was_fixed_is_kept_and_gives_up_dependent_clusters():
    labels, threshold = reliable_clusters(graph_of(14, LINKS), **SCALES, threshold=0.4)
    assert threshold == 0.4
    assert labels.tolist() == [0, 0, 0, 0, 1, 1, 1, -1, 2, 2, 2, -1, -1, -1]  # 0.4 is allowed, 0.6 is not


def test_threshold_is_the_ninetieth_percentile_as_the_public_code_rounds_it():
    assert independence_threshold(np.arange(20)[::-1] / 10) == 1.8  # ascending, number 18 from 0
    assert independence_threshold(np.array([0.3])) == 0.3
    assert independence_threshold(np.empty(0)) is None


def test_an_image_that_is_alone_is_an_outlier_and_fixes_no_threshold():
    labels, threshold = reliable_clusters(graph_of(3, []), eps=0.5, gap=0.02, min_samples=1)
    assert labels.tolist() == [-1, -1, -1]
    assert threshold is None


@pytest.mark.parametrize("seed", range(20))
def test_against_sets(seed):
    rng = np.random.default_rng(seed)
    n = 60
    pairs = {tuple(sorted(pair)) for pair in rng.integers(0, n, (70, 2)).tolist() if pair[0] != pair[1]}
    graph = graph_of(n, [(a, b, round(rng.uniform(0.3, 0.7), 2)) for a, b in sorted(pairs)])
    scales = [dbscan(graph, eps=eps, min_samples=3) for eps in (0.4, 0.5, 0.6)]
    tight, own, loose = ([set(np.flatnonzero(s == s[i])) if s[i] >= 0 else {i} for i in range(n)] for s in scales)

    def gap(i, others):
        return 1 - len(own[i] & others[i]) / len(own[i] | others[i])

    clusters = {frozenset(own[i]) for i in range(n) if len(own[i]) > 1}
    independence = sorted(min(gap(i, loose) for i in members) for members in clusters)
    limit = independence[min(len(clusters) - 1, round(0.9 * len(clusters)))]
    for given in (None, independence[0], 0.3):
        limit = limit if given is None else given
        expected = set()
        for members in clusters:
            least = min(gap(i, tight) for i in members)
            if min(gap(i, loose) for i in members) <= limit:
                kept = frozenset(i for i in members if gap(i, tight) <= least)
                expected |= {kept} if len(kept) > 1 else set()
        labels, found = reliable_clusters(graph, eps=0.5, gap=0.1, min_samples=3, threshold=given)
        assert found == pytest.approx(limit)
        assert {frozenset(np.flatnonzero(labels == c)) for c in range(labels.max() + 1)} == expected


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((12, 8))[np.repeat(np.arange(12), 10)] + 0.5 * rng.standard_normal((120, 8))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)


def test_plain_base_is_dbscan_and_hands_nothing_on(vectors):
    config = ClusteringConfig(k1=8, k2=3, eps=0.5)
    labels, graph, _, state = base_clusters(vectors, UNKNOWN[: len(vectors)], config)
    expected = jaccard_graph(vectors, k1=8, k2=3, max_distance=0.5)
    assert state == {}
    assert (graph != expected).nnz == 0
    assert graph.nnz == expected.nnz
    np.testing.assert_array_equal(labels, dbscan(expected, eps=0.5, min_samples=4))


def test_spcl_base_hands_its_threshold_on_and_keeps_what_it_is_given(vectors):
    config = ClusteringConfig(base="spcl", k1=8, k2=3, eps=0.5, eps_gap=0.1)
    labels, graph, _, state = base_clusters(vectors, UNKNOWN[: len(vectors)], config)
    assert graph.data.max() > 0.5
    assert graph.data.max() <= np.float32(0.6)
    state = json.loads(json.dumps(state))
    assert 0 < state["independence"] < 1
    again, _, _, after = base_clusters(vectors, UNKNOWN[: len(vectors)], config, state)
    assert after == state
    np.testing.assert_array_equal(again, labels)
    strict, _, _, after = base_clusters(vectors, UNKNOWN[: len(vectors)], config, {"independence": 0.0})
    assert after == {"independence": 0.0}
    assert (strict >= 0).sum() < (labels >= 0).sum()
    *_, after = base_clusters(
        vectors, UNKNOWN[: len(vectors)], config, {"independence": None}
    )  # no round so far had a cluster
    assert after == state


@pytest.mark.parametrize("base", ["dbscan", "spcl"])
@pytest.mark.parametrize("scales", [{"k1": 8, "k2": 3}, {"k1": 3, "k2": 8}, {"k1": 1, "k2": 1}])
def test_nearest_images_are_those_of_a_search_for_them(vectors, base, scales):
    vectors = np.vstack([vectors, vectors[:30], vectors[:1]])  # duplicates, of the first image two
    *_, nearest, _ = base_clusters(vectors, UNKNOWN[: len(vectors)], ClusteringConfig(base=base, **scales))
    np.testing.assert_array_equal(nearest, neighbours(vectors, 2).indices[:, 1])
    assert (nearest[0], nearest[120], nearest[150]) == (120, 0, 0)
