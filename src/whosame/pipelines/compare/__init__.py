"""A comparison from the runs that MLflow holds: tables, figures, report."""

from whosame.pipelines.compare.pipeline import create_pipeline

__all__ = ["create_pipeline"]
