"""Tests for plug-ins: a small round to try a strategy on, and checks of what a plug-in must keep to.

The checks need no checkout of whosame and no pytest. A failing one raises AssertionError with a message that names
the check, the situation, and what was broken.
"""

from whosame.testing.annotators import check_annotator
from whosame.testing.readers import check_reader
from whosame.testing.rounds import round_state
from whosame.testing.strategies import check_strategy

__all__ = ["check_annotator", "check_reader", "check_strategy", "round_state"]
