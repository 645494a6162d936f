"""Preparation before the first round: manifest and pixels."""

from whosame.pipelines.prepare.pipeline import create_pipeline

__all__ = ["create_pipeline"]
