"""The query loop: which questions are paid, free, or asked again, and that stopping it anywhere changes nothing."""

import contextlib
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosame.annotators.base import answers_about_copies
from whosame.annotators.oracle import NoisyOracle, Oracle
from whosame.annotators.query_loop import MAX_FRUITLESS, run_queries
from whosame.memory import LabelMemory
from whosame.questions import Answer, Question
from whosame.seeding import stream

N = 12


class PowerCutError(Exception):
    pass


def attempt(question):
    return question.a, question.b, question.attempt


@dataclass
class Notebook:
    """A record in memory that may fail at an answer."""

    kept: list = field(default_factory=list)
    fails_at: int = -1

    def find(self, questions):
        asked = {attempt(question): question for question in questions}
        found = [answer for answer in self.kept if attempt(answer.question) in asked]
        return [replace(answer, question=asked[attempt(answer.question)], source="memory") for answer in found]

    def commit(self, answers):
        if len(self.kept) == self.fails_at:
            raise PowerCutError
        self.kept += answers


class Curious:
    """A session whose next batch depends on all answers before; it may ask answered or settled pairs again."""

    def __init__(self, seed, batches, size):
        self.generator, self.batches, self.size = np.random.default_rng(seed), batches, size
        self.told = []

    def ask(self):
        if self.batches == 0:
            return []
        self.batches -= 1
        letters = sum(len(answer.verdict) for answer in self.told)
        pairs = [np.sort(self.generator.choice(N, 2, replace=False)) for _ in range(self.size + letters % 3)]
        return [Question(int(a), int(b), "within") for a, b in pairs]

    def tell(self, answers):
        self.told += answers


class Doubtful(Curious):
    """Doubts two of three answers; which ones depends on all answers before."""

    def __init__(self, *args):
        super().__init__(*args)
        self.looked, self.doubted = [], set()

    def should_reask(self, answer):
        pair = answer.question.a, answer.question.b
        self.looked.append(pair)
        doubted = (sum(pair) + len(answer.verdict) + len(self.told)) % 3 > 0
        self.doubted |= {pair} if doubted else set()
        return doubted


class Fickle(Oracle):
    """Answers at random, each attempt independently."""

    def verdict(self, question):
        return str(stream(0, *attempt(question)).choice(["same", "different", "unsure"]))


class Backwards(Oracle):
    """People who begin with the last question, all questions open before any answer is known."""

    name = "people"

    def answer(self, questions, settled):
        for question in reversed([question for question in questions if not settled(question)]):
            yield Answer(question, self.verdict(question), "human", self.name)


def ask(session, annotator, *, budget=20, memory=None, record=None):
    """Run the query loop from the session's first batch."""
    memory = LabelMemory() if memory is None else memory
    return run_queries(session, session.ask(), annotator, memory, budget=budget, record=record or Notebook())


def begin(case):
    return (Doubtful if case["doubts"] else Curious)(case["seed"], case["batches"], case["size"])


def run(case, record, session=None):
    session = session or begin(case)
    memory = LabelMemory.from_log(*zip(*case["before"], strict=True)) if case["before"] else LabelMemory()
    identities = np.array(case["identities"])
    annotator = {
        "oracle": Oracle(identities, seconds=1.5),
        "fickle": Fickle(identities, seconds=1.5),
        "noisy": NoisyOracle(identities, dict.fromkeys(("within", "between", "pool"), 0.3), seed=case["seed"]),
        "people": Backwards(identities),
    }[case["annotator"]]
    result = ask(session, annotator, budget=case["budget"], memory=memory, record=record)
    assert session.told == result.answers
    return result


cases = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 999),
        "batches": st.integers(1, 6),
        "size": st.integers(0, 8),
        "budget": st.integers(0, 25),
        "identities": st.lists(st.sampled_from([-1, 0, 1, 1, 2, 2, 3]), min_size=N, max_size=N),
        "before": st.sampled_from([[], [(0, 1, "same"), (1, 2, "different"), (3, 4, "unsure")]]),
        "annotator": st.sampled_from(["oracle", "noisy", "fickle"]),
        "doubts": st.booleans(),
    }
)
trusting = cases.map(lambda case: {**case, "doubts": False})
doubtful = cases.map(lambda case: {**case, "doubts": True})
stops = st.lists(st.integers(0, 6), max_size=4)


