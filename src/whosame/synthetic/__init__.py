"""Synthetic pedestrians: a seeded renderer of a re-identification data set without pictures of real people."""

from whosame.synthetic.config import SyntheticConfig
from whosame.synthetic.render import render_dataset

__all__ = ["SyntheticConfig", "render_dataset"]
