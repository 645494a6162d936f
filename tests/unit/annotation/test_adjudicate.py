"""A coordinator decides a pair, by an answer that counts alone."""

import pytest

from whosame.annotation.quality.answered_pairs import answered_pair
from whosame.annotation.queue.adjudicate import adjudicate
from whosame.annotation.queue.submit import RefusedError


@pytest.fixture
def disputed(people, task_queue):
    """The queue of a round in which alice calls its pair the same, and bob different."""
    queue = task_queue(1, overlap=2)
    people.answer_next("alice", "same")
    people.answer_next("bob", "different")
    return queue


@pytest.fixture
def settle(store, clock):
    return lambda task, verdict, run="uid": adjudicate(store, run, task, "alice", verdict, now=clock)


@pytest.mark.usefixtures("disputed")
def test_a_coordinator_decides_and_the_last_decision_counts(store, people, settle):
    [waiting] = people.lease("carol")
    receipt = settle(1, "different")
    decided = answered_pair(store, "uid", 1)
    assert (decided.verdict, decided.settled, decided.answers[-1].event) == ("different", True, receipt.event)
    with pytest.raises(RefusedError, match="not needed now"):
        people.answer("carol", waiting)
    assert people.lease("dave") == []
    again = settle(1, "different")  # a double click
    assert (again.event, again.repeated) == (receipt.event, True)
    settle(1, "same")
    assert answered_pair(store, "uid", 1).verdict == "same"
    assert settle(1, "different").event > receipt.event  # back again is a new word
    event = next(event for event in store.answers("uid") if event.settles)
    assert (event.digest_a, event.source, event.session, event.seconds, event.round) == (
        "digest 0",
        "human",
        None,
        0,
        0,
    )


@pytest.mark.usefixtures("disputed")
def test_a_coordinators_own_vote_is_not_in_the_way_and_stays(store, settle):
    settle(1, "different")
    kept = [(given.annotator, given.verdict, given.settles) for given in answered_pair(store, "uid", 1).answers]
    assert kept == [("alice", "same", False), ("bob", "different", False), ("alice", "different", True)]
    assert [event.revision for event in store.answers("uid")] == [0, 0, 1]


def test_the_loop_sees_that_a_pair_was_settled(disputed, settle):
    before = disputed.last_event_ids()
    settle(1, "different")
    assert not disputed.end(before)
    assert disputed.end(disputed.last_event_ids())


def test_what_is_over_unanswered_or_unknown_is_not_settled(store, people, task_queue, settle):
    queue = task_queue(2)
    people.answer_next("alice", "same")
    for task, run, reason in ((2, "uid", "unanswered"), (99, "uid", "unknown"), (1, "another run", "unknown")):
        with pytest.raises(RefusedError) as refused:
            settle(task, "same", run)
        assert refused.value.reason == reason
    queue.end(queue.last_event_ids())
    with pytest.raises(RefusedError, match="round 1 asks no more"):
        settle(1, "same")
    task_queue([(4, 5)], round=1)  # asking again, but another round
    with pytest.raises(RefusedError, match="round 1 asks no more"):
        settle(1, "same")
    assert len(store.answers("uid")) == 1
