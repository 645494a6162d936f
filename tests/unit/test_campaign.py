"""Pairs that people are asked about: put, lent, answered, skipped, taken back, closed; never lost and never doubled."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from whosame.annotation.queue.adjudicate import adjudicate
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.leases import claim, release_leases
from whosame.annotation.queue.submit import RefusedError, answer, skip
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.queue.undo import last_answer, take_back

IMAGES = {image: ImageRef(f"{image}.png", f"digest {image}") for image in range(40)}


def campaign(store, clock, *, overlap=1, number=0):
    about = RunInfo("uid", "mine", "/images", number, 3, 0, 30, 10, overlap)
    made = TaskQueue(store, about, IMAGES, now=clock)
    made.begin()
    return made


def pairs(n):
    return [PairTask(2 * k, 2 * k + 1, "between") for k in range(n)]


def claims(store, clock, who, count=1, **more):
    return claim(store, "uid", who, f"{who}'s sitting", count=count, now=clock, **more)


def answers(store, clock, who, held, verdict="same", seconds=2.0, **more):
    return answer(store, held.token, who, f"{who}'s sitting", verdict, seconds, now=clock, **more)


def test_pairs_come_in_order_and_an_answer_is_kept(store, clock):
    campaign(store, clock).ask(pairs(3))
    first, second = claims(store, clock, "alice", 2)
    clock.time += 5
    receipt = answers(store, clock, "alice", first, "different")
    assert not receipt.repeated
    [event] = store.answers("uid")
    assert (event.image_a, event.image_b, event.digest_b) == (0, 1, "digest 1")
    assert (event.verdict, event.source, event.annotator) == ("different", "human", "alice")
    assert (event.round, event.run, event.seconds, event.lease) == (0, "mine", 2.0, first.token)
    assert [held.task for held in claims(store, clock, "alice", 2)] == [second.task, second.task + 1]


def test_the_same_request_again_is_one_answer_and_another_verdict_is_refused(store, clock):
    campaign(store, clock).ask(pairs(1))
    [held] = claims(store, clock, "alice")
    receipt = answers(store, clock, "alice", held)
    assert answers(store, clock, "alice", held).repeated
    assert answers(store, clock, "alice", held).event == receipt.event
    with pytest.raises(RefusedError, match="answered already, 'same'"):
        answers(store, clock, "alice", held, "different")
    with pytest.raises(RefusedError, match="not yours"):
        answers(store, clock, "bob", held)
    assert len(store.answers("uid")) == 1


def test_nobody_gets_a_pair_that_another_holds_until_it_lapses(store, clock):
    campaign(store, clock).ask(pairs(1))
    [hers] = claims(store, clock, "alice", lease=100.0)
    assert claims(store, clock, "bob") == []
    clock.time += 99
    assert claims(store, clock, "bob") == []
    clock.time += 2
    [his] = claims(store, clock, "bob")
    with pytest.raises(RefusedError, match="not yours any more"):
        answers(store, clock, "alice", hers)
    answers(store, clock, "bob", his)
    assert [event.annotator for event in store.answers("uid")] == ["bob"]


def test_a_lapsed_hold_is_good_until_somebody_takes_the_pair(store, clock):
    campaign(store, clock).ask(pairs(1))
    [held] = claims(store, clock, "alice", lease=100.0)
    clock.time += 1000
    answers(store, clock, "alice", held)
    assert len(store.answers("uid")) == 1


def test_a_clock_set_back_does_not_lock_a_pair_for_ever(store, clock):
    campaign(store, clock).ask(pairs(1))
    claims(store, clock, "alice")
    clock.time -= 3600
    assert len(claims(store, clock, "bob")) == 1


def test_a_reload_brings_the_same_pair_with_the_same_sides(store, clock):
    campaign(store, clock).ask(pairs(5))
    assert claims(store, clock, "alice") == claims(store, clock, "alice")


def test_a_skipped_pair_comes_last_and_skipping_twice_is_one_skip(store, clock):
    campaign(store, clock).ask(pairs(2))
    [first] = claims(store, clock, "alice")
    skip(store, first.token, "alice", now=clock)
    skip(store, first.token, "alice", now=clock)
    [second] = claims(store, clock, "alice")
    assert second.task != first.task
    answers(store, clock, "alice", second)
    [again] = claims(store, clock, "alice")
    assert (again.task, again.token == first.token) == (first.task, False)


def test_an_answer_taken_back_is_an_event_and_the_pair_comes_again(store, clock):
    campaign(store, clock).ask(pairs(2))
    [held] = claims(store, clock, "alice")
    receipt = answers(store, clock, "alice", held)
    assert last_answer(store, "uid", "alice", "alice's sitting") == receipt.event
    back = take_back(store, receipt.event, "alice", "alice's sitting", now=clock)
    assert back.task == held.task
    assert store.answers("uid") == []
    again = take_back(store, receipt.event, "alice", "alice's sitting", now=clock)  # a double click
    assert again.task == held.task
    answers(store, clock, "alice", again, "different")
    assert [(event.verdict, event.revision) for event in store.answers("uid")] == [("different", 1)]


@pytest.mark.parametrize("overlap", [1, 2])
def test_an_undo_sent_again_after_the_pair_was_answered_again_changes_nothing(store, clock, overlap):
    campaign(store, clock, overlap=overlap).ask(pairs(1))
    [held] = claims(store, clock, "alice")
    receipt = answers(store, clock, "alice", held)
    answers(store, clock, "alice", take_back(store, receipt.event, "alice", "alice's sitting", now=clock))
    with pytest.raises(RefusedError, match="has been answered again since"):
        take_back(store, receipt.event, "alice", "alice's sitting", now=clock)
    assert claims(store, clock, "alice") == []
    assert [(event.annotator, event.revision) for event in store.answers("uid")] == [("alice", 1)]


def test_what_is_anothers_or_of_another_sitting_or_learnt_from_is_not_taken_back(store, clock):
    round_ = campaign(store, clock)
    round_.ask(pairs(2))
    [held] = claims(store, clock, "alice")
    receipt = answers(store, clock, "alice", held)
    for who, sitting in (("bob", "alice's sitting"), ("alice", "of yesterday")):
        with pytest.raises(RefusedError, match="only your own answers of this session"):
            take_back(store, receipt.event, who, sitting, now=clock)
    assert not round_.end((0, 0))  # an answer has come since
    assert round_.end(round_.last_event_ids())
    assert last_answer(store, "uid", "alice", "alice's sitting") is None
    with pytest.raises(RefusedError, match="this round is over"):
        take_back(store, receipt.event, "alice", "alice's sitting", now=clock)
    assert claims(store, clock, "alice") == []  # what was open is closed


def test_a_pair_goes_to_as_many_people_as_asked_for_and_one_more_where_they_disagree(store, clock):
    campaign(store, clock, overlap=2).ask(pairs(1))
    [alice], [bob] = claims(store, clock, "alice"), claims(store, clock, "bob")
    assert claims(store, clock, "carol") == []
    answers(store, clock, "alice", alice, "same")
    assert claims(store, clock, "alice") == []
    answers(store, clock, "bob", bob, "different")
    [carol] = claims(store, clock, "carol")
    assert claims(store, clock, "dave") == []
    answers(store, clock, "carol", carol, "same")
    assert claims(store, clock, "dave") == []
    assert len(store.answers("uid")) == 3


def test_a_third_opinion_taken_back_is_wanted_of_anybody(store, clock):
    campaign(store, clock, overlap=2).ask(pairs(1))
    [alice], [bob] = claims(store, clock, "alice"), claims(store, clock, "bob")
    answers(store, clock, "alice", alice, "same")
    answers(store, clock, "bob", bob, "different")
    [carol] = claims(store, clock, "carol")
    third = answers(store, clock, "carol", carol, "same")
    take_back(store, third.event, "carol", "carol's sitting", now=clock)
    with store.writing() as connection:
        release_leases(connection, "carol")
    assert len(claims(store, clock, "dave")) == 1


def test_what_a_coordinator_has_decided_is_not_taken_back(store, clock):
    campaign(store, clock, overlap=2).ask(pairs(1))
    [alice] = claims(store, clock, "alice")
    first = answers(store, clock, "alice", alice, "same")
    adjudicate(store, "uid", alice.task, "chief", "different", now=clock)
    with pytest.raises(RefusedError, match="a coordinator has decided"):
        take_back(store, first.event, "alice", "alice's sitting", now=clock)
    assert len(store.answers("uid")) == 2


def test_a_pair_that_is_settled_meanwhile_is_not_needed(store, clock):
    round_ = campaign(store, clock)
    round_.ask(pairs(3))
    [held] = claims(store, clock, "alice")
    round_.close([(0, 1)])
    with pytest.raises(RefusedError, match="not needed now"):
        answers(store, clock, "alice", held)
    round_.ask(pairs(3)[2:])  # the others are asked no more
    assert len(claims(store, clock, "alice", 5)) == 1


def test_the_next_round_closes_what_the_last_left(store, clock):
    campaign(store, clock).ask(pairs(3))
    campaign(store, clock, number=1).ask([PairTask(30, 31, "within")])
    assert [held.round for held in claims(store, clock, "alice", 5)] == [1]


def test_people_at_the_same_moment_never_get_the_same_pair(store, clock):
    campaign(store, clock).ask(pairs(20))

    def work(who):
        done = []
        while held := claims(store, clock, who):
            answers(store, clock, who, held[0])
            done.append(held[0].task)
        return done

    with ThreadPoolExecutor(8) as pool:
        done = [task for its in pool.map(work, [f"person {k}" for k in range(8)]) for task in its]
    assert len(done) == len(set(done)) == len(store.answers("uid")) == 20


@pytest.mark.parametrize("seconds", [-1.0, 1e9])
def test_no_more_seconds_are_believed_than_have_passed(store, clock, seconds):
    campaign(store, clock).ask(pairs(1))
    [held] = claims(store, clock, "alice")
    clock.time += 7
    answers(store, clock, "alice", held, seconds=seconds)
    assert store.answers("uid")[0].seconds == (0.0 if seconds < 0 else 7.0)
