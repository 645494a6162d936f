"""How far a round is, and when its questions will be answered."""

import pytest

from whosame.annotation.quality.round_progress import round_progress
from whosame.annotation.queue.round_votes import RoundVotes


def test_how_far_a_round_is(store, clock, task_queue, says):
    assert round_progress(store, "uid", now=clock) is None
    task_queue(6, overlap=2, round=1, asked=10)
    says("alice", "same", "same", "same", "same")
    says("bob", "same", "same", "different")
    found = round_progress(store, "uid", now=clock)
    assert (found.run, found.round, found.rounds, found.state, found.overlap) == ("mine", 1, 3, "asking", 2)
    # of six questions to two people each two are decided, and one on which two disagree goes to a third
    assert found.votes == RoundVotes(given=7, missing=6, decided=2, waiting=4)
    assert found.round_budget == 10
    assert (found.asked, found.budget, found.left) == (12, 30, 18)
    # 7 answers in the 12 s since the first of them
    assert found.end == pytest.approx(clock.time + 12 / 7 * 6)
    clock.time += 1000
    assert round_progress(store, "uid", now=clock).end is None  # nobody has answered for long
