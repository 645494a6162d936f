"""What lies in front of a person: pairs, figures, and why there are none."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from whosame.annotation.accounts.sessions import Session
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.store.store import open_store
from whosame.annotation.web.annotator_view import AnnotatorView
from whosame.annotation.web.counters import MAX_SECONDS, duration

ALICE, BOB = Session("her session", "alice", "annotator"), Session("his session", "bob", "annotator")


class Clock:
    def __init__(self):
        self.time = time.time()

    def __call__(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(database):
    with open_store(database) as store:
        yield store


def campaign(store, clock, n=0, uid="uid", number=0, **more):
    images = {image: ImageRef(f"{image}.png", f"digest {image}") for image in range(2 * n)}
    made = TaskQueue(store, RunInfo(uid, uid, "/images", number, 3, 0, 30, 10, **more), images, now=clock)
    made.begin()
    made.ask([PairTask(2 * k, 2 * k + 1, "between") for k in range(n)])
    return made


def first(view):
    return view.pairs[0].token


def test_an_answer_brings_the_next_pair_and_the_figures(store, clock):
    campaign(store, clock, 4)
    desk = AnnotatorView(store, now=clock)
    one = desk.show(ALICE)
    clock.time += 10
    two = desk.answer(ALICE, first(one), "same", 4.0)
    assert (two.saved, two.pairs[0], len(two.pairs)) == ("same", one.pairs[1], 2)
    assert two.counters | {"end": "–"} == {
        "done": 1, "of": 10, "left": "29", "today": "1", "same": "1", "different": "0", "median": "4.0 s", "end": "–",
    }  # fmt: skip
    three = desk.answer(ALICE, first(two), "different", 2.0)
    assert (three.counters["today"], three.counters["different"], three.counters["median"]) == ("2", "1", "3.0 s")
    assert AnnotatorView(store, now=clock).show(ALICE).counters["median"] == "3.0 s"  # another process counts the same


def test_the_same_request_twice_is_counted_once(store, clock):
    campaign(store, clock, 3)
    desk = AnnotatorView(store, now=clock)
    token = first(desk.show(ALICE))
    clock.time += 5
    views = [desk.answer(ALICE, token, "same", 2.0) for _ in range(2)]
    assert [view.counters["today"] for view in views] == ["1", "1"]
    assert (views[0].pairs, views[0].undoable) == (views[1].pairs, views[1].undoable)


def test_an_idle_while_is_not_counted_as_work(store, clock):
    campaign(store, clock, 3)
    desk = AnnotatorView(store, now=clock)
    token = first(desk.show(ALICE))
    clock.time += 5000
    assert desk.answer(ALICE, token, "same", 4000.0).counters["median"] == f"{MAX_SECONDS:.1f} s"


def test_undo_shows_the_pair_again_and_counts_it_no_more(store, clock):
    campaign(store, clock, 4)
    desk = AnnotatorView(store, now=clock)
    one = desk.show(ALICE)
    two = desk.answer(ALICE, first(one), "same", 0)
    back = desk.undo(ALICE, two.undoable)
    assert (back.pairs[0].task, back.counters["today"], back.counters["done"], back.undoable) == (
        one.pairs[0].task,
        "0",
        0,
        None,
    )
    assert desk.undo(ALICE, two.undoable).counters["today"] == "0"  # sent again


def test_what_cannot_be_done_is_said_and_the_work_goes_on(store, clock):
    campaign(store, clock, 4)
    desk = AnnotatorView(store, now=clock)
    one = desk.show(ALICE)
    two = desk.answer(ALICE, first(one), "same", 0)
    other = desk.answer(ALICE, first(one), "different", 0)
    assert (other.refused, other.pairs, other.saved) == ("answered", two.pairs, "")
    his = desk.answer(BOB, first(two), "same", 0)
    assert (his.refused, len(his.pairs)) == ("lapsed", 1)
    assert desk.undo(BOB, two.undoable).refused == "kept"
    assert [event.verdict for event in store.answers("uid")] == ["same"]


def test_why_there_is_no_pair(store, clock):
    desk = AnnotatorView(store, now=clock)
    assert desk.show(ALICE).state == "none"
    assert desk.answer(ALICE, "x" * 43, "same", 0).refused == "lapsed"
    run = campaign(store, clock, 0)
    assert desk.show(ALICE).state == "thinking"
    clock.time += 31
    assert desk.show(ALICE).state == "away"
    run = campaign(store, clock, 1)
    view = desk.show(ALICE)
    assert view.state == "asking"
    assert desk.show(BOB).state == "others"
    desk.answer(ALICE, first(view), "same", 0)
    assert desk.show(BOB).state == "thinking"
    run.end(run.last_event_ids())
    assert desk.show(ALICE).state == "working"
    run.finish()
    assert desk.show(ALICE).state == "over"


def test_the_newest_run_is_asked_about_until_it_is_over(store, clock):
    one = campaign(store, clock, 2, "one")
    desk = AnnotatorView(store, now=clock)
    assert desk.show(ALICE).run == "one"
    clock.time += 1
    campaign(store, clock, 2, "two")
    assert desk.show(ALICE).run == "one"  # nobody is torn out of a round by another run
    one.finish()
    clock.time += 1
    campaign(store, clock, 2, "two")
    assert desk.show(ALICE).run == "two"
    assert AnnotatorView(store, "one", now=clock).show(ALICE).run == "one"


def test_many_at_once_share_commits_and_all_is_kept(store, clock):
    campaign(store, clock, 90)  # more than are answered: who has none left at the end waits
    desk = AnnotatorView(store, now=clock)
    people = [Session(f"session {k}", f"person {k}", "annotator") for k in range(12)]

    def work(who):
        view = desk.show(who)
        for _ in range(5):
            view = desk.answer(who, first(view), "same", 0)
            assert view.saved == "same"
        return view.counters["today"]

    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(work, people)) == ["5"] * 12
    events = store.answers("uid")
    assert len({event.image_a for event in events}) == len(events) == 60
    assert desk.show(people[0], recount=True).counters["done"] == 10  # of the round's ten


def test_times_are_said_as_people_do():
    assert [duration(seconds) for seconds in (0, 89, 600, 3570, 5400)] == ["1 min", "1 min", "10 min", "1.0 h", "1.5 h"]
