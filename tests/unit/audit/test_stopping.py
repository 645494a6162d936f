"""Stopping advice after the answers of a run."""

import pytest

from whosame.audit.stopping import stopping_advice


def test_advice_follows_the_last_answers():
    assert stopping_advice([]).chance == pytest.approx(1)
    assert not stopping_advice([True, False] * 50).stop
    quiet = stopping_advice([True] * 30 + [False] * 80)
    assert quiet.rate == pytest.approx((1 - 2 / 21) ** 80)
    assert quiet.stop
    assert quiet.answers == 110
    assert not stopping_advice([True] * 30 + [False] * 60).stop  # 1 - exp(-72 * .0025) is .16