def outcome(answer):
    return replace(answer, source="closure" if answer.source == "closure" else "paid")


def run_with_stops(case, stops):
    """Stop after so many more answers each time, then run to the end."""
    record = Notebook()
    for more in stops:
        record.fails_at = len(record.kept) + more
        with contextlib.suppress(PowerCutError):
            run(case, record)
    record.fails_at = -1
    return run(case, record), record


@given(cases, st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_counts_add_up(case, people):
    case = {**case, "annotator": "people"} if people else case
    record = Notebook()
    result = run(case, record)
    paid = [answer for answer in result.answers if answer.source != "closure"]
    pairs = [(answer.question.a, answer.question.b) for answer in result.answers]
    assert result.asked == sum(answer.asked for answer in paid) == len(record.kept) <= case["budget"]
    assert result.reasked == result.asked - len(paid)
    assert case["doubts"] or result.reasked == result.overturned == 0
    assert result.free == len(result.answers) - len(paid)
    assert len(set(pairs)) == len(pairs)  # none is asked or given twice
    assert not {(a, b) for a, b, _ in case["before"]} & set(pairs)
    assert result.found == 0
    accepted = [(answer.question.a, answer.question.b, answer.verdict) for answer in paid]
    assert result.memory.log[: len(case["before"])] == case["before"]
    assert sorted(result.memory.log) == sorted(case["before"] + accepted)
    if not case["doubts"]:
        in_order = [(answer.question.a, answer.question.b, answer.verdict) for answer in record.kept]
        assert result.memory.log == case["before"] + in_order
    assert result.conflicts == len(result.memory.conflicts)


@given(trusting)
@settings(max_examples=100, deadline=None)
def test_no_question_is_paid_that_earlier_answers_decide(case):
    record = Notebook()
    result = run(case, record)
    known = LabelMemory.from_log(*zip(*case["before"], strict=True)) if case["before"] else LabelMemory()
    for answer in record.kept:
        a, b = answer.question.a, answer.question.b
        assert not known.settled(a, b)
        if answer.verdict == "unsure":
            known.skip(a, b)
        else:
            known.add(a, b, answer.verdict == "same")
    for answer in result.answers:
        if answer.source == "closure":
            assert known.implied(answer.question.a, answer.question.b) == (answer.verdict == "same")
    assert result.conflicts == 0


@given(doubtful, st.booleans())
@settings(max_examples=200, deadline=None)
def test_accepted_verdicts_follow_from_the_answers(case, people):
    case = {**case, "annotator": "people"} if people else case
    record, session = Notebook(), begin(case)
    result = run(case, record, session)
    paid = {(answer.question.a, answer.question.b): answer for answer in result.answers if answer.source != "closure"}
    assert sorted(session.looked) == sorted(paid)  # once each
    for pair, answer in paid.items():
        votes = [vote for vote in record.kept if attempt(vote.question)[:2] == pair]
        verdicts = [vote.verdict for vote in votes]
        assert [vote.question.attempt for vote in votes] == [1, 2, 3][: answer.asked]
        assert answer.question.attempt == 1
        assert answer.seconds == sum(vote.seconds for vote in votes)
        assert answer.overturned == (answer.verdict != verdicts[0])
        most, times = Counter(verdicts).most_common(1)[0]
        if pair not in session.doubted:
            assert [answer.verdict] == verdicts
        elif times > 1 or len(votes) == 3:
            assert answer.verdict == (most if times > 1 else "unsure")
            assert len(votes) == 2 or verdicts[0] != verdicts[1]  # no third where two agree
        else:
            implied = {True: "same", False: "different", None: None}[result.memory.implied(*pair)]
            assert (answer.verdict == verdicts[0] and result.asked == case["budget"]) or answer.verdict == implied
    if not people:
        assert result.conflicts == 0


@given(cases, stops)
@settings(max_examples=200, deadline=None)
def test_stopping_anywhere_and_going_on_changes_nothing(case, stops):
    whole, whole_record = run_with_stops(case, [])
    resumed, record = run_with_stops(case, stops)
    assert list(map(outcome, resumed.answers)) == list(map(outcome, whole.answers))
    assert resumed.memory.log == whole.memory.log
    assert resumed.memory.conflicts == whole.memory.conflicts
    assert replace(resumed, found=0, answers=[], memory=None) == replace(whole, answers=[], memory=None)
    assert record.kept == whole_record.kept  # and nothing was asked twice
    again = run(case, record)
    assert again.found == again.asked == whole.asked


@given(cases, stops)
@settings(max_examples=100, deadline=None)
def test_answers_given_in_another_order_survive_a_stop(case, stops):
    result, record = run_with_stops({**case, "annotator": "people"}, stops)
    attempts = [attempt(answer.question) for answer in record.kept]
    assert len(set(attempts)) == len(attempts) == result.asked <= case["budget"]
    assert case["doubts"] or result.memory.log == case["before"] + [
        (answer.question.a, answer.question.b, answer.verdict) for answer in record.kept
    ]


class Script:
    """A session that asks given batches and doubts the first answers to given pairs."""

    def __init__(self, *batches, doubted=()):
        self.batches, self.doubted, self.told = [list(batch) for batch in batches], doubted, []

    def ask(self):
        return self.batches.pop(0) if self.batches else []

    def tell(self, answers):
        self.told.append(answers)

    def should_reask(self, answer):
        assert answer.question.attempt == 1
        return (answer.question.a, answer.question.b) in self.doubted


def within(*pairs):
    return [Question(a, b, "within") for a, b in pairs]


def summary(answers):
    return [(answer.question.a, answer.question.b, answer.verdict, answer.source) for answer in answers]


ORACLE = Oracle(np.array([1, 1, 1, 2, 2, -1]))


def test_closure_answers_are_free_and_in_their_place():
    session = Script(within((0, 1), (1, 2), (0, 2), (2, 3), (0, 3), (3, 4)), within((0, 4)))
    result = ask(session, ORACLE, budget=3)
    assert [summary(told) for told in session.told] == [  # the budget is spent: no second batch
        [
            (0, 1, "same", "oracle"),
            (1, 2, "same", "oracle"),
            (0, 2, "same", "closure"),
            (2, 3, "different", "oracle"),
            (0, 3, "different", "closure"),
        ]
    ]
    assert (result.asked, result.free, result.repeated) == (3, 2, 0)


def test_a_repeated_pair_is_neither_asked_nor_answered_again():
    memory = LabelMemory.from_log([0], [1], ["same"])
    session = Script(
        within((0, 1), (1, 2), (1, 2)), within((1, 2), (0, 2), (0, 5)), within((0, 5), (0, 2)), within((3, 4))
    )
    result = ask(session, ORACLE, budget=9, memory=memory)
    assert [summary(told) for told in session.told] == [
        [(1, 2, "same", "oracle")],
        [(0, 2, "same", "closure"), (0, 5, "unsure", "oracle")],
        [],
        [(3, 4, "same", "oracle")],  # the session goes on after a batch without answers
    ]
    assert (result.asked, result.free, result.repeated) == (3, 1, 5)
    assert len(memory) == 1  # the memory given is not changed
    assert result.memory.settled(0, 5)


def test_an_answer_is_recorded_before_the_memory_the_session_or_the_next_question_has_it():
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
    ask(session, annotator, budget=2, record=Loud())
    assert happened == [("asked", first), ("kept", first), ("asked", second), ("kept", second), ("told", None)]


def test_contradictions_are_kept_and_the_earlier_answers_stay_valid():
    class Contrary(Backwards):
        def verdict(self, question):
            return "different" if (question.a, question.b) == (0, 2) else "same"

    session, record = Script(within((0, 2), (1, 2), (0, 1))), Notebook()
    result = ask(session, Contrary(np.arange(3)), budget=3, record=record)
    assert (result.asked, result.conflicts) == (3, 1)
    assert result.memory.conflicts == [(0, 2, False)]
    assert result.memory.implied(0, 2) is True
    assert summary(result.answers)[0] == (0, 2, "different", "human")  # the session gets it as it was given


def test_a_session_that_asks_the_same_for_ever_is_stopped():
    session = Script(*[within((0, 1))] * (MAX_FRUITLESS + 5))
    with pytest.raises(RuntimeError, match="Script asked 100 batches of pairs that were all settled"):
        ask(session, ORACLE, budget=5)


class Saying(Oracle):
    """Gives the listed answers to each pair, one an attempt; the first takes one second, the second two, …"""

    name = "saying"

    def __init__(self, given):
        self.given = given

    def answer(self, questions, settled):
        for question in questions:
            if not settled(question):
                verdict = self.given[question.a, question.b][question.attempt - 1]
                yield Answer(question, verdict, "human", f"person {question.attempt}", float(question.attempt))


def doubt(given, *batches, doubted=None, budget=20, record=None):
    """Run a session that doubts the answers to these pairs, by default to every pair."""
    session = Script(*batches, doubted=given if doubted is None else doubted)
    return session, ask(session, Saying(given), budget=budget, record=record)


def fates(told):
    return [(answer.verdict, answer.asked, answer.overturned) for answer in told]


def test_two_of_three_attempts_decide():
    given = {
        (0, 1): ["same", "different", "different"],
        (2, 3): ["same", "same"],
        (4, 5): ["different"],
        (6, 7): ["unsure", "same", "unsure"],
        (8, 9): ["same", "different", "unsure"],
    }
    session, result = doubt(given, within(*given), doubted=set(given) - {(4, 5)})
    (told,) = session.told
    assert told == [
        Answer(Question(0, 1, "within"), "different", "human", "person 3", 6.0, asked=3, overturned=True),
        Answer(Question(2, 3, "within"), "same", "human", "person 2", 3.0, asked=2),
        Answer(Question(4, 5, "within"), "different", "human", "person 1", 1.0),
        Answer(Question(6, 7, "within"), "unsure", "human", "person 3", 6.0, asked=3),
        Answer(Question(8, 9, "within"), "unsure", "human", "person 3", 6.0, asked=3, overturned=True),
    ]
    assert (result.asked, result.reasked, result.overturned, result.conflicts) == (12, 7, 2, 0)
    assert [pair[:2] for pair in result.memory.log] == [(4, 5), (2, 3), (0, 1), (6, 7), (8, 9)]  # as they were accepted


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (2, [("same", 1, False), ("different", 1, False)]),
        (4, [("same", 2, False), ("different", 2, False)]),
        (5, [("different", 3, True), ("different", 2, False)]),
    ],
)
def test_where_the_budget_ends_the_first_answer_is_accepted(budget, expected):
    given = {(0, 1): ["same", "different", "different"], (2, 3): ["different", "same", "same"]}
    session, result = doubt(given, within(*given), within((4, 5)), budget=budget)
    assert fates(result.answers) == expected
    assert result.answers[0].annotator == ("person 1" if budget < 5 else "person 3")
    assert len(session.told) == 1


