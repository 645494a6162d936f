"""One round: features, clusters, questions, answers, labels, a trained network, its figures."""

from whosame.pipelines.active_round.pipeline import create_pipeline

__all__ = ["create_pipeline"]
