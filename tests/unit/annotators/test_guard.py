"""The guard: it pauses a run whose answers are wasted, a person or a command decides, and a restart forgets nothing."""

from functools import partial

import numpy as np
import pytest
from tests.unit.annotators.test_human import IDS, N, Round, eventually, within

from whosame.annotation.queue.guard import AnswersSoFar, decide_pause, given_answers, guard_state
from whosame.annotation.store.audit_log import log
from whosame.annotation.store.schema import runs
from whosame.annotators.guard import Guard, GuardOptions
from whosame.errors import StoppedError
from whosame.evaluation.candidates import CandidateRule
from whosame.questions import Question

APART = [(a, a + 3) for a in range(N - 3)]  # no two are one person
TOGETHER = [(a, a + 1) for a in range(0, N, 3)]


@pytest.fixture
def people(sqlite_store, people_of):
    return people_of(sqlite_store)


class Watched:
    """A round with a guard, and what it has said."""

    def __init__(self, people, *batches, mode="pause", answers=5, number=0, **options):
        self.people, self.said = people, []
        self.guard = Guard(
            people.store,
            "uid",
            "mine",
            number=number,
            overlap=options.get("overlap", 1),
            options=GuardOptions(mode, CandidateRule(answers=answers, confidence=0.8)),
            image_ids=IDS,
            features=np.eye(N, dtype=np.float32),
            labels=np.full(N, -1),
            say=self.said.append,
        )
        self.round = Round(people, *batches, number=number, budget=27, guard=self.guard, **options)

    def until_paused(self):
        eventually(lambda: self.guard.paused, "no pause")
        return self

    @property
    def state(self):
        with self.people.store.reading() as connection:
            return guard_state(connection, "uid")

    @property
    def figures(self):
        with self.people.store.reading() as connection:
            return AnswersSoFar.from_json(connection.scalar(runs.select().with_only_columns(runs.c.answers_so_far)))


def next_ones(watched, count, name="alice"):
    for _ in range(count):
        watched.round.next(name)


def test_wasted_answers_pause_the_run_and_a_person_goes_on(people):
    watched = Watched(people, within(*APART[:12]))
    next_ones(watched, 4)
    mine, other = watched.round.lease("alice", 2)  # leased before the pause
    watched.round.answer("alice", mine)
    watched.until_paused()
    assert watched.people.lease("bob") == []
    assert watched.people.lease("alice", 2) == [other]  # shown again, and no other beside it
    watched.round.answer("alice", other)
    assert watched.people.lease("alice") == []
    assert watched.state == "paused"
    eventually(lambda: watched.figures.different == 6, "the answer to a leased pair is not counted")
    assert watched.figures.finding.startswith("6 of 6 different: these features do not find candidates; better weights")
    [said] = watched.said
    assert said.startswith("mine: 5 of 5 different: these features do not find candidates")
    assert "kedro rounds --params=run=mine,annotator_options.guard=warn" in said
    assert decide_pause(people.store, "uid", "continue", "bob")
    next_ones(watched, 6)
    assert len(watched.round.done().answers) == 12
    assert watched.state == "continue"  # no second pause
    assert watched.said[1:] == ["mine: goes on, by decision"]
    [entry] = [entry for entry in log(people.store) if entry.action == "continued"]
    assert (entry.actor, entry.details["run_uid"]) == ("bob", "uid")


def test_candidates_that_are_found_pause_nothing(people):
    watched = Watched(people, within(*TOGETHER[:4], *APART[:8]))
    next_ones(watched, 12)
    assert len(watched.round.done().answers) == 12
    assert (watched.state, watched.said) == ("watching", [])
    found = watched.figures
    assert (found.same, found.different, found.unsure, found.expected) == (4, 8, 0, 6.0)
    assert (found.round_answers, found.round_same, found.round_changed) == (12, 4, 4)
    assert (found.auc, found.by) == (0.5, "similarity")


def test_to_stop_ends_the_loop_and_asks_again_when_it_starts_again(people):
    watched = Watched(people, within(*APART[:12]))
    next_ones(watched, 5)
    watched.until_paused()
    assert decide_pause(people.store, "uid", "stop", "alice")
    assert not decide_pause(people.store, "uid", "stop", "bob")  # one decision
    with pytest.raises(StoppedError, match="Every answer is kept") as stopped:
        watched.round.done()
    assert "kedro rounds --params=run=mine\n" in str(stopped.value)
    assert watched.people.lease("alice") == []
    again = Watched(people, within(*APART[:12])).until_paused()
    assert (again.state, again.said[0].split(":")[1]) == ("paused", " 5 of 5 different")
    decide_pause(people.store, "uid", "continue", "alice")
    next_ones(again, 7)
    assert len(again.round.done().answers) == 12
    assert len(people.store.answers("uid")) == 12


