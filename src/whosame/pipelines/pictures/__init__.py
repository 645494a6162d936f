"""Pictures of a run after its last training: map, curves, strips, clusters before and after answers."""

from whosame.pipelines.pictures.pipeline import create_pipeline

__all__ = ["create_pipeline"]
