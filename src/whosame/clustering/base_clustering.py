"""Base clustering of a round, before any answer is applied: DBSCAN, or SpCL's reliable part of it."""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.clustering.camera_jaccard import camera_jaccard_from_neighbours, searched
from whosame.clustering.config import ClusteringConfig
from whosame.clustering.dbscan import dbscan
from whosame.clustering.distance import resolve_distance
from whosame.clustering.jaccard import jaccard_from_neighbours
from whosame.clustering.reliability import reliable_clusters

logger = logging.getLogger(__name__)


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
        with a cluster. Where neighbours were searched approximately: ``neighbour_recall``, the share that was found.
    """

    labels: NDArray[np.int64]
    graph: csr_array
    nearest: NDArray[np.int64]
    state: Mapping[str, Any]


def base_clusters(
    vectors: NDArray[np.float32],
    cameras: NDArray[np.int64],
    config: ClusteringConfig,
    previous: Mapping[str, Any] | None = None,
) -> Clustering:
    """Cluster the images of a round, before any answer is applied.

    Parameters
    ----------
    vectors : float32 [N, D]
        L2-normalised.
    cameras : int64 [N]
        -1 where unknown.
    config : ClusteringConfig
    previous : mapping, optional
        The state that the last round returned; None in the first.

    Raises
    ------
    ParameterError
        The distance camera-jaccard where fewer than two cameras are known.
    """
    graph, nearest, recall = _distances(vectors, cameras, config)
    labels, state = clusters_of(graph, config, previous)
    if recall is not None:
        state = {**state, "neighbour_recall": recall}
        if recall < config.recall:
            logger.warning(
                "the search found %.1f %% of the nearest images of a sample, less than clustering.recall %.1f %%: raise"
                " clustering.exact_up_to above %d for an exact search, which takes longer",
                100 * recall,
                100 * config.recall,
                len(vectors),
            )
    return Clustering(labels, graph, nearest, state)


def clusters_of(
    graph: csr_array, config: ClusteringConfig, previous: Mapping[str, Any] | None = None
) -> tuple[NDArray[np.int64], Mapping[str, Any]]:
    """Return the clusters of a graph of Jaccard distances, before any answer is applied, and their state.

    Parameters
    ----------
    graph, config, previous
        See :class:`Clustering` and :func:`base_clusters`. With a round's own state as ``previous`` its own clusters
        come again.
    """
    if config.base == "dbscan":
        return dbscan(graph, eps=config.eps, min_samples=config.min_samples), {}
    labels, threshold = reliable_clusters(
        graph,
        eps=config.eps,
        gap=config.eps_gap,
        min_samples=config.min_samples,
        threshold=(previous or {}).get("independence"),
    )
    return labels, {"independence": threshold}


def _distances(
    vectors: NDArray[np.float32], cameras: NDArray[np.int64], config: ClusteringConfig
) -> tuple[csr_array, NDArray[np.int64], float | None]:
    """Return the graph, the nearest other image of each, and the recall, None where exact, of one search."""
    farthest = config.eps + config.eps_gap if config.base == "spcl" else config.eps
    if resolve_distance(config.distance, cameras) == "jaccard":
        near, recall = config.searched.neighbours(vectors, max(config.k1, config.k2, 2))
        graph = jaccard_from_neighbours(near, vectors, k1=config.k1, k2=config.k2, max_distance=farthest)
        return graph, near.nearest, recall
    scales = {name: getattr(config, name) for name in ("k1_intra", "k1_inter", "k2_intra", "k2_inter")}
    by_camera, recall = config.searched.camera_neighbours(vectors, cameras, **searched(**scales))
    return camera_jaccard_from_neighbours(by_camera, **scales, max_distance=farthest), by_camera.nearest, recall
