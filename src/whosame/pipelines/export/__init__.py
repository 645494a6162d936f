"""Export: the gallery that is searched, and what is written of a run for use elsewhere."""

from whosame.pipelines.export.pipeline import create_gallery, create_pipeline

__all__ = ["create_gallery", "create_pipeline"]
