"""A comparison of runs that were played: tables, figures, report."""

from whosame.pipelines.compare.pipeline import create_pipeline

__all__ = ["create_pipeline"]
