"""Identities after the last training: features, clusters, all answers, names, contact sheets."""

from whosame.pipelines.identities.pipeline import create_pipeline

__all__ = ["create_pipeline"]
