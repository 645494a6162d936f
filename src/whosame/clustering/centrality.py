"""Centrality of an image in its cluster: its mean similarity to the others on the graph of the round."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

KINDS = ("closeness", "degree")


def centrality(graph: csr_array, labels: NDArray[np.int64], *, kind: str = "closeness") -> NDArray[np.float64]:
    """Return the mean similarity of each image to the other images of its cluster.

    Similarity is 1 - distance, and 0 where the graph has no distance: an image far from most of its cluster is not
    central, however near the rest is.

    Parameters
    ----------
    graph : scipy.sparse.csr_array, float32 [N, N]
        Jaccard distances in 0..1; absent = above the graph's largest distance.
    labels : int64 [N]
        Clusters; negative numbers are outliers.
    kind : str
        ``closeness``: as above. ``degree``: the share of the other images to which the graph has a distance.

    Returns
    -------
    float64 [N]
        In 0..1; 0 for an outlier and an image alone in its cluster. O(edges). Sums are exact, 1 - d being a multiple
        of 2^-24 in float32: images tie in the whole graph if and only if they tie within their cluster.

    References
    ----------
    methods.md, MASS-like #1.

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
