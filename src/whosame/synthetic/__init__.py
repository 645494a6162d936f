"""Pedestrians drawn by a seeded renderer: a re-identification data set with no picture of a real person."""

from whosame.synthetic.config import SyntheticConfig
from whosame.synthetic.render import render_dataset

__all__ = ["SyntheticConfig", "render_dataset"]