def test_nothing_follows_from_an_answer_while_it_is_doubted():
    given = {(0, 1): ["different"], (1, 2): ["same"], (0, 2): ["same"]}
    session, result = doubt(given, within(*given), doubted={(0, 1)})
    # Accepted, the first two would have implied "different" for the third, for free. It was asked, and decides the first.
    assert [answer.source for answer in session.told[0]] == ["human"] * 3
    assert fates(session.told[0]) == [("same", 1, True), ("same", 1, False), ("same", 1, False)]
    assert (result.asked, result.free, result.reasked, result.overturned, result.conflicts) == (3, 0, 0, 1, 0)
    assert result.memory.log == [(1, 2, "same"), (0, 2, "same"), (0, 1, "same")]


def test_a_pair_that_a_confirmed_answer_settles_is_not_asked_again():
    given = {(0, 1): ["same", "same"], (1, 2): ["different"], (0, 2): ["same", "same"], (3, 4): ["same", "same"]}
    record = Notebook()
    _, result = doubt(given, within(*given), doubted={(0, 1), (0, 2), (3, 4)}, record=record)
    # (0, 1), asked again, is "same"; with (1, 2) it decides (0, 2), and the next is asked.
    assert [attempt(answer.question) for answer in record.kept[4:]] == [(0, 1, 2), (3, 4, 2)]
    assert fates(result.answers) == [
        ("same", 2, False),
        ("different", 1, False),
        ("different", 1, True),
        ("same", 2, False),
    ]


