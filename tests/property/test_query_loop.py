"""A conversation: what is paid, free, or put again, and that stopping it anywhere changes nothing."""

import contextlib
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


class Doubtful(Curious):
    """Doubts two of three answers, and which depends on all it was told."""

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
    """Says anything, at every attempt anew."""

    def verdict(self, question):
        return str(stream(0, *attempt(question)).choice(["same", "different", "unsure"]))


class OnTheTable(Oracle):
    """People who begin at the end, with all questions on the table before any answer is known."""

    name = "people"

    def answer(self, questions, settled):
        on_the_table = [question for question in questions if not settled(question)]
        for question in reversed(on_the_table):
            yield Answer(question, self.verdict(question), "human", self.name)


def begin(case):
    return (Doubtful if case["doubts"] else Curious)(case["seed"], case["batches"], case["size"])


def talk(case, record, session=None):
    session = session or begin(case)
    memory = LabelMemory.from_log(*zip(*case["before"], strict=True)) if case["before"] else LabelMemory()
    identities = np.array(case["identities"])
    annotator = {
        "oracle": Oracle(identities, seconds=1.5),
        "fickle": Fickle(identities, seconds=1.5),
        "noisy": NoisyOracle(identities, dict.fromkeys(("within", "between", "pool"), 0.3), seed=case["seed"]),
        "people": OnTheTable(identities),
    }[case["annotator"]]
    said = run_queries(session, session.ask(), annotator, memory, budget=case["budget"], record=record)
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
        "annotator": st.sampled_from(["oracle", "noisy", "fickle"]),
        "doubts": st.booleans(),
    }
)
trusting = cases.map(lambda case: {**case, "doubts": False})
doubtful = cases.map(lambda case: {**case, "doubts": True})
stops = st.lists(st.integers(0, 6), max_size=4)


def outcome(answer):
    return replace(answer, source="closure" if answer.source == "closure" else "paid")


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
    assert said.asked == sum(answer.asked for answer in paid) == len(record.kept) <= case["budget"]
    assert said.reasked == said.asked - len(paid)
    assert case["doubts"] or said.reasked == said.overturned == 0
    assert said.free == len(said.answers) - len(paid)
    assert len(set(pairs)) == len(pairs)  # nothing is asked or told twice
    assert not {(a, b) for a, b, _ in case["before"]} & set(pairs)
    assert said.found == 0
    believed = [(answer.question.a, answer.question.b, answer.verdict) for answer in paid]
    assert said.memory.log[: len(case["before"])] == case["before"]
    assert sorted(said.memory.log) == sorted(case["before"] + believed)
    if not case["doubts"]:
        in_order = [(answer.question.a, answer.question.b, answer.verdict) for answer in record.kept]
        assert said.memory.log == case["before"] + in_order
    assert said.conflicts == len(said.memory.conflicts)


@given(trusting)
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


@given(doubtful, st.booleans())
@settings(max_examples=200, deadline=None)
def test_what_is_believed_follows_from_what_was_said(case, people):
    case = {**case, "annotator": "people"} if people else case
    record, session = Notebook(), begin(case)
    said = talk(case, record, session)
    paid = {(answer.question.a, answer.question.b): answer for answer in said.answers if answer.source != "closure"}
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
            implied = {True: "same", False: "different", None: None}[said.memory.implied(*pair)]
            assert (answer.verdict == verdicts[0] and said.asked == case["budget"]) or answer.verdict == implied
    if not people:
        assert said.conflicts == 0


@given(cases, stops)
@settings(max_examples=200, deadline=None)
def test_stopping_anywhere_and_going_on_changes_nothing(case, stops):
    whole, whole_record = talk_with_stops(case, [])
    resumed, record = talk_with_stops(case, stops)
    assert list(map(outcome, resumed.answers)) == list(map(outcome, whole.answers))
    assert resumed.memory.log == whole.memory.log
    assert resumed.memory.conflicts == whole.memory.conflicts
    assert replace(resumed, found=0, answers=[], memory=None) == replace(whole, answers=[], memory=None)
    assert record.kept == whole_record.kept  # and nothing was asked twice
    again = talk(case, record)
    assert again.found == again.asked == whole.asked


