"""DBSCAN on a sparse graph gives scikit-learn's labels, number for number."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array, csr_array
from sklearn.cluster import DBSCAN

from whosame.clustering import dbscan
from whosame.clustering.dbscan import singletons


def sparse_graph(n, links, seed):
    """Return a random symmetric graph of distances in steps of 0.1 with the diagonal stored as 0."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, n, (2, links))
    a, b = np.minimum(a, b)[a != b], np.maximum(a, b)[a != b]
    pairs = np.unique(np.stack([a, b], axis=1), axis=0)
    distances = rng.integers(0, 10, len(pairs)).astype(np.float32) / np.float32(10)
    itself = np.arange(n)
    rows = np.concatenate([pairs[:, 0], pairs[:, 1], itself])
    columns = np.concatenate([pairs[:, 1], pairs[:, 0], itself])
    data = np.concatenate([distances, distances, np.zeros(n, np.float32)])
    graph = coo_array((data, (rows, columns)), shape=(n, n)).tocsr()
    graph.sort_indices()
    return graph


@given(
    n=st.integers(1, 120),
    density=st.floats(0.2, 6),
    eps=st.sampled_from([0.1, 0.3, 0.5, 0.6, 0.7, 0.95]),
    min_samples=st.integers(1, 8),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=300, deadline=None)
def test_labels_are_those_of_scikit_learn(n, density, eps, min_samples, seed):
    graph = sparse_graph(n, int(density * n), seed)
    before = graph.copy()
    dense = np.ones((n, n), np.float32)
    dense[np.repeat(np.arange(n), np.diff(graph.indptr)), graph.indices] = graph.data
    expected = DBSCAN(eps=float(np.float32(eps)), min_samples=min_samples, metric="precomputed").fit_predict(dense)
    labels = dbscan(graph, eps=eps, min_samples=min_samples)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(graph.data, before.data)


def test_a_border_row_goes_to_the_first_cluster_that_reaches_it():
    # Rows 0-2 and 4-6 are cliques; with 4 neighbours asked for only 2 and 4 are cores, and both reach row 3.
    links = [(0, 1), (0, 2), (1, 2), (4, 5), (4, 6), (5, 6), (3, 2), (3, 4)]
    dense = np.ones((7, 7))
    for a, b in links:
        dense[a, b] = dense[b, a] = 0.1
    np.fill_diagonal(dense, 0)
    rows, columns = np.nonzero(dense < 1)
    graph = csr_array((dense[rows, columns].astype(np.float32), (rows, columns)), shape=(7, 7))
    assert dbscan(graph, eps=0.5, min_samples=4).tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert dbscan(graph, eps=0.5, min_samples=3).tolist() == [0, 0, 0, 0, 0, 0, 0]


def test_outliers_get_labels_of_their_own():
    labels = np.array([-1, 4, 4, -1])
    np.testing.assert_array_equal(singletons(labels), [5, 4, 4, 6])
    assert labels[0] == -1  # the labels given are left as they are
