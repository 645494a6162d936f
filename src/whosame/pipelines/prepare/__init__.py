"""What a run needs before its first round: manifest, pixels, the first weights."""

from whosame.pipelines.prepare.pipeline import create_pipeline

__all__ = ["create_pipeline"]
