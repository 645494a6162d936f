"""What each person has done."""

import pytest

from whosame.annotation.accounts.users import add_user
from whosame.annotation.quality.annotator_stats import annotator_stats, ratings
from whosame.annotation.queue.adjudicate import adjudicate


@pytest.fixture
def stats(store, clock):
    return lambda *number: annotator_stats(store, "uid", *number, now=clock)


def test_each_persons_work_is_counted_without_decisions(store, clock, people, task_queue, says, stats):
    task_queue(6, overlap=2)
    add_user(store, "idle")
    says("alice", "same", "different", "unsure")
    [(_, wrong)] = says("alice", "same", seconds=8.0)
    people.undo("alice", wrong)
    says("alice", "different", seconds=500.0)
    says("bob", "same", "same")
    [lease] = people.lease("bob")
    people.skip("bob", lease)
    adjudicate(store, "uid", 2, "alice", "same", now=clock)
    alice, bob, idle = stats()
    assert [one.annotator for one in (alice, bob, idle)] == ["alice", "bob", "idle"]
    assert (alice.same, alice.different, alice.unsure, alice.answers) == (1, 2, 1, 4)
    assert (alice.settled, alice.undone, alice.skipped) == (1, 1, 0)
    assert (bob.skipped, bob.answering, alice.last_seen) == (1, False, clock.time)
    assert (bob.agreement.units, bob.agreement.alike) == (2, 0.5)
    assert (idle.answers, idle.seconds, idle.last_seen, idle.agreement.value) == (0, None, None, None)
    assert [one.answers for one in stats(1)] == [0]  # of the next round, only who is registered


@pytest.mark.parametrize(
    ("seconds", "median"),
    [([4.0], 4.0), ([1.0, 2.0, 9.0], 2.0), ([1.0, 5.0], 3.0), ([50.0, 400.0], 55.0), ([0.0], None)],
)
def test_the_median_caps_idle_time(task_queue, says, stats, seconds, median):
    task_queue(len(seconds))
    for one in seconds:
        says("alice", "same", seconds=one)
    assert stats()[0].seconds == median


def test_who_looks_at_a_pair_is_shown_until_the_lease_expires(store, clock, people, task_queue, says, stats):
    task_queue(1, overlap=2)
    says("alice", "same")
    people.lease("bob", seconds=100)
    adjudicate(store, "uid", 1, "chief", "same", now=clock)
    assert not any(one.answering for one in stats())
    task_queue([(2, 3)], round=1)
    people.lease("alice", seconds=100)
    assert [one.answering for one in stats()] == [True, False]
    clock.time += 101
    assert not stats()[0].answering


def test_ratings_hold_what_several_have_answered(store, clock, task_queue, says):
    task_queue(2, overlap=2)
    says("alice", "same", "same")
    says("bob", "different")
    adjudicate(store, "uid", 1, "chief", "same", now=clock)
    assert ratings(store, "uid") == {(0, 1): {"alice": "same", "bob": "different"}}
