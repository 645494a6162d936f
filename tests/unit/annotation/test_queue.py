"""The task queue: pairs are asked, leased, answered, skipped, undone and closed; none is lost, none is doubled."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from whosame.annotation.queue.adjudicate import adjudicate
from whosame.annotation.queue.leases import LEASE_SECONDS, release_leases
from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.queue.tasks import PairTask
from whosame.annotation.store.schema import images


def test_pairs_come_in_order_and_an_answer_is_kept(store, clock, people, task_queue):
    task_queue(3)
    first, second = people.lease("alice", 2)
    clock.time += 5
    assert not people.answer("alice", first, "different").repeated
    [event] = store.answers("uid")
    assert (event.image_a, event.image_b, event.digest_b) == (0, 1, "digest 1")
    assert (event.verdict, event.source, event.annotator) == ("different", "human", "alice")
    assert (event.round, event.run, event.seconds, event.lease) == (0, "mine", 2.0, first.token)
    assert [lease.task for lease in people.lease("alice", 2)] == [second.task, second.task + 1]


def test_a_pair_brings_its_exemplars_each_on_its_side(store, people, task_queue):
    task_queue([PairTask(0, 1, "between", exemplars=((7,), (8, 9))), PairTask(2, 3, "between")])
    with store.reading() as connection:
        image = dict(connection.execute(select(images.c.token, images.c.image)).all())
    sides = set()
    for name in [f"annotator {k}" for k in range(20)]:
        [lease] = people.lease(name)
        known = {image[lease.left]: lease.left_known, image[lease.right]: lease.right_known}
        assert {side: tuple(image[token] for token in tokens) for side, tokens in known.items()} == {0: (7,), 1: (8, 9)}
        sides.add(image[lease.left])
        [again] = people.lease(name)
        assert again == lease
        people.skip(name, lease)
        if sides == {0, 1}:
            break
    assert sides == {0, 1}
    _, plain = people.lease("bob", 2)
    assert (plain.left_known, plain.right_known) == ((), ())


def test_the_same_request_again_is_one_answer_and_another_verdict_is_refused(store, people, task_queue):
    task_queue(1)
    [lease] = people.lease("alice")
    receipt = people.answer("alice", lease)
    again = people.answer("alice", lease)
    assert (again.repeated, again.event) == (True, receipt.event)
    with pytest.raises(RefusedError, match="answered already, 'same'"):
        people.answer("alice", lease, "different")
    with pytest.raises(RefusedError, match="not yours"):
        people.answer("bob", lease)
    assert len(store.answers("uid")) == 1


def test_a_pair_leased_to_one_person_goes_to_no_other_until_the_lease_expires(store, clock, people, task_queue):
    task_queue(1)
    [hers] = people.lease("alice")
    assert people.lease("alice") == [hers]  # a reload brings the same pair with the same sides
    assert people.lease("bob") == []
    clock.time += LEASE_SECONDS - 1
    assert people.lease("bob") == []
    clock.time += 2
    [his] = people.lease("bob")
    with pytest.raises(RefusedError, match="not yours any more"):
        people.answer("alice", hers)
    people.answer("bob", his)
    assert [event.annotator for event in store.answers("uid")] == ["bob"]


def test_an_expired_lease_is_valid_until_another_person_takes_the_pair(store, clock, people, task_queue):
    task_queue(1)
    [lease] = people.lease("alice")
    clock.time += 10 * LEASE_SECONDS
    people.answer("alice", lease)
    assert len(store.answers("uid")) == 1


def test_a_clock_set_back_does_not_lock_a_pair_for_ever(clock, people, task_queue):
    task_queue(1)
    people.lease("alice")
    clock.time -= 3600
    assert len(people.lease("bob")) == 1


def test_a_skipped_pair_comes_last_and_skipping_twice_is_one_skip(people, task_queue):
    task_queue(2)
    [first] = people.lease("alice")
    people.skip("alice", first)
    people.skip("alice", first)
    task, _ = people.answer_next("alice")
    assert task != first.task
    [again] = people.lease("alice")
    assert (again.task, again.token == first.token) == (first.task, False)


@pytest.mark.parametrize("overlap", [1, 2])
def test_an_undo_is_an_event_and_the_pair_comes_again(store, people, task_queue, overlap):
    task_queue(1, overlap=overlap)
    task, receipt = people.answer_next("alice")
    assert people.last_undoable("alice") == receipt.event
    assert people.undo("alice", receipt.event).task == task
    assert store.answers("uid") == []
    again = people.undo("alice", receipt.event)  # a double click
    assert again.task == task
    people.answer("alice", again, "different")
    with pytest.raises(RefusedError, match="has been answered again since"):
        people.undo("alice", receipt.event)
    assert people.lease("alice") == []
    assert [(event.annotator, event.verdict, event.revision) for event in store.answers("uid")] == [
        ("alice", "different", 1)
    ]


def test_only_own_answers_of_this_session_and_of_the_open_round_can_be_undone(people, task_queue):
    queue = task_queue(2)
    _, receipt = people.answer_next("alice")
    for name, session in (("bob", "session of alice"), ("alice", "of yesterday")):
        with pytest.raises(RefusedError, match="only your own answers of this session"):
            people.undo(name, receipt.event, session=session)
    assert not queue.end((0, 0))  # an answer has arrived since
    assert queue.end(queue.last_event_ids())
    assert people.last_undoable("alice") is None
    with pytest.raises(RefusedError, match="this round is over"):
        people.undo("alice", receipt.event)
    assert people.lease("alice") == []  # the open pair is closed


def test_a_pair_goes_to_as_many_people_as_the_overlap_and_to_one_more_where_they_disagree(store, people, task_queue):
    task_queue(1, overlap=2)
    [alice], [bob] = people.lease("alice"), people.lease("bob")
    assert people.lease("carol") == []
    people.answer("alice", alice, "same")
    assert people.lease("alice") == []
    people.answer("bob", bob, "different")
    [carol] = people.lease("carol")
    assert people.lease("dave") == []
    third = people.answer("carol", carol, "same")
    assert people.lease("dave") == []
    assert len(store.answers("uid")) == 3
    people.undo("carol", third.event)  # the third opinion may now come from anybody
    with store.writing() as connection:
        release_leases(connection, "carol")
    assert len(people.lease("dave")) == 1


def test_what_a_coordinator_has_decided_cannot_be_undone(store, clock, people, task_queue):
    task_queue(1, overlap=2)
    task, receipt = people.answer_next("alice")
    adjudicate(store, "uid", task, "chief", "different", now=clock)
    with pytest.raises(RefusedError, match="a coordinator has decided"):
        people.undo("alice", receipt.event)
    assert len(store.answers("uid")) == 2


def test_a_closed_pair_takes_no_answer(people, task_queue):
    queue = task_queue(3)
    [lease] = people.lease("alice")
    queue.close([(0, 1)])
    with pytest.raises(RefusedError, match="not needed now"):
        people.answer("alice", lease)
    assert len(people.lease("alice", 5)) == 2


def test_a_new_batch_or_round_closes_the_questions_before(people, task_queue):
    queue = task_queue(3)
    queue.ask([])
    assert people.lease("alice", 5) == []
    task_queue(3)
    task_queue([(30, 31)], round=1)
    assert [lease.round for lease in people.lease("alice", 5)] == [1]


def test_people_at_the_same_moment_never_get_the_same_pair(store, people, task_queue):
    task_queue(20)

    def work(name):
        done = []
        while leases := people.lease(name):
            people.answer(name, leases[0])
            done.append(leases[0].task)
        return done

    with ThreadPoolExecutor(8) as pool:
        done = [task for tasks in pool.map(work, [f"person {k}" for k in range(8)]) for task in tasks]
    assert len(done) == len(set(done)) == len(store.answers("uid")) == 20


@pytest.mark.parametrize(("seconds", "kept"), [(-1.0, 0.0), (1e9, 7.0)])
def test_seconds_are_capped_at_the_time_since_the_lease(store, clock, people, task_queue, seconds, kept):
    task_queue(1)
    [lease] = people.lease("alice")
    clock.time += 7
    people.answer("alice", lease, seconds=seconds)
    assert store.answers("uid")[0].seconds == kept
