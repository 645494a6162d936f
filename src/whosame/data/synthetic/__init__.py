"""Pedestrians drawn by a seeded renderer: a re-identification data set with no picture of a real person."""

from whosame.data.synthetic.config import SyntheticConfig
from whosame.data.synthetic.render import render_dataset

__all__ = ["SyntheticConfig", "render_dataset"]