def test_a_pause_survives_a_loop_that_is_killed(people):
    watched = Watched(people, within(*APART[:12]))
    next_ones(watched, 5)
    watched.until_paused()
    assert watched.round.kill()
    again = Watched(people, within(*APART[:12])).until_paused()
    assert people.lease("alice") == []
    again.round.kill()
    # The command that the pause has printed goes on without the page.
    typed = Watched(people, within(*APART[:12]), mode="warn")
    next_ones(typed, 7)
    assert len(typed.round.done().answers) == 12
    assert typed.state == "continue"
    [said] = typed.said
    assert "different: these features do not find candidates" in said
    assert log(people.store)[0].action in ("answered", "continued")


@pytest.mark.parametrize(("mode", "lines"), [("warn", 1), ("silent", 0)])
def test_a_guard_that_does_not_pause_says_it_once_or_not_at_all(people, mode, lines):
    watched = Watched(people, within(*APART[:9]), mode=mode)
    next_ones(watched, 9)
    assert len(watched.round.done().answers) == 9
    assert (len(watched.said), watched.state) == (lines, "watching")


def test_an_answer_can_be_undone_while_the_run_is_paused(people):
    watched = Watched(people, within(*APART[:8]), grace=0.05)
    next_ones(watched, 5)
    watched.until_paused()
    again = people.undo("alice", people.last_undoable("alice"))
    watched.round.answer("alice", again, "same")
    assert watched.state == "paused"
    decide_pause(people.store, "uid", "continue")
    next_ones(watched, 3)
    assert [answer.verdict for answer in watched.round.done().answers].count("same") == 1


def test_a_round_does_not_end_while_it_is_paused(people):
    watched = Watched(people, within(*APART[:5]))
    next_ones(watched, 5)
    watched.until_paused()
    watched.round.thread.join(0.2)
    assert watched.round.thread.is_alive()
    decide_pause(people.store, "uid", "continue")
    assert len(watched.round.done().answers) == 5


def test_the_answers_of_all_rounds_count_each_pair_once(people):
    first = Watched(people, within(*APART[:3]), overlap=2)
    for name in ("alice", "bob"):
        next_ones(first, 3, name)
    first.round.done()
    second = Watched(people, within(*APART[3:9]), number=1, overlap=2)
    for name in ("alice", "bob"):
        next_ones(second, 1, name)
    eventually(lambda: second.figures.different == 4, "not counted")
    assert not second.guard.paused  # two votes are one answer
    assert second.figures.round_answers == 1
    for name in ("alice", "bob"):
        next_ones(second, 1, name)
    second.until_paused()
    second.round.kill()


def test_probabilities_of_the_strategy_come_with_the_answers(people):
    likely = [Question(a, b, "between", p_same=0.75) for a, b in (*TOGETHER[:2], *APART[:2])]
    watched = Watched(people, likely, answers=20)
    next_ones(watched, 4)
    watched.round.done()
    with people.store.reading() as connection:
        given = given_answers(connection, "uid", overlap=1)
    assert [(each.kind, each.p_same, each.verdict) for each in given] == [
        *[("between", 0.75, "same")] * 2,
        *[("between", 0.75, "different")] * 2,
    ]
    assert (watched.figures.expected, watched.figures.by, watched.figures.auc) == (3.0, "p(same)", 0.5)


def test_pairs_that_are_asked_again_count_their_answers_as_spent(people):
    watched = Watched(people, within(*APART[:5]), doubted=APART[:2], answers=7)
    next_ones(watched, 5)
    eventually(lambda: watched.figures.different == 5, "not counted")
    assert not watched.guard.paused
    next_ones(watched, 2)  # the doubted ones once more
    watched.until_paused()
    assert watched.figures.answers == 5
    with people.store.reading() as connection:
        assert [each.attempts for each in given_answers(connection, "uid", 1)] == [2, 2, 1, 1, 1]
    watched.round.kill()


def test_a_pause_that_nobody_asked_for_cannot_be_decided(people):
    watched = Watched(people, within(*APART[:2]))
    decide = partial(decide_pause, people.store, "uid")
    assert not decide("stop", "alice")
    assert not decide("continue", "alice")
    next_ones(watched, 2)
    watched.round.done()
    assert watched.state == "watching"
