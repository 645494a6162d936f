"""What a person has in front of them: pairs, counters, and why there are no pairs."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from whosame.annotation.accounts.sessions import Session
from whosame.annotation.queue.tasks import PairTask
from whosame.annotation.web.annotator_view import HEARTBEAT_LIMIT, AnnotatorView
from whosame.annotation.web.counters import MAX_SECONDS, duration

ALICE, BOB = (Session(f"session of {name}", name, "annotator") for name in ("alice", "bob"))


@pytest.fixture
def view(store, clock):
    return AnnotatorView(store, now=clock)


def first(content):
    return content.pairs[0].token


def test_an_answer_brings_the_next_pair_and_the_counters(store, clock, task_queue, view):
    task_queue(4)
    one = view.show(ALICE)
    clock.time += 10
    two = view.answer(ALICE, first(one), "same", 4.0)
    assert (two.saved, two.pairs[0], len(two.pairs)) == ("same", one.pairs[1], 2)
    assert two.counters == {
        "done": 1, "of": 4, "more": "so far", "run": "1", "budget": "30",
        "today": "1", "same": "1", "different": "0", "median": "4.0 s", "end": "–",
    }  # fmt: skip
    three = view.answer(ALICE, first(two), "different", 2.0)
    assert (three.counters["today"], three.counters["different"], three.counters["median"]) == ("2", "1", "3.0 s")
    assert AnnotatorView(store, now=clock).show(ALICE).counters["median"] == "3.0 s"  # another process counts the same


def test_the_time_that_is_left_is_foretold_after_five_answers(clock, task_queue, view):
    task_queue(200)
    content = view.show(ALICE)
    for answers in range(5):
        assert content.counters["end"] == "–", answers
        clock.time += 30
        content = view.answer(ALICE, first(content), "same", 30.0)
    assert content.counters["end"] == f"about {duration(195 * 30)}"
    view.show(BOB)
    clock.time += 1.1  # the round is counted again
    assert view.show(ALICE).counters["end"] == f"about {duration(195 * 30 / 2)}"


def test_no_total_is_shown_as_final_that_the_round_may_exceed(task_queue, view):
    queue = task_queue(4, asked=7, round_budget=6)
    content = view.answer(ALICE, first(view.show(ALICE)), "same", 2.0)
    assert {name: content.counters[name] for name in ("done", "of", "more", "run", "budget")} == {
        "done": 1, "of": 4, "more": "so far", "run": "8", "budget": "30",
    }  # fmt: skip
    queue.ask([PairTask(2 * k, 2 * k + 1, "between") for k in range(6)])  # all that it may
    counters = view.show(ALICE, recount=True).counters
    assert (counters["done"], counters["of"], counters["more"]) == (1, 6, "")
    queue.ask([])  # answers have made the rest needless
    counters = view.show(ALICE, recount=True).counters
    assert (counters["done"], counters["of"], counters["more"]) == (1, 1, "so far")
    assert queue.end(queue.last_event_ids())
    assert view.show(ALICE, recount=True).counters["more"] == ""


def test_every_answer_moves_the_bar_where_several_people_answer(clock, task_queue, view):
    task_queue(2, overlap=2)
    seen, alice, bob = [], view.show(ALICE), view.show(BOB)
    for verdict in ("same", "different"):
        alice = view.answer(ALICE, first(alice), "same", 1.0)
        seen.append((alice.counters["done"], alice.counters["of"]))
        bob = view.answer(BOB, first(bob), verdict, 1.0)
        clock.time += 1.1  # the round is counted again
        shown = view.show(BOB).counters
        seen.append((shown["done"], shown["of"]))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 5)]  # a third person answers what two disagree on


def test_the_same_request_twice_is_counted_once(clock, task_queue, view):
    task_queue(3)
    token = first(view.show(ALICE))
    clock.time += 5
    once, again = (view.answer(ALICE, token, "same", 2.0) for _ in range(2))
    assert (once.counters["today"], again.counters["today"]) == ("1", "1")
    assert (once.pairs, once.undoable) == (again.pairs, again.undoable)


def test_an_idle_while_is_not_counted_as_work(clock, task_queue, view):
    task_queue(3)
    token = first(view.show(ALICE))
    clock.time += 5000
    assert view.answer(ALICE, token, "same", 4000.0).counters["median"] == f"{MAX_SECONDS:.1f} s"


def test_undo_shows_the_pair_again_and_counts_it_no_more(task_queue, view):
    task_queue(4)
    one = view.show(ALICE)
    two = view.answer(ALICE, first(one), "same", 0)
    back = view.undo(ALICE, two.undoable)
    assert (back.pairs[0].task, back.undoable) == (one.pairs[0].task, None)
    assert (back.counters["today"], back.counters["done"]) == ("0", 0)
    assert view.undo(ALICE, two.undoable).counters["today"] == "0"  # sent again


def test_what_cannot_be_done_is_said_and_the_work_goes_on(store, task_queue, view):
    task_queue(4)
    one = view.show(ALICE)
    two = view.answer(ALICE, first(one), "same", 0)
    other = view.answer(ALICE, first(one), "different", 0)
    assert (other.refused, other.pairs, other.saved) == ("answered", two.pairs, "")
    his = view.answer(BOB, first(two), "same", 0)
    assert (his.refused, len(his.pairs)) == ("lapsed", 1)
    assert view.undo(BOB, two.undoable).refused == "kept"
    assert [event.verdict for event in store.answers("uid")] == ["same"]


def test_why_there_is_no_pair(clock, task_queue, view):
    assert view.show(ALICE).state == "none"
    assert view.answer(ALICE, "x" * 43, "same", 0).refused == "lapsed"
    task_queue(0)
    assert view.show(ALICE).state == "thinking"
    clock.time += HEARTBEAT_LIMIT + 1
    assert view.show(ALICE).state == "away"
    queue = task_queue(1)
    content = view.show(ALICE)
    assert (content.state, view.show(BOB).state) == ("asking", "others")
    view.answer(ALICE, first(content), "same", 0)
    assert view.show(BOB).state == "thinking"
    queue.end(queue.last_event_ids())
    assert view.show(ALICE).state == "working"
    queue.finish()
    assert view.show(ALICE).state == "over"


def test_the_newest_run_is_asked_about_until_it_is_over(store, clock, task_queue, view):
    one = task_queue(2, run_uid="one", run="one")
    assert view.show(ALICE).run == "one"
    clock.time += 1
    task_queue(2, run_uid="two", run="two")
    assert view.show(ALICE).run == "one"  # nobody is torn out of a round by another run
    one.finish()
    clock.time += 1
    task_queue(2, run_uid="two", run="two")
    assert view.show(ALICE).run == "two"
    assert AnnotatorView(store, "one", now=clock).show(ALICE).run == "one"


def test_of_many_at_once_every_answer_is_kept(store, task_queue):
    task_queue(90, now=time.time)  # more than are answered: who has none left at the end waits
    view = AnnotatorView(store)

    def work(name):
        who = Session(f"session of {name}", name, "annotator")
        content = view.show(who)
        for _ in range(5):
            content = view.answer(who, first(content), "same", 0)
            assert content.saved == "same"
        return content.counters["today"]

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(work, [f"person {k}" for k in range(12)])) == ["5"] * 12
    events = store.answers("uid")
    assert len({event.image_a for event in events}) == len(events) == 60
    counters = view.show(ALICE, recount=True).counters
    assert (counters["done"], counters["of"]) == (60, 90)


def test_times_are_said_as_people_do():
    assert [duration(seconds) for seconds in (0, 89, 600, 3570, 5400)] == ["1 min", "1 min", "10 min", "1.0 h", "1.5 h"]
