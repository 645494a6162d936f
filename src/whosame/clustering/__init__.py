"""Clustering: nearest neighbours, k-reciprocal Jaccard distances, DBSCAN, and labels that obey the answers."""

from whosame.clustering.approximate_neighbours import Search, approximate_neighbours
from whosame.clustering.base_clustering import Clustering, base_clusters, clusters_of
from whosame.clustering.camera_jaccard import camera_jaccard_graph
from whosame.clustering.centrality import centrality
from whosame.clustering.config import ClusteringConfig
from whosame.clustering.constraints import enforce, join, violations
from whosame.clustering.dbscan import OUTLIER, cluster, dbscan
from whosame.clustering.distance import resolve_distance
from whosame.clustering.jaccard import jaccard_from_neighbours, jaccard_graph
from whosame.clustering.neighbours import Neighbours, neighbours

__all__ = [
    "OUTLIER",
    "Clustering",
    "ClusteringConfig",
    "Neighbours",
    "Search",
    "approximate_neighbours",
    "base_clusters",
    "camera_jaccard_graph",
    "centrality",
    "cluster",
    "clusters_of",
    "dbscan",
    "enforce",
    "jaccard_from_neighbours",
    "jaccard_graph",
    "join",
    "neighbours",
    "resolve_distance",
    "violations",
]
