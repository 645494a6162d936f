"""DBSCAN on a sparse graph of distances, with the labels of scikit-learn."""

from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from whosame.clustering.approximate_neighbours import Search, SearchKind
from whosame.clustering.camera_jaccard import camera_jaccard_graph
from whosame.clustering.distance import check_cameras, resolve_distance
from whosame.clustering.jaccard import check_scales, jaccard_graph
from whosame.errors import ParameterError

OUTLIER = -1


def cluster(
    features: NDArray[Any],
    *,
    cameras: NDArray[np.int64] | None = None,
    distance: str = "jaccard",
    k1: int = 30,
    k2: int = 6,
    k1_intra: int = 5,
    k1_inter: int = 20,
    k2_intra: int = 2,
    k2_inter: int = 4,
    eps: float = 0.6,
    min_samples: int = 4,
    search: SearchKind = "auto",
) -> NDArray[np.int64]:
    """Cluster features by DBSCAN on their k-reciprocal Jaccard distances.

    Parameters
    ----------
    features : float32 or float64 [N, D]
        L2-normalised. Rows of another length are normalised first.
    cameras : int64 [N], optional
        -1 where unknown.
    distance : str, default="jaccard"
        ``jaccard``, ``camera-jaccard``, or ``auto``: camera-jaccard where two or more cameras are known.
    k1, k2 : int, default=30, 6
        Of the distance jaccard; see :func:`jaccard_graph`.
    k1_intra, k1_inter, k2_intra, k2_inter : int, default=5, 20, 2, 4
        Of the distance camera-jaccard; see :func:`camera_jaccard_graph`.
    eps : float, default=0.6
        Largest distance between neighbours, in (0, 1).
    min_samples : int, default=4
        Neighbours, the image itself included, that make an image a core; at least 1.
    search : str, default="auto"
        How nearest images are found: ``exact``, ``approximate``, or ``auto``: exact up to 150,000 images
        (:func:`approximate_neighbours`).

    Returns
    -------
    int64 [N]
        Clusters numbered by their smallest core row; -1 is an outlier. The same on every call.

    Raises
    ------
    InputError
        Features that are no such array, rows without a direction, or cameras that are not one number an image.
    ParameterError
        A parameter out of its range, or camera-jaccard where fewer than two cameras are known.
    """
    _check(eps, min_samples)
    if search not in get_args(SearchKind):
        raise ParameterError(f"search is {search!r}, but takes exact, approximate or auto")
    check_cameras(cameras, len(features))
    by_camera = {"k1_intra": k1_intra, "k1_inter": k1_inter, "k2_intra": k2_intra, "k2_inter": k2_inter}
    check_scales(eps, k1=k1, k2=k2, **by_camera)
    if resolve_distance(distance, cameras) == "jaccard" or cameras is None:
        graph = jaccard_graph(features, k1=k1, k2=k2, max_distance=eps, search=Search(search))
    else:
        graph = camera_jaccard_graph(features, cameras, **by_camera, max_distance=eps, search=Search(search))
    return dbscan(graph, eps=eps, min_samples=min_samples)


def dbscan(graph: csr_array, *, eps: float, min_samples: int) -> NDArray[np.int64]:
    """Cluster a sparse graph of distances.

    The labels are those of ``sklearn.cluster.DBSCAN(metric="precomputed")``: clusters are numbered by their smallest
    core row, and a border row goes to the smallest cluster that reaches it.

    Parameters
    ----------
    graph : scipy.sparse.csr_array, float32 [N, N]
        Symmetric distances with the diagonal stored; absent = farther than ``eps``.
    eps : float
        Largest distance between neighbours, compared in the graph's own precision.
    min_samples : int
        Neighbours, the row itself included, that make a row a core.

    Returns
    -------
    int64 [N]
        -1 is an outlier.

    References
    ----------
    Ester et al., *A density-based algorithm for discovering clusters in large spatial databases with noise*, KDD 1996.
    """
    _check(eps, min_samples)
    n = graph.shape[0]
    labels = np.full(n, OUTLIER, np.int64)
    within = graph.data <= graph.dtype.type(eps)
    rows = np.repeat(np.arange(n, dtype=np.int32), np.diff(graph.indptr))[within]
    columns = graph.indices[within]
    core = np.bincount(rows, minlength=n) >= min_samples
    cores = np.flatnonzero(core)
    if len(cores) == 0:
        return labels
    inner = core[rows] & core[columns]
    links = coo_array((np.ones(inner.sum(), np.int8), (rows[inner], columns[inner])), shape=(n, n))
    labels[cores] = renumber(connected_components(links, directed=False)[1][cores])
    reach = core[rows] & ~core[columns]
    nearest = np.full(n, len(cores), np.int64)
    np.minimum.at(nearest, columns[reach], labels[rows[reach]])
    reached = nearest < len(cores)
    labels[reached] = nearest[reached]
    return labels


def renumber(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Renumber labels 0..C-1 in order of first occurrence, int64 of the same length."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def singletons(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels in which every outlier is a cluster of its own, numbered above the others."""
    alone = labels < 0
    labels = labels.copy()
    labels[alone] = labels.max(initial=-1) + 1 + np.arange(alone.sum())
    return labels


def _check(eps: float, min_samples: int) -> None:
    if not 0 < eps < 1:
        raise ParameterError(f"eps is {eps}, but must lie between 0 and 1, both excluded")
    if min_samples < 1:
        raise ParameterError(f"min_samples is {min_samples}, but must be at least 1")
