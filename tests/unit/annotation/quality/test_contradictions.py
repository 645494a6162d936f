"""Verdicts on pairs, and those that cannot all be true."""

import pytest

from whosame.annotation.quality.answered_pairs import answered_pair
from whosame.annotation.quality.contradictions import PairVerdict, circles, contradictions, pair_verdicts
from whosame.annotation.queue.adjudicate import adjudicate
from whosame.annotation.queue.tasks import PairTask
from whosame.annotation.store.store import AnswerEvent

NAMES = {"s": "same", "d": "different", "u": "unsure"}


def test_verdicts_are_what_the_answers_decide_in_the_order_of_first_answers(store, clock, task_queue, says):
    task_queue(3, overlap=2)
    says("alice", "same", "same", "same")
    says("bob", "same", "different")
    adjudicate(store, "uid", 3, "chief", "unsure", now=clock)
    found = [(one.a, one.b, one.verdict, one.settled) for one in pair_verdicts(store, "uid")]
    assert found == [(0, 1, "same", False), (4, 5, "unsure", True)]
    assert pair_verdicts(store, "uid", 1) == []


def test_answers_of_reviews_files_and_other_runs_contradict_those_of_the_round(store, task_queue, says):
    task_queue(1)
    says("alice", "same")
    more = [(1, 2, "same"), (0, 2, "different")]
    store.append(
        [
            AnswerEvent("uid", "mine", 0, a, b, str(a), str(b), "pool", v, "human", "bob", 1.0, review=1)
            for a, b, v in more
        ]
    )
    found = contradictions(pair_verdicts(store, "uid"))
    assert [(one.answer.a, one.answer.b, [(pair.a, pair.b) for pair in one.chain]) for one in found] == [
        (0, 2, [(0, 1), (1, 2)])
    ]
    [circle] = circles(store, "uid", found)
    assert [link.task for link in circle] == [0, 1, 0]
    assert [[bool(token) for token in link.tokens] for link in circle] == [[True, False], [True, True], [True, False]]


@pytest.mark.parametrize(
    ("attempts", "verdict"), [("sd", "same"), ("sdd", "different"), ("sdu", "unsure"), ("ds", "different")]
)
def test_of_several_attempts_most_count_and_else_the_first(store, task_queue, says, attempts, verdict):
    for attempt, said in enumerate(attempts, 1):
        task_queue([PairTask(0, 1, "between", attempt)])
        says("alice", NAMES[said])
    [found] = pair_verdicts(store, "uid")
    assert (found.verdict, found.task) == (verdict, len(attempts))


def verdicts(said):
    """``01s 12d``: 0 and 1 are the same, 1 and 2 are not."""
    return [PairVerdict(task, int(a), int(b), NAMES[verdict]) for task, (a, b, verdict) in enumerate(said.split())]


@pytest.mark.parametrize(
    ("said", "chains"),
    [
        ("01s 12s 23s 13s 34d 56s 03d 04s", {7: [0, 3, 4], 6: [0, 3]}),  # the shortest chain, the newest answer first
        ("05d 45d 01s 12s 24d 04s", {5: [2, 3, 4]}),  # one difference and no second, though by way of 5 it were shorter
        ("01d 12d 02s 34s 45u 35d", {}),  # two differences, or an unsure, contradict nothing
    ],
)
def test_a_contradiction_comes_with_the_shortest_chain_that_says_the_opposite(said, chains):
    given = verdicts(said)
    found = contradictions(given)
    assert [one.answer.task for one in found] == list(chains)
    assert [one.chain for one in found] == [tuple(given[task] for task in chain) for chain in chains.values()]


def test_what_is_settled_is_held_against_the_others():
    said = verdicts("01s 12s")
    settled = PairVerdict(9, 0, 2, "different", settled=True)
    [found] = contradictions([*said, settled])
    assert (found.answer, set(found.chain)) == (said[1], {said[0], settled})


def test_contradictions_are_circles_until_a_coordinator_decides_otherwise(store, clock, task_queue, says):
    task_queue([(0, 1), (1, 2), (0, 2)])
    says("alice", "same", "same", "different")
    found = contradictions(pair_verdicts(store, "uid"))
    [circle] = circles(store, "uid", found)
    assert [(link.task, link.verdict) for link in circle] == [(3, "different"), (1, "same"), (2, "same")]
    assert [link.tokens for link in circle] == [answered_pair(store, "uid", task).tokens for task in (3, 1, 2)]
    adjudicate(store, "uid", 2, "chief", "different", now=clock)
    assert contradictions(pair_verdicts(store, "uid")) == []
