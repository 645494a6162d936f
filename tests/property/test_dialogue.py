"""A conversation: what is paid, what is free, and that stopping it anywhere changes nothing."""

import contextlib
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosame.annotators.dialogue import PATIENCE, converse
from whosame.annotators.oracle import NoisyOracle, Oracle
from whosame.memory import LabelMemory
from whosame.strategies.base import Answer, Question

N = 12


class PowerCutError(Exception):
    pass


@dataclass
class Notebook:
    """A record in memory that may fail at an answer."""

    kept: list = field(default_factory=list)
    fails_at: int = -1

    def find(self, questions):
        asked = {(question.a, question.b): question for question in questions}
        pairs = [(answer, (answer.question.a, answer.question.b)) for answer in self.kept]
        return [
            Answer(asked[pair], answer.verdict, "memory", answer.annotator) for answer, pair in pairs if pair in asked
        ]

    def commit(self, answers):
        if len(self.kept) == self.fails_at:
            raise PowerCutError
        self.kept += answers


class Curious:
    """A session whose next batch depends on all it was told; it may ask the same, or what is settled, again."""

    def __init__(self, seed, batches, size):
        self.generator, self.batches, self.size = np.random.default_rng(seed), batches, size
        self.told = []

    def ask(self):
        if self.batches == 0:
            return []
        self.batches -= 1
        said = sum(len(answer.verdict) for answer in self.told)
        pairs = [np.sort(self.generator.choice(N, 2, replace=False)) for _ in range(self.size + said % 3)]
        return [Question(int(a), int(b), "within") for a, b in pairs]

    def tell(self, answers):
        self.told += answers


class OnTheTable(Oracle):
    """People who begin at the end, with all questions on the table before any answer is known."""

    name = "people"

    def answer(self, questions, settled):
        on_the_table = [question for question in questions if not settled(question)]
        for question in reversed(on_the_table):
            yield Answer(question, self.verdict(question), "human", self.name)


def talk(case, record):
    session = Curious(case["seed"], case["batches"], case["size"])
    memory = LabelMemory.from_log(*zip(*case["before"], strict=True)) if case["before"] else LabelMemory()
    identities = np.array(case["identities"])
    annotator = {
        "oracle": Oracle(identities),
        "noisy": NoisyOracle(identities, dict.fromkeys(("within", "between", "pool"), 0.3), seed=case["seed"]),
        "people": OnTheTable(identities),
    }[case["annotator"]]
    said = converse(session, session.ask(), annotator, memory, budget=case["budget"], record=record)
    assert session.told == said.answers
    return said


cases = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 999),
        "batches": st.integers(1, 6),
        "size": st.integers(0, 8),
        "budget": st.integers(0, 25),
        "identities": st.lists(st.sampled_from([-1, 0, 1, 1, 2, 2, 3]), min_size=N, max_size=N),
        "before": st.sampled_from([[], [(0, 1, "same"), (1, 2, "different"), (3, 4, "unsure")]]),
        "annotator": st.sampled_from(["oracle", "noisy"]),
    }
)
stops = st.lists(st.integers(0, 6), max_size=4)


def talk_with_stops(case, stops):
    """Stop after so many more answers each time, then talk to the end."""
    record = Notebook()
    for more in stops:
        record.fails_at = len(record.kept) + more
        with contextlib.suppress(PowerCutError):
            talk(case, record)
    record.fails_at = -1
    return talk(case, record), record


