"""One suite that every registered strategy passes."""

import copy
import dataclasses
import itertools

import numpy as np
import pytest
from scipy.sparse import csr_array

from whosame.clustering import neighbours
from whosame.memory import LabelMemory
from whosame.questions import Answer, Question
from whosame.strategies import registry
from whosame.strategies.base import Doubting, RoundState
from whosame.strategies.session import Account

STRATEGIES = registry.names()
PEOPLE = 12


@pytest.fixture(params=STRATEGIES)
def strategy(request):
    return registry.make(request.param)


def make_state(*, n=96, labels=None, budget=20, seed=0, shown=None, memory=None):
    """Twelve people; every fourth cluster holds two of them, every third person lies in two clusters."""
    draw = np.random.default_rng(5)
    people = np.arange(n) % PEOPLE
    centres = draw.normal(size=(PEOPLE, 16))
    features = centres[people] + 0.6 * draw.normal(size=(n, 16))
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    if labels is None:
        labels = np.where(people % 4 == 1, people - 1, people)
        labels = np.where((people % 3 == 2) & (np.arange(n) >= n // 2), PEOPLE + people, labels)
        labels[::13] = -1
    distance = (1 - features @ features.T).clip(0).astype(np.float32)
    row, column = np.nonzero(distance <= 0.8)
    graph = csr_array((distance[row, column], (row, column)), shape=(n, n))
    state = RoundState(
        round=3,
        rounds=10,
        features=features,
        vertical=draw.integers(0, 8, (n, 16), dtype=np.uint8),
        map_height=8,
        graph=graph,
        labels=np.array(labels, np.int64),
        cameras=draw.integers(0, 4, n),
        shown=np.zeros(n, np.int64) if shown is None else shown,
        memory=memory or LabelMemory(),
        budget=budget,
        generator=np.random.default_rng(seed),
        nearest=neighbours(features, 2).nearest,
    )
    for array in (features, state.vertical, state.labels, state.cameras, state.shown, state.nearest, graph.data):
        array.flags.writeable = False
    return state, people


STATES = {
    "clusters": {},
    "no cluster": {"labels": [-1] * 96},
    "one cluster": {"labels": [7] * 96},
    "two clusters": {"labels": [0] * 40 + [-1] * 16 + [3] * 40},
    "all alone in a cluster": {"labels": range(96)},
    "one image": {"n": 1, "labels": [-1]},
    "one image in a cluster": {"n": 1, "labels": [0]},
    "two images": {"n": 2, "labels": [0, 1]},
    "budget 0": {"budget": 0},
    "budget 1": {"budget": 1},
    "budget above all pairs": {"budget": 10**6},
}
VERDICTS = {
    "truth": lambda people: lambda q: "same" if people[q.a] == people[q.b] else "different",
    "different": lambda _: lambda _: "different",
    "same": lambda _: lambda _: "same",
    "unsure": lambda _: lambda _: "unsure",
    "contrary": lambda _: lambda q: ("same", "different", "unsure")[(7 * q.a + q.b) % 3],
}


@pytest.fixture(params=STATES)
def situation(request):
    return make_state(**STATES[request.param])


def converse(session, state, verdict, *, stored=(), crash_after=None):
    """Drive a session as an annotator would, checking the rules of asking on the way.

    A pair that the answers of its own batch decide becomes a free answer. One that the session doubts is put again when
    the batch is through, while the budget lasts, and answered the same. ``stored`` are answers given before a crash;
    ``crash_after`` ends the conversation after so many paid answers.
    """
    memory, paid, answers, batches = state.memory.copy(), 0, [], []
    stored = {(answer.question.a, answer.question.b): answer for answer in stored}
    while questions := list(session.ask()):
        assert len(questions) <= state.budget - paid, "more questions than may be paid for"
        for question in questions:
            assert isinstance(question, Question)
            assert question.b < len(state.labels)
            assert not memory.settled(question.a, question.b), f"{question} is decided already"
        pairs = [(question.a, question.b) for question in questions]
        assert len(set(pairs)) == len(pairs), "a pair twice in one batch"
        assert not set(pairs) & {pair for batch in batches for pair in batch}, "a pair twice in one round"
        batches.append(pairs)
        told = []
        for question in questions:
            if memory.settled(question.a, question.b):
                implied = "same" if memory.implied(question.a, question.b) else "different"
                told.append(Answer(question, implied, source="closure"))
                continue
            if crash_after is not None and paid >= crash_after:
                return answers + told, memory, batches
            paid += 1
            known = stored.get((question.a, question.b))
            said, source = (known.verdict, "memory") if known else (verdict(question), "oracle")
            answer = Answer(question, said, source)
            if answer.verdict == "unsure":
                memory.skip(question.a, question.b)
            else:
                memory.add(question.a, question.b, answer.verdict == "same")
            told.append(answer)
        for at, answer in enumerate(told):
            if answer.source == "closure" or not (isinstance(session, Doubting) and session.doubts(answer)):
                continue
            if crash_after is not None and paid >= crash_after:
                return answers + told, memory, batches
            if paid < state.budget:
                paid += 1
                told[at] = dataclasses.replace(answer, asked=2)
        session.tell(told)
        answers += told
    assert paid <= state.budget
    assert list(session.ask()) == [], "a session that is done stays done"
    return answers, memory, batches


def snapshot(state):
    arrays = (state.features, state.vertical, state.labels, state.cameras, state.shown, state.nearest, state.graph.data)
    generator = repr(state.generator.bit_generator.state)
    return [array.tobytes() for array in arrays], state.memory.log, generator, dict(state.carried)


def violated(labels, answers, memory):
    """Return the answers, free ones among them, that labels contradict; an outlier is an identity of its own."""
    broken = []
    for answer in answers:
        a, b = answer.question.a, answer.question.b
        together = labels[a] == labels[b] and labels[a] >= 0
        known = memory.implied(a, b)
        if known is not None and known != together:
            broken.append(answer)
    return broken


@pytest.mark.parametrize("verdict", VERDICTS)
def test_survives_every_situation_and_keeps_the_rules(strategy, situation, verdict):
    state, people = situation
    before = snapshot(state)
    session = strategy.start(state)
    answers, memory, _ = converse(session, state, VERDICTS[verdict](people))
    labels = strategy.reassign(state, memory, answers)
    assert labels.shape == state.labels.shape
    assert labels.dtype == np.int64
    assert labels.min() >= -1
    assert violated(labels, answers, memory) == []
    assert all(isinstance(value, np.ndarray) for value in session.carry().values())
    assert snapshot(state) == before, "the state was modified"


@pytest.mark.parametrize("verdict", ["truth", "contrary"])
def test_rounds_build_on_each_other(strategy, verdict):
    memory, labels, carried, asked, rounds_asking = LabelMemory(), None, {}, set(), 0
    for turn in range(4):
        state, people = make_state(
            labels=labels, budget=15, seed=turn, memory=memory, shown=memory.query_counts(96) if len(memory) else None
        )
        state = dataclasses.replace(state, round=turn, carried=carried)
        session = strategy.start(state)
        answers, memory, _ = converse(session, state, VERDICTS[verdict](people))
        pairs = {(answer.question.a, answer.question.b) for answer in answers if answer.source != "closure"}
        assert not pairs & asked, "a pair was asked again in a later round"
        asked |= pairs
        rounds_asking += bool(pairs)
        labels, carried = strategy.reassign(state, memory, answers), session.carry()
        for a, b, said in memory.log:
            if said != "unsure" and (a, b, said == "same") not in memory.conflicts:
                assert (labels[a] == labels[b] and labels[a] >= 0) == (said == "same")
    if strategy.asks:
        assert rounds_asking > 1, "later rounds asked nothing"


@pytest.mark.parametrize("verdict", ["truth", "contrary"])
def test_the_same_seed_asks_the_same(strategy, verdict):
    state, people = make_state()
    one = converse(strategy.start(state), state, VERDICTS[verdict](people))
    two = converse(strategy.start(state), state, VERDICTS[verdict](people))  # starting changed nothing
    other, _ = make_state()
    three = converse(strategy.start(other), other, VERDICTS[verdict](people))
    assert one[2] == two[2] == three[2]
    assert bool(one[2]) == strategy.asks
    assert (strategy.reassign(state, one[1], one[0]) == strategy.reassign(other, three[1], three[0])).all()


@pytest.mark.parametrize("crash_after", [0, 1, 7, 19])
@pytest.mark.parametrize("verdict", ["truth", "contrary"])
def test_a_round_replays_to_where_it_was_cut(strategy, verdict, crash_after):
    state, people = make_state()
    whole = converse(strategy.start(state), state, VERDICTS[verdict](people))
    begun, _, _ = converse(strategy.start(state), state, VERDICTS[verdict](people), crash_after=crash_after)

    def never_again(question):
        assert (question.a, question.b) not in {(answer.question.a, answer.question.b) for answer in begun}
        return VERDICTS[verdict](people)(question)

    resumed = converse(strategy.start(state), state, never_again, stored=begun)
    assert resumed[2] == whole[2]
    assert resumed[1].log == whole[1].log


def test_questions_explain_themselves(strategy):
    state, people = make_state()
    answers, _, _ = converse(strategy.start(state), state, VERDICTS["truth"](people))
    for answer in answers:
        assert answer.question.kind in ("within", "between", "pool")
        assert answer.question.reason
        assert np.isfinite(answer.question.score)


def test_works_without_vertical_positions(strategy):
    state, people = make_state()
    answers, _, _ = converse(
        strategy.start(dataclasses.replace(state, vertical=None)), state, VERDICTS["truth"](people)
    )
    assert len(answers) > 0 or not strategy.asks


@pytest.mark.parametrize("rounds", [1, 2, 10, 50])
@pytest.mark.parametrize("budget", [0, 1, 7, 3000])
def test_the_schedule_is_the_budget(strategy, budget, rounds):
    shares = strategy.schedule(budget, rounds)
    assert len(shares) == rounds
    assert min(shares) >= 0
    assert sum(shares) == (budget if strategy.asks else 0)


def test_a_strategy_keeps_nothing_between_rounds(strategy):
    before = copy.deepcopy(vars(strategy))
    state, people = make_state()
    converse(strategy.start(state), state, VERDICTS["truth"](people))
    assert vars(strategy) == before


class Sceptic:
    """Asks three pairs at a time, any, and doubts every "same"."""

    def __init__(self, state):
        self.account = Account(state)

    def ask(self):
        pairs = ((a, b) for b in range(1, 96) for a in range(b) if self.account.is_open(a, b))
        some = itertools.islice(pairs, min(3, self.account.left))
        return [self.account.question(a, b, "pool", score=0, group=-1, reason="any") for a, b in some]

    def doubts(self, answer):
        return answer.verdict == "same"

    def tell(self, answers):
        self.account.tell(answers)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_an_answer_that_is_put_again_costs_again(verdict):
    state, people = make_state()
    session = Sceptic(state)
    answers, _, _ = converse(session, state, VERDICTS[verdict](people))
    paid = [answer for answer in answers if answer.source != "closure"]
    assert sum(answer.asked for answer in paid) == state.budget
    assert any(answer.asked == 2 for answer in paid) == any(answer.verdict == "same" for answer in paid)
    assert session.account.left == 0
    for crash in (1, 7, 19):
        begun, _, _ = converse(Sceptic(state), state, VERDICTS[verdict](people), crash_after=crash)
        resumed, _, _ = converse(Sceptic(state), state, VERDICTS[verdict](people), stored=begun)
        assert [(answer.question, answer.verdict, answer.asked) for answer in resumed] == [
            (answer.question, answer.verdict, answer.asked) for answer in answers
        ]
