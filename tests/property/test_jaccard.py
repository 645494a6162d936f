"""The sparse float64 graph equals a plain dense transcription of the published rule."""

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.cluster import DBSCAN

from whosame.clustering import cluster, jaccard, jaccard_from_neighbours, jaccard_graph, neighbours
from whosame.clustering.finch import finch
from whosame.errors import InputError, ParameterError

KINDS = ("random", "clustered", "duplicates", "grid")


def make_features(kind, n, dim, seed):
    """Return unit features float32 [n, dim] of one kind; "grid" has inner products that are exact and often equal."""
    rng = np.random.default_rng(seed)
    if kind == "grid":
        x = np.zeros((n, 2 * dim))
        signs = rng.choice([-0.5, 0.5], (n, 4))
        at = np.argsort(rng.random((n, 2 * dim)), axis=1)[:, :4] if dim >= 2 else np.tile(np.arange(2 * dim), (n, 2))
        np.put_along_axis(x, at, signs, axis=1)  # four entries of ±1/2: unit length without rounding
        return x.astype(np.float32) if dim >= 2 else np.sign(x[:, :1]).astype(np.float32)
    centres = rng.standard_normal((max(1, n // 12), dim))
    x = rng.standard_normal((n, dim))
    if kind != "random":
        x = 0.5 * x + centres[rng.integers(0, len(centres), n)]
    if kind == "duplicates":
        x = x[rng.integers(0, max(1, n // 3), n)]
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def reference_order(x):
    """Return every row's neighbours [N, N]: itself, then by similarity, ties (up to rounding) by index."""
    sim = np.round(x @ x.T, 11) + 0.0
    np.fill_diagonal(sim, np.inf)
    return np.argsort(-sim, axis=1, kind="stable")


def reference_distances(features, k1, k2):
    """Return the dense k-reciprocal Jaccard distances, float64 [N, N], by the rule of the published code.

    That of Zhong et al. (CVPR 2017) as SpCL and Cluster Contrast have it: ``rank`` holds the k1 nearest of each row, the
    row itself among them, and "the nearest k" are its first k + 1.
    """
    x = features.astype(np.float64)
    n = len(x)
    order = reference_order(x)
    rank = order[:, :k1]

    def reciprocal(i, k):
        forward = rank[i, : k + 1]
        return forward[(rank[forward, : k + 1] == i).any(axis=1)]

    whole = [reciprocal(i, k1) for i in range(n)]
    halves = [reciprocal(i, int(np.around(k1 / 2))) for i in range(n)]
    v = np.zeros((n, n))
    for i in range(n):
        near = [halves[j] for j in whole[i] if len(np.intersect1d(halves[j], whole[i])) > 2 / 3 * len(halves[j])]
        members = np.unique(np.concatenate([whole[i], *near]))
        weights = np.exp(-(2 - 2 * (x[members] @ x[i])))
        v[i, members] = weights / weights.sum()
    v = np.stack([v[order[i, :k2]].mean(axis=0) for i in range(n)])
    s = np.stack([np.minimum(v, v[i]).sum(axis=1) for i in range(n)])
    return np.maximum(1 - s / (2 - s), 0)


def undecided(distances, threshold):
    """Whether a distance lies so near to the threshold that rounding decides."""
    return np.abs(distances - threshold) < 1e-7


cases = given(
    kind=st.sampled_from(KINDS),
    n=st.integers(1, 70),
    dim=st.sampled_from([1, 2, 3, 8, 32]),
    k1=st.sampled_from([1, 2, 3, 5, 8, 15, 30, 100]),
    k2=st.sampled_from([1, 2, 3, 6, 12]),
    eps=st.sampled_from([0.2, 0.4, 0.5, 0.6, 0.7, 0.9]),
    min_samples=st.integers(1, 6),
    seed=st.integers(0, 2**16),
)


def check(features, k1, k2, eps, min_samples):
    graph = jaccard_graph(features, k1=k1, k2=k2, max_distance=eps)
    expected = reference_distances(features, k1, k2)
    n = len(features)
    assert graph.dtype == np.float32
    assert isinstance(graph, csr_array)
    assert graph.has_canonical_format
    stored = np.zeros((n, n), bool)
    found = np.zeros((n, n))
    rows = np.repeat(np.arange(n), np.diff(graph.indptr))
    stored[rows, graph.indices] = True
    found[rows, graph.indices] = graph.data
    assert stored.diagonal().all()
    assert (stored == stored.T).all()
    assert (found == found.T).all()
    clear = ~undecided(expected, eps)
    assert (stored == (expected <= eps))[clear].all()
    assert stored[~clear & (np.abs(expected - eps) < 1e-12)].all(), "an exact tie counts as within"
    np.testing.assert_allclose(found[stored], expected[stored], rtol=0, atol=1e-7)
    labels = cluster(features, k1=k1, k2=k2, eps=eps, min_samples=min_samples)
    within = np.where(undecided(expected, eps), stored, expected <= eps)
    dense = DBSCAN(eps=0.5, min_samples=min_samples, metric="precomputed").fit_predict(1.0 - within)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, dense)
    np.testing.assert_array_equal(labels, cluster(features, k1=k1, k2=k2, eps=eps, min_samples=min_samples))


@cases
@settings(max_examples=80, deadline=None)
def test_graph_and_labels_equal_the_dense_reference(kind, n, dim, k1, k2, eps, min_samples, seed):
    check(make_features(kind, n, dim, seed), k1, k2, eps, min_samples)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("k1", "k2", "eps"), [(30, 6, 0.6), (20, 6, 0.5), (7, 1, 0.4)])
def test_graph_and_labels_equal_the_dense_reference_at_400(kind, k1, k2, eps):
    check(make_features(kind, 400, 32, seed=k1), k1, k2, eps, 4)


@pytest.mark.parametrize(("n", "k1"), [(300, 30), (300, 31), (300, 20), (24, 30), (24, 31)])
def test_labels_equal_those_of_the_published_rule_also_for_odd_k1_and_fewer_images_than_k1(n, k1):
    for kind in ("random", "clustered"):
        features = make_features(kind, n, 8, seed=k1)
        expected = DBSCAN(eps=0.6, min_samples=4, metric="precomputed").fit_predict(
            reference_distances(features, k1, 6)
        )
        assert expected.max() >= 0
        np.testing.assert_array_equal(cluster(features, k1=k1, k2=6, eps=0.6, min_samples=4), expected)


def test_float64_features_count_as_they_are():
    features = make_features("clustered", 60, 8, seed=1).astype(np.float64)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    check(features, 10, 4, 0.6, 4)


@pytest.mark.parametrize("n", [40, 600])
def test_more_duplicates_than_neighbours_still_find_themselves_and_the_smallest_rows(n):
    features = np.tile(np.float32([0.6, 0.8]), (n, 1))  # 600: more than the candidates of the float32 search
    found = neighbours(features, 3)
    np.testing.assert_array_equal(found.indices[0], [0, 1, 2])
    np.testing.assert_array_equal(found.indices[1], [1, 0, 2])
    np.testing.assert_array_equal(found.indices[n - 1], [n - 1, 0, 1])
    np.testing.assert_allclose(found.similarity, 1, atol=1e-6)


@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(1, 300),
    dim=st.sampled_from([2, 8, 64]),
    k=st.integers(1, 50),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_neighbours_are_exact_in_the_stated_order(kind, n, dim, k, seed):
    features = make_features(kind, n, dim, seed)
    found = neighbours(features, k)
    exact = features.astype(np.float64)
    np.testing.assert_array_equal(found.indices, reference_order(exact)[:, :k])
    similarity = np.take_along_axis(exact @ exact.T, found.indices.astype(np.int64), axis=1)
    np.testing.assert_allclose(found.similarity, similarity, rtol=0, atol=1e-14)


def test_an_exact_tie_at_the_threshold_is_kept():
    # Two encodings that average 4 common of k2 = 6 encodings, the other 2 disjoint: s = 4/6, distance 1/2.
    features = make_features("grid", 200, 4, seed=3)
    distances = reference_distances(features, 8, 6)
    tied = np.abs(distances - 0.5) < 1e-12
    graph = jaccard_graph(features, k1=8, k2=6, max_distance=0.5).toarray()
    assert tied.any()
    assert (graph[tied] == 0.5).all()


def test_threads_do_not_change_a_bit():
    features = make_features("clustered", 1100, 16, seed=5)
    threads = faiss.omp_get_max_threads()
    graphs = []
    try:
        for count in (1, 3):
            faiss.omp_set_num_threads(count)
            graphs.append(jaccard_graph(features, k1=12))
    finally:
        faiss.omp_set_num_threads(threads)
    for part in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(graphs[0], part), getattr(graphs[1], part))


def test_one_search_serves_every_graph():
    features = make_features("clustered", 90, 16, seed=6)
    near = neighbours(features, 30)
    for k1, k2 in ((20, 6), (5, 30)):
        once = jaccard_from_neighbours(near, features, k1=k1, k2=k2)
        assert (once != jaccard_graph(features, k1=k1, k2=k2)).nnz == 0


@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(0, 300),
    dim=st.sampled_from([2, 8, 64]),
    k=st.integers(2, 40),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_the_graphs_search_serves_first_neighbours(kind, n, dim, k, seed):
    features = make_features(kind, max(n, 1), dim, seed)[:n]
    nearest = neighbours(features, k).nearest
    assert nearest.dtype == np.int64
    order = reference_order(features.astype(np.float64))  # the row itself comes first
    np.testing.assert_array_equal(nearest, order[:, 1] if n > 1 else order.ravel())
    shared, fresh = finch(features, nearest), finch(features)
    assert [labels.tolist() for labels in shared] == [labels.tolist() for labels in fresh]


def test_features_of_any_length_are_compared_by_cosine():
    features = make_features("clustered", 50, 8, seed=2).astype(np.float64)
    longer = features * np.linspace(2, 5, 50)[:, None]
    np.testing.assert_array_equal(cluster(longer, k1=8), cluster(features, k1=8))


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_rows(n):
    features = make_features("random", 2, 4, seed=0)[:n]
    graph = jaccard_graph(features)
    assert graph.shape == (n, n)
    assert graph.diagonal().tolist() == [0] * n
    assert cluster(features, min_samples=1).tolist() == [0] * n
    assert cluster(features).tolist() == [-1] * n


def test_features_without_a_direction_are_named():
    features = make_features("random", 30, 4, seed=0)
    features[3] = 0
    features[7, 2] = np.nan
    with pytest.raises(InputError, match=r"2 rows .*\n.*row 3: .*\n.*row 7: "):
        cluster(features)
    for wrong in (features[0], np.eye(3, dtype=int), features[:, :0]):
        with pytest.raises(InputError, match=r"must be float32 \[N, D\]"):
            cluster(wrong)


@pytest.mark.parametrize("wrong", [{"k1": 0}, {"k2": 0}, {"eps": 0.0}, {"eps": 1.0}, {"min_samples": 0}])
def test_parameters_out_of_range_are_named(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        cluster(make_features("random", 5, 4, seed=0), **wrong)


def test_too_few_neighbours_are_refused():
    features = make_features("random", 30, 4, seed=0)
    with pytest.raises(ParameterError, match="need 20 each"):
        jaccard_from_neighbours(neighbours(features, 10), features, k1=20)


def test_distances_do_not_depend_on_how_many_rows_are_held_by_column(monkeypatch):
    features = make_features("clustered", 900, 16, seed=2)
    whole = jaccard_graph(features, k1=12)
    monkeypatch.setattr(jaccard, "TURNED", 5_000)
    parts = jaccard_graph(features, k1=12)
    for part in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(parts, part), getattr(whole, part))
    assert whole.nnz > 900
