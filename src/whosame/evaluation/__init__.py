"""Evaluation of a round: retrieval on the test set, clusters against the identities, cost and effect of the answers."""

from whosame.evaluation.annotation_cost import AnnotationCost, changes_partition, round_cost
from whosame.evaluation.answer_agreement import Judged, answer_agreement, network_change
from whosame.evaluation.cluster_changes import cluster_changes
from whosame.evaluation.clustering_metrics import ClusteringMetrics, evaluate_clusters
from whosame.evaluation.config import EvaluationConfig
from whosame.evaluation.diversity import SelectionDiversity, selection_diversity
from whosame.evaluation.queries import count_without_match, evaluate_test_set
from whosame.evaluation.retrieval import RetrievalMetrics, evaluate_each, evaluate_retrieval

__all__ = [
    "AnnotationCost",
    "ClusteringMetrics",
    "EvaluationConfig",
    "Judged",
    "RetrievalMetrics",
    "SelectionDiversity",
    "answer_agreement",
    "changes_partition",
    "cluster_changes",
    "count_without_match",
    "evaluate_clusters",
    "evaluate_each",
    "evaluate_retrieval",
    "evaluate_test_set",
    "network_change",
    "round_cost",
    "selection_diversity",
]