@given(cases, st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_account_adds_up(case, people):
    case = {**case, "annotator": "people"} if people else case
    record = Notebook()
    said = talk(case, record)
    paid = [answer for answer in said.answers if answer.source != "closure"]
    pairs = [(answer.question.a, answer.question.b) for answer in said.answers]
    assert said.asked == len(paid) == len(record.kept) <= case["budget"]
    assert said.free == len(said.answers) - len(paid)
    assert len(set(pairs)) == len(pairs)  # nothing is asked or told twice
    assert not {(a, b) for a, b, _ in case["before"]} & set(pairs)
    assert said.found == 0
    in_order = [(answer.question.a, answer.question.b, answer.verdict) for answer in record.kept]
    assert said.memory.log == case["before"] + in_order
    assert said.conflicts == len(said.memory.conflicts)


@given(cases)
@settings(max_examples=100, deadline=None)
def test_no_question_is_paid_that_earlier_answers_decide(case):
    record = Notebook()
    said = talk(case, record)
    known = LabelMemory.from_log(*zip(*case["before"], strict=True)) if case["before"] else LabelMemory()
    for answer in record.kept:
        a, b = answer.question.a, answer.question.b
        assert not known.settled(a, b)
        if answer.verdict == "unsure":
            known.skip(a, b)
        else:
            known.add(a, b, answer.verdict == "same")
    for answer in said.answers:
        if answer.source == "closure":
            assert known.implied(answer.question.a, answer.question.b) == (answer.verdict == "same")
    assert said.conflicts == 0


@given(cases, stops)
@settings(max_examples=200, deadline=None)
def test_stopping_anywhere_and_going_on_changes_nothing(case, stops):
    whole, whole_record = talk_with_stops(case, [])
    resumed, record = talk_with_stops(case, stops)
    assert [(a.question, a.verdict) for a in resumed.answers] == [(a.question, a.verdict) for a in whole.answers]
    assert [a.source == "closure" for a in resumed.answers] == [a.source == "closure" for a in whole.answers]
    assert resumed.memory.log == whole.memory.log
    assert resumed.memory.conflicts == whole.memory.conflicts
    assert (resumed.asked, resumed.free, resumed.repeated) == (whole.asked, whole.free, whole.repeated)
    assert record.kept == whole_record.kept  # and nothing was asked twice
    again = talk(case, record)
    assert again.found == again.asked == whole.asked


@given(cases, stops)
@settings(max_examples=100, deadline=None)
def test_people_who_answer_in_their_own_order_lose_nothing_by_a_stop(case, stops):
    said, record = talk_with_stops({**case, "annotator": "people"}, stops)
    pairs = [(answer.question.a, answer.question.b) for answer in record.kept]
    assert len(set(pairs)) == len(pairs) == said.asked <= case["budget"]
    assert said.memory.log == case["before"] + [
        (answer.question.a, answer.question.b, answer.verdict) for answer in record.kept
    ]


class Script:
    """A session that asks given batches."""

    def __init__(self, *batches):
        self.batches, self.told = list(batches), []

    def ask(self):
        return self.batches.pop(0) if self.batches else []

    def tell(self, answers):
        self.told.append(answers)


def within(*pairs):
    return [Question(a, b, "within") for a, b in pairs]


def summary(answers):
    return [(answer.question.a, answer.question.b, answer.verdict, answer.source) for answer in answers]


ORACLE = Oracle(np.array([1, 1, 1, 2, 2, -1]))


def test_closure_answers_are_free_and_told_in_their_place():
    session = Script(within((0, 1), (1, 2), (0, 2), (2, 3), (0, 3)))
    said = converse(session, session.ask(), ORACLE, LabelMemory(), budget=10, record=Notebook())
    assert summary(session.told[0]) == [
        (0, 1, "same", "oracle"),
        (1, 2, "same", "oracle"),
        (0, 2, "same", "closure"),
        (2, 3, "different", "oracle"),
        (0, 3, "different", "closure"),
    ]
    assert (said.asked, said.free, said.repeated) == (3, 2, 0)


def test_a_settled_question_leaves_its_money_to_the_next():
    session = Script(within((0, 1), (1, 2), (0, 2), (2, 3), (3, 4)), within((0, 4)))
    said = converse(session, session.ask(), ORACLE, LabelMemory(), budget=3, record=Notebook())
    assert said.asked == 3
    assert summary(session.told[0])[-1] == (2, 3, "different", "oracle")
    assert len(session.told) == 1  # the budget is spent: no second batch


def test_a_pair_asked_again_is_neither_asked_nor_told_again():
    memory = LabelMemory.from_log([0], [1], ["same"])
    session = Script(within((0, 1), (1, 2), (1, 2)), within((1, 2), (0, 2), (0, 5)), within((0, 5), (0, 2)))
    said = converse(session, session.ask(), ORACLE, memory, budget=9, record=Notebook())
    assert [summary(told) for told in session.told] == [
        [(1, 2, "same", "oracle")],
        [(0, 2, "same", "closure"), (0, 5, "unsure", "oracle")],
        [],
    ]
    assert (said.asked, said.free, said.repeated) == (2, 1, 5)
    assert len(memory) == 1  # the memory given is not changed
    assert said.memory.settled(0, 5)


def test_an_answer_is_on_disk_before_the_memory_the_session_or_the_next_question_sees_it():
    happened = []

    class Watched(Oracle):
        def answer(self, questions, settled):
            self.settled = settled
            return super().answer(questions, settled)

        def verdict(self, question):
            happened.append(("asked", question))
            return super().verdict(question)

    annotator = Watched(np.array([1, 1, 2, 2]))

    class Loud(Notebook):
        def commit(self, answers):
            (answer,) = answers
            happened.append(("kept", answer.question))
            assert not annotator.settled(answer.question)  # the memory does not know it yet
            super().commit(answers)

    first, second = within((0, 1), (2, 3))
    session = Script([first, second])
    session.tell = lambda _: happened.append(("told", None))
    converse(session, session.ask(), annotator, LabelMemory(), budget=2, record=Loud())
    assert happened == [("asked", first), ("kept", first), ("asked", second), ("kept", second), ("told", None)]


def test_contradictions_are_kept_and_the_earlier_answers_stand():
    class Contrary(OnTheTable):
        def verdict(self, question):
            return "different" if (question.a, question.b) == (0, 2) else "same"

    session, record = Script(within((0, 2), (1, 2), (0, 1))), Notebook()
    said = converse(session, session.ask(), Contrary(np.arange(3)), LabelMemory(), budget=3, record=record)
    assert (said.asked, said.conflicts) == (3, 1)
    assert said.memory.conflicts == [(0, 2, False)]
    assert said.memory.implied(0, 2) is True
    assert summary(said.answers)[0] == (0, 2, "different", "human")  # the session hears what was said


def test_no_budget_asks_nobody():
    session = Script(within((0, 1)))
    said = converse(session, session.ask(), ORACLE, LabelMemory(), budget=0, record=Notebook())
    assert (said.answers, said.asked) == ([], 0)


def test_an_annotator_that_answers_what_it_was_not_asked():
    class Chatty(Oracle):
        def answer(self, questions, settled):
            yield Answer(Question(0, 2, "within"), "same")

    session = Script(within((0, 1)))
    with pytest.raises(RuntimeError, match="which it was not asked"):
        converse(session, session.ask(), Chatty(np.arange(3)), LabelMemory(), budget=5, record=Notebook())


def test_a_session_that_asks_the_same_for_ever_is_stopped():
    session = Script(*[within((0, 1))] * (PATIENCE + 5))
    with pytest.raises(RuntimeError, match="Script asked 100 batches of pairs that were all settled"):
        converse(session, session.ask(), ORACLE, LabelMemory(), budget=5, record=Notebook())


def test_a_session_may_go_on_after_a_batch_that_nobody_answered():
    session = Script(within((0, 1)), within((0, 1)), within((3, 4)))
    said = converse(session, session.ask(), ORACLE, LabelMemory(), budget=5, record=Notebook())
    assert said.asked == 2