def test_a_second_answer_that_never_comes_leaves_the_first():
    asked = []

    class Leaving(Saying):
        def answer(self, questions, settled):
            asked.extend(map(attempt, questions))
            return super().answer([question for question in questions if question.attempt == 1], settled)

    session = Script(within((0, 1)), within((2, 3)), doubted={(0, 1)})
    people = Leaving({(0, 1): ["same"], (2, 3): ["same"]})
    result = ask(session, people, budget=9)
    assert fates(result.answers) == [("same", 1, False), ("same", 1, False)]
    assert asked == [(0, 1, 1), (0, 1, 2), (2, 3, 1)]


def test_an_annotator_that_answers_what_it_was_not_asked():
    class Other(Oracle):
        def answer(self, questions, settled):
            yield Answer(Question(0, 2, "within"), "same")

    class ForgetsTheAttempt(Oracle):
        def answer(self, questions, settled):
            for question in questions:
                yield Answer(Question(question.a, question.b, "within"), "same")

    for annotator, what in ((Other, ""), (ForgetsTheAttempt, r".*attempt=1,.*")):
        session = Script(within((0, 1)), doubted={(0, 1)})
        with pytest.raises(RuntimeError, match=f"oracle answered {what}.*which it was not asked"):
            ask(session, annotator(np.arange(3)), budget=5)