@given(cases, stops)
@settings(max_examples=100, deadline=None)
def test_people_who_answer_in_their_own_order_lose_nothing_by_a_stop(case, stops):
    said, record = talk_with_stops({**case, "annotator": "people"}, stops)
    attempts = [attempt(answer.question) for answer in record.kept]
    assert len(set(attempts)) == len(attempts) == said.asked <= case["budget"]
    assert case["doubts"] or said.memory.log == case["before"] + [
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
    said = run_queries(session, session.ask(), ORACLE, LabelMemory(), budget=10, record=Notebook())
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
    said = run_queries(session, session.ask(), ORACLE, LabelMemory(), budget=3, record=Notebook())
    assert said.asked == 3
    assert summary(session.told[0])[-1] == (2, 3, "different", "oracle")
    assert len(session.told) == 1  # the budget is spent: no second batch


def test_a_pair_asked_again_is_neither_asked_nor_told_again():
    memory = LabelMemory.from_log([0], [1], ["same"])
    session = Script(within((0, 1), (1, 2), (1, 2)), within((1, 2), (0, 2), (0, 5)), within((0, 5), (0, 2)))
    said = run_queries(session, session.ask(), ORACLE, memory, budget=9, record=Notebook())
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
    run_queries(session, session.ask(), annotator, LabelMemory(), budget=2, record=Loud())
    assert happened == [("asked", first), ("kept", first), ("asked", second), ("kept", second), ("told", None)]


def test_contradictions_are_kept_and_the_earlier_answers_stand():
    class Contrary(OnTheTable):
        def verdict(self, question):
            return "different" if (question.a, question.b) == (0, 2) else "same"

    session, record = Script(within((0, 2), (1, 2), (0, 1))), Notebook()
    said = run_queries(session, session.ask(), Contrary(np.arange(3)), LabelMemory(), budget=3, record=record)
    assert (said.asked, said.conflicts) == (3, 1)
    assert said.memory.conflicts == [(0, 2, False)]
    assert said.memory.implied(0, 2) is True
    assert summary(said.answers)[0] == (0, 2, "different", "human")  # the session hears what was said


def test_no_budget_asks_nobody():
    session = Script(within((0, 1)))
    said = run_queries(session, session.ask(), ORACLE, LabelMemory(), budget=0, record=Notebook())
    assert (said.answers, said.asked) == ([], 0)


def test_an_annotator_that_answers_what_it_was_not_asked():
    class Chatty(Oracle):
        def answer(self, questions, settled):
            yield Answer(Question(0, 2, "within"), "same")

    session = Script(within((0, 1)))
    with pytest.raises(RuntimeError, match="which it was not asked"):
        run_queries(session, session.ask(), Chatty(np.arange(3)), LabelMemory(), budget=5, record=Notebook())


def test_a_session_that_asks_the_same_for_ever_is_stopped():
    session = Script(*[within((0, 1))] * (MAX_FRUITLESS + 5))
    with pytest.raises(RuntimeError, match="Script asked 100 batches of pairs that were all settled"):
        run_queries(session, session.ask(), ORACLE, LabelMemory(), budget=5, record=Notebook())


def test_a_session_may_go_on_after_a_batch_that_nobody_answered():
    session = Script(within((0, 1)), within((0, 1)), within((3, 4)))
    said = run_queries(session, session.ask(), ORACLE, LabelMemory(), budget=5, record=Notebook())
    assert said.asked == 2


class Doubter(Script):
    """A session that asks given batches and doubts the first answers to given pairs."""

    def __init__(self, *batches, doubted):
        super().__init__(*batches)
        self.doubted = doubted

    def should_reask(self, answer):
        assert answer.question.attempt == 1
        return (answer.question.a, answer.question.b) in self.doubted


class Saying(Oracle):
    """Says of each pair what is listed, one after another; a second's thought the first time, two the second, …"""

    name = "saying"

    def __init__(self, said):
        self.said = said

    def answer(self, questions, settled):
        for question in questions:
            if not settled(question):
                verdict = self.said[question.a, question.b][question.attempt - 1]
                yield Answer(question, verdict, "human", f"person {question.attempt}", float(question.attempt))


def doubt(said, *batches, doubted=None, budget=20, record=None):
    """Let a session hear what is said, and doubt; every pair by default."""
    session = Doubter(*map(list, batches), doubted=said if doubted is None else doubted)
    heard = run_queries(session, session.ask(), Saying(said), LabelMemory(), budget=budget, record=record or Notebook())
    return session, heard


def fates(told):
    return [(answer.verdict, answer.asked, answer.overturned) for answer in told]


def test_two_of_three_are_believed():
    said = {
        (0, 1): ["same", "different", "different"],
        (2, 3): ["same", "same"],
        (4, 5): ["different"],
        (6, 7): ["unsure", "same", "unsure"],
        (8, 9): ["same", "different", "same"],
    }
    record = Notebook()
    session, heard = doubt(said, within(*said), doubted=set(said) - {(4, 5)}, record=record)
    (told,) = session.told
    assert told == [
        Answer(Question(0, 1, "within"), "different", "human", "person 3", 6.0, asked=3, overturned=True),
        Answer(Question(2, 3, "within"), "same", "human", "person 2", 3.0, asked=2),
        Answer(Question(4, 5, "within"), "different", "human", "person 1", 1.0),
        Answer(Question(6, 7, "within"), "unsure", "human", "person 3", 6.0, asked=3),
        Answer(Question(8, 9, "within"), "same", "human", "person 3", 6.0, asked=3),
    ]
    assert [answer.question.attempt for answer in told] == [1] * 5
    first, again, last = (
        [(*pair, number) for pair, verdicts in said.items() if len(verdicts) >= number] for number in (1, 2, 3)
    )
    assert [attempt(answer.question) for answer in record.kept] == first + again + last
    assert (heard.asked, heard.reasked, heard.overturned, heard.conflicts) == (12, 7, 1, 0)
    assert heard.memory.log == [  # as they came to be believed
        (4, 5, "different"),
        (2, 3, "same"),
        (0, 1, "different"),
        (6, 7, "unsure"),
        (8, 9, "same"),
    ]


def test_three_who_all_say_another_are_unsure():
    _, heard = doubt({(0, 1): ["same", "different", "unsure"]}, within((0, 1)), within((0, 1)))
    assert fates(heard.answers) == [("unsure", 3, True)]
    assert heard.answers[0].annotator == "person 3"
    assert heard.memory.settled(0, 1)
    assert heard.memory.implied(0, 1) is None
    assert heard.repeated == 1  # and it is not put a fourth time


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (1, [("same", 1, False)]),
        (2, [("same", 1, False), ("different", 1, False)]),
        (3, [("same", 2, False), ("different", 1, False)]),
        (4, [("same", 2, False), ("different", 2, False)]),
        (5, [("different", 3, True), ("different", 2, False)]),
        (6, [("different", 3, True), ("same", 3, True)]),
    ],
)
def test_where_the_budget_ends_the_first_answer_is_believed(budget, expected):
    said = {(0, 1): ["same", "different", "different"], (2, 3): ["different", "same", "same"]}
    session, heard = doubt(said, within(*said), within((4, 5)), budget=budget)
    assert fates(heard.answers) == expected
    assert heard.answers[0].annotator == ("person 1" if budget < 5 else "person 3")
    assert heard.asked == budget
    assert [(a, b, verdict) for a, b, verdict in heard.memory.log] == [
        (answer.question.a, answer.question.b, answer.verdict) for answer in heard.answers
    ]
    assert len(session.told) == 1


