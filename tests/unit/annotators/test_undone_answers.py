"""What was undone since a round ended is out of the memory; what the other answers decide is in it."""

import numpy as np
import pytest

from whosame.annotation.queue.withdraw import withdraw
from whosame.annotation.store.schema import answer_events
from whosame.annotation.store.store import AnswerEvent
from whosame.annotators.earlier_answers import recall
from whosame.annotators.undone_answers import undone_since
from whosame.memory import LabelMemory
from whosame.naming.collect_answers import all_answers
from whosame.questions import Answer, Question
from whosame.tables import asked_so_far, memory_table, read_memory, with_found

IDS, DIGESTS = np.array([10, 20, 30, 40]), ("a", "b", "c", "d")


def event(a, b, verdict, who="ann", uid="uid", **more):
    digests = (DIGESTS[int(np.searchsorted(IDS, image))] for image in (a, b))
    return AnswerEvent(uid, "mine", 0, a, b, *digests, "pool", verdict, "human", who, 1.0, **more)


def memory_of(*said):
    """The memory of a round: rows and verdicts, one question each."""
    memory = LabelMemory.from_log(*zip(*said, strict=True))
    return memory_table(None, memory, [Answer(Question(a, b, "pool"), verdict) for a, b, verdict in said], IDS, 0)


def undo(store, *chosen):
    """Undo answers by their place in the store."""
    with store.writing() as connection:
        ids = connection.execute(answer_events.select().order_by("id")).scalars().all()
        withdraw(connection, [ids[place] for place in chosen], "eva", now=0.0)


def begun(store, table, **more):
    about = {"run": "mine", "round": 1, "image_ids": IDS, "digests": DIGESTS, "overlap": 1, "people": True}
    return with_found(table, recall(store, memory=table, **{"run_uids": ("uid",), **about, **more}), 1)


def test_the_next_round_begins_without_an_undone_answer_and_keeps_what_it_cost(store):
    store.append([event(10, 20, "same"), event(20, 30, "different"), event(30, 40, "same")])
    table = memory_of((0, 1, "same"), (1, 2, "different"), (2, 3, "same"))
    undo(store, 1)
    start = begun(store, table)
    memory = read_memory(start, IDS)
    assert memory.log == [(0, 1, "same"), (2, 3, "same")]
    assert asked_so_far(start) == 3
    memory.add(0, 2, same=True)  # the round goes on, and what it adds comes after
    after = memory_table(start, memory, [Answer(Question(0, 2, "pool"), "same")], IDS, 1)
    assert read_memory(after, IDS).log == [(0, 1, "same"), (2, 3, "same"), (0, 2, "same")]
    assert asked_so_far(after) == 4
    assert all_answers(store, ("uid",), 1, table, None, IDS, 1).log == [(0, 1, "same"), (2, 3, "same")]
    assert undone_since(store, ("uid",), after, 1) == {}  # once


@pytest.mark.parametrize(
    ("given", "overlap", "in_memory", "undone", "now"),
    [
        (["same", "different", "different"], 2, "different", [1], None),  # a third is asked
        (["same", "different", "unsure"], 2, "unsure", [0], None),
        (["same", "different"], 1, "same", [0], "different"),
        (["same", "same", "different"], 1, "same", [2], "same"),
    ],
)
def test_the_answers_that_are_left_decide(store, given, overlap, in_memory, undone, now):
    store.append([event(10, 20, verdict, f"person {number}") for number, verdict in enumerate(given)])
    undo(store, *undone)
    found = undone_since(store, ("uid",), memory_of((0, 1, in_memory)), overlap)
    assert found == ({} if now == in_memory else {(10, 20): now})


def test_a_fork_forgets_what_is_undone_in_the_run_that_it_goes_on_from(store):
    store.append([event(10, 20, "same"), event(20, 30, "same")])
    table = memory_of((0, 1, "same"), (1, 2, "same"))
    undo(store, 0)
    assert read_memory(begun(store, table, run_uids=("fork", "uid")), IDS).log == [(1, 2, "same")]
    assert read_memory(begun(store, table, run_uids=("fork",)), IDS).log == [(0, 1, "same"), (1, 2, "same")]


def test_nothing_that_was_answered_in_an_audit_is_known_to_a_round(store):
    store.append([event(10, 20, "same", uid="audit-uid-names-0"), event(20, 30, "same", uid="other")])
    assert read_memory(begun(store, None), IDS).log == [(1, 2, "same")]
