"""How central an image is in its cluster: how near it is to the others, on the graph of the round."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.clustering.dbscan import OUTLIER


def centrality(graph: csr_array, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each image's mean similarity to the other images of its cluster.

    Parameters
    ----------
    graph : scipy.sparse.csr_array, float32 [N, N]
        Jaccard distances; absent = farther, and counted as similarity 0.
    labels : int64 [N]
        -1 is an outlier.

    Returns
    -------
    float64 [N]
        The mean of 1 - distance, in [0, 1]; 0 for an outlier or an image alone in its cluster.

    References
    ----------
    methods.md D.1 #2 (closeness).
    """
    n = len(labels)
    rows = np.repeat(np.arange(n), np.diff(graph.indptr))
    columns = graph.indices
    inside = (labels[rows] == labels[columns]) & (labels[rows] != OUTLIER) & (rows != columns)
    sums = np.bincount(rows[inside], 1.0 - graph.data[inside].astype(np.float64), minlength=n)
    others = np.zeros(n)
    clustered = labels != OUTLIER
    others[clustered] = np.bincount(labels[clustered])[labels[clustered]] - 1
    return np.divide(sums, others, out=np.zeros(n), where=others > 0)