def test_nothing_follows_from_an_answer_while_it_is_doubted():
    said = {(0, 1): ["different"], (1, 2): ["same"], (0, 2): ["same"]}
    session, heard = doubt(said, within(*said), doubted={(0, 1)})
    # Believed, the first two would have made the third "different", for nothing. It was asked, and decides the first.
    assert [answer.source for answer in session.told[0]] == ["human"] * 3
    assert fates(session.told[0]) == [("same", 1, True), ("same", 1, False), ("same", 1, False)]
    assert (heard.asked, heard.free, heard.reasked, heard.overturned, heard.conflicts) == (3, 0, 0, 1, 0)
    assert heard.memory.log == [(1, 2, "same"), (0, 2, "same"), (0, 1, "same")]


def test_from_what_is_confirmed_everything_follows_at_once():
    said = {(0, 1): ["same", "same"], (1, 2): ["same", "same"], (0, 2): ["different"], (0, 3): ["different"]}
    _, heard = doubt(said, within((0, 1), (1, 2)), within((0, 2), (0, 3), (2, 3)), doubted={(0, 1), (1, 2)})
    assert summary(heard.answers)[2:] == [
        (0, 2, "same", "closure"),
        (0, 3, "different", "human"),
        (2, 3, "different", "closure"),
    ]
    assert (heard.asked, heard.free) == (5, 2)


