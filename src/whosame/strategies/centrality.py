"""How central an image is in its cluster, by the sparse Jaccard graph (MASS-like; methods.md D)."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.strategies.groups import Groups

KINDS = ("closeness", "degree")


def centrality(graph: csr_array, labels: NDArray[np.int64], *, kind: str = "closeness") -> NDArray[np.float64]:
    """Return the mean similarity of each image to the other members of its cluster.

    Similarity is 1 - distance, and 0 where the graph holds no distance: an image far from most of its cluster is not
    central, however near the rest is.

    Parameters
    ----------
    graph : scipy.sparse.csr_array, float32 [N, N]
        Jaccard distances in 0..1; absent = farther than the clustering looks.
    labels : int64 [N]
        Clusters; negative numbers are outliers.
    kind : str
        ``closeness``: as above. ``degree``: the share of the other members that the graph holds a distance to.

    Returns
    -------
    float64 [N]
        In 0..1; 0 for outliers and for clusters of one. O(edges). Sums are exact, 1 - d being a multiple of 2^-24
        in float32: members tie in the whole graph if and only if they tie in their cluster's part of it.

    Examples
    --------
    >>> near = csr_array(np.array([[0, 0.2, 0.6], [0.2, 0, 0], [0.6, 0, 0]], np.float32))
    >>> centrality(near, np.zeros(3, np.int64)).round(3).tolist()
    [0.6, 0.4, 0.2]
    """
    rows = np.repeat(np.arange(len(labels)), np.diff(graph.indptr))
    inside = (labels[rows] == labels[graph.indices]) & (labels[rows] >= 0) & (rows != graph.indices)
    near = 1.0 - graph.data[inside] if kind == "closeness" else None
    sums = np.bincount(rows[inside], near, minlength=len(labels))
    _, cluster, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    means: NDArray[np.float64] = sums / np.maximum(sizes[cluster] - 1, 1)
    return means


def centres(values: NDArray[np.float64], groups: Groups) -> NDArray[np.int64]:
    """Return the most central member of each cluster, int64 [C] rows; the smallest row where members tie."""
    order = np.lexsort((-values[groups.rows], groups.of))  # stable, and rows ascend within a cluster
    most: NDArray[np.int64] = groups.rows[order[groups.starts]]
    return most


def impurity(
    values: NDArray[np.float64],
    groups: Groups,
    centre: NDArray[np.int64],
    roots: NDArray[np.int64],
    *,
    tail: float,
) -> NDArray[np.float64]:
    """Return how much each cluster is expected to be mixed: the mean of 1 - centrality over its least central members.

    A member that answers have made one with the centre is no sign of a mixture any more and counts as 0.

    Parameters
    ----------
    values : float64 [N]
        From :func:`centrality`.
    groups : Groups
    centre : int64 [C]
        From :func:`centres`.
    roots : int64 [N]
        From :meth:`LabelMemory.must_link_roots`.
    tail : float
        Share of a cluster's members that are looked at, rounded up; in 0..1.

    Returns
    -------
    float64 [C]
        In 0..1.
    """
    doubt = 1.0 - values[groups.rows]
    doubt[roots[groups.rows] == roots[centre][groups.of]] = 0.0
    order = np.lexsort((-doubt, groups.of))  # within each cluster, the most doubtful first
    count = np.ceil(tail * groups.sizes).astype(np.int64)
    looked_at = order[np.arange(len(order)) - groups.starts[groups.of] < count[groups.of]]
    means: NDArray[np.float64] = np.bincount(groups.of[looked_at], doubt[looked_at], len(groups)) / count
    return means
