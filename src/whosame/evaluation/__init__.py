"""What a round reached: retrieval on the test set, clusters against the truth, and what the answers cost and bought."""

from whosame.evaluation.annotation import AnnotationAccount, changed_partition, round_account
from whosame.evaluation.clusters import ClusterMetrics, evaluate_clusters
from whosame.evaluation.config import EvaluationConfig
from whosame.evaluation.evenness import SelectionEvenness, selection_evenness
from whosame.evaluation.retrieval import RetrievalMetrics, evaluate_retrieval

__all__ = [
    "AnnotationAccount",
    "ClusterMetrics",
    "EvaluationConfig",
    "RetrievalMetrics",
    "SelectionEvenness",
    "changed_partition",
    "evaluate_clusters",
    "evaluate_retrieval",
    "round_account",
    "selection_evenness",
]