def test_what_a_confirmed_answer_settles_is_not_put_again():
    said = {(0, 1): ["same", "same"], (1, 2): ["different"], (0, 2): ["same", "same"], (3, 4): ["same", "same"]}
    record = Notebook()
    _, heard = doubt(said, within(*said), doubted={(0, 1), (0, 2), (3, 4)}, record=record)
    # (0, 1), put again, is "same"; with (1, 2) it decides (0, 2), and the next is put.
    assert [attempt(answer.question) for answer in record.kept[4:]] == [(0, 1, 2), (3, 4, 2)]
    assert fates(heard.answers) == [
        ("same", 2, False),
        ("different", 1, False),
        ("different", 1, True),
        ("same", 2, False),
    ]


def test_wherever_it_is_stopped_a_doubting_session_ends_the_same():
    said = {
        (0, 1): ["same", "different", "same"],
        (1, 2): ["same"],
        (0, 2): ["different", "unsure", "same"],
        (3, 4): ["different", "different"],
        (2, 5): ["same", "unsure", "different"],
    }
    batches = within((0, 1), (1, 2), (0, 2)), within((3, 4), (0, 4), (2, 5), (0, 5))
    said |= {(0, 4): ["different", "different"], (0, 5): ["unsure", "unsure"]}
    for budget in range(1, 18):
        whole = Notebook()
        _, expected = doubt(said, *batches, doubted=set(said) - {(1, 2)}, budget=budget, record=whole)
        for stop in range(len(whole.kept)):
            record = Notebook(fails_at=stop)
            with pytest.raises(PowerCutError):
                doubt(said, *batches, doubted=set(said) - {(1, 2)}, budget=budget, record=record)
            record.fails_at = -1
            _, resumed = doubt(said, *batches, doubted=set(said) - {(1, 2)}, budget=budget, record=record)
            assert resumed.found == stop
            assert list(map(outcome, resumed.answers)) == list(map(outcome, expected.answers))
            assert resumed.memory.log == expected.memory.log
            assert record.kept == whole.kept
    assert expected.overturned  # the longest conversation had all of it
    assert expected.reasked > 5


def test_a_second_answer_that_never_comes_leaves_the_first():
    put = []

    class Leaving(Saying):
        def answer(self, questions, settled):
            put.extend(map(attempt, questions))
            return super().answer([question for question in questions if question.attempt == 1], settled)

    session = Doubter(within((0, 1)), within((2, 3)), doubted={(0, 1)})
    people = Leaving({(0, 1): ["same"], (2, 3): ["same"]})
    heard = run_queries(session, session.ask(), people, LabelMemory(), budget=9, record=Notebook())
    assert fates(heard.answers) == [("same", 1, False), ("same", 1, False)]
    assert put == [(0, 1, 1), (0, 1, 2), (2, 3, 1)]


def test_an_annotator_that_forgets_which_attempt_it_is():
    class Forgetful(Oracle):
        def answer(self, questions, settled):
            for question in questions:
                yield Answer(Question(question.a, question.b, "within"), "same")

    session = Doubter(within((0, 1)), doubted={(0, 1)})
    with pytest.raises(RuntimeError, match=r"oracle answered .*attempt=1\), which it was not asked"):
        run_queries(session, session.ask(), Forgetful(np.arange(3)), LabelMemory(), budget=5, record=Notebook())
