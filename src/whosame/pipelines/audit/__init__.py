"""Audit: a few questions about drawn pairs, and from their answers how right the names of a run are."""

from whosame.pipelines.audit.pipeline import create_pipeline

__all__ = ["create_pipeline"]