class Sighted(Notebook):
    """A record that knows which files have the same bytes: rows 0 and 1, 2 and 3, …"""

    def find(self, questions):
        free = answers_about_copies(questions, [str(row // 2) for row in range(N)])
        return free + super().find([question for question in questions if question.a // 2 != question.b // 2])


@settings(deadline=None)
@given(cases)
def test_questions_about_files_of_the_same_bytes_are_free(case):
    result = run(case, Sighted())
    paid = [answer for answer in result.answers if answer.source != "closure"]
    assert all(answer.question.a // 2 != answer.question.b // 2 for answer in paid)
    assert result.asked == sum(answer.asked for answer in paid) <= case["budget"]
    assert result.free == len(result.answers) - len(paid)
    assert result.reasked == sum(answer.attempts - 1 for answer in paid)
    seen = {(answer.question.a, answer.question.b) for answer in result.answers if answer.annotator == "bytes"}
    assert seen <= {(a, b) for a, b, verdict in result.memory.log if verdict == "same"}


def test_what_the_bytes_say_is_neither_charged_nor_doubted_nor_kept():
    questions = [Question(0, 1, "within"), Question(0, 2, "within"), Question(1, 2, "within")]

    class Once(Doubtful):
        def ask(self):
            return questions if not self.told else []

        def should_reask(self, answer):
            assert answer.source != "closure"
            return False

    record = Sighted()
    result = ask(Once(0, 1, 3), Oracle(np.arange(N)), budget=1, record=record)
    assert [(answer.verdict, answer.source) for answer in result.answers] == [
        ("same", "closure"),
        ("different", "oracle"),
        ("different", "closure"),  # it follows from the other two
    ]
    assert (result.asked, result.free, result.found, result.reasked) == (1, 2, 0, 0)
    assert result.memory.log == [(0, 1, "same"), (0, 2, "different")]
    assert [attempt(answer.question) for answer in record.kept] == [(0, 2, 1)]
