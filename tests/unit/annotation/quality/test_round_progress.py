"""How far a round is, and when it will end."""

import pytest

from whosame.annotation.quality.round_progress import round_progress


def test_how_far_a_round_is(store, clock, task_queue, says):
    assert round_progress(store, "uid", now=clock) is None
    task_queue(6, overlap=2, round=1, asked=10)
    says("alice", "same", "same", "same", "same")
    says("bob", "same", "same", "different")
    found = round_progress(store, "uid", now=clock)
    assert (found.run, found.round, found.rounds, found.state, found.overlap) == ("mine", 1, 3, "asking", 2)
    assert (found.decided, found.round_budget, found.round_left, found.waiting) == (2, 10, 8, 4)
    assert (found.asked, found.budget, found.left) == (12, 30, 18)
    # 7 answers in the 12 s since the first of them; of the 20 wanted 4 were decisive, and 3 are halfway
    assert found.end == pytest.approx(clock.time + 12 / 7 * (8 * 2 - 3))
    clock.time += 1000
    assert round_progress(store, "uid", now=clock).end is None  # nobody has answered for long
