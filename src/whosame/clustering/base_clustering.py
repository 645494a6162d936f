"""Base clustering of a round, before any answer is applied: DBSCAN, or SpCL's reliable part of it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.clustering.config import ClusteringConfig
from whosame.clustering.dbscan import dbscan
from whosame.clustering.jaccard import jaccard_from_neighbours
from whosame.clustering.neighbours import neighbours
from whosame.clustering.reliability import reliable_clusters


class Clustering(NamedTuple):
    """The clusters of some images, and the distances they are made from.

    Attributes
    ----------
    labels : int64 [N]
        -1 is an outlier.
    graph : scipy.sparse.csr_array, float32 [N, N]
        Jaccard distances up to the largest eps in use.
    nearest : int64 [N]
        The nearest other image of each by cosine, from the search for the graph (``Neighbours.nearest``).
    state : mapping
        For the next round, as JSON values. ``spcl``: ``independence``, the threshold, fixed by the run's first round
        with a cluster.
    """

    labels: NDArray[np.int64]
    graph: csr_array
    nearest: NDArray[np.int64]
    state: Mapping[str, Any]


def base_clusters(
    vectors: NDArray[np.float32], config: ClusteringConfig, previous: Mapping[str, Any] | None = None
) -> Clustering:
    """Cluster the images of a round, before any answer is applied.

    Parameters
    ----------
    vectors : float32 [N, D]
        L2-normalised.
    config : ClusteringConfig
    previous : mapping, optional
        The state that the last round returned; None in the first.
    """
    near = neighbours(vectors, max(config.k1, config.k2, 2))
    farthest = config.eps + config.eps_gap if config.base == "spcl" else config.eps
    graph = jaccard_from_neighbours(near, vectors, k1=config.k1, k2=config.k2, max_distance=farthest)
    if config.base == "spcl":
        labels, threshold = reliable_clusters(
            graph,
            eps=config.eps,
            gap=config.eps_gap,
            min_samples=config.min_samples,
            threshold=(previous or {}).get("independence"),
        )
        return Clustering(labels, graph, near.nearest, {"independence": threshold})
    return Clustering(dbscan(graph, eps=config.eps, min_samples=config.min_samples), graph, near.nearest, {})
