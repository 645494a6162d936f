"""whosame.testing: what keeps to the contract passes, and what breaks it fails with a message that says what."""

import copy
import sys
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count, islice

import numpy as np
import pytest
from scipy.sparse import triu

from whosame.annotators.oracle import Oracle
from whosame.data.readers import FolderReader
from whosame.questions import Question
from whosame.strategies.base import Strategy
from whosame.strategies.budget import spread
from whosame.strategies.session import OrderedSession
from whosame.testing import check_annotator, check_reader, check_strategy, round_state


def neighbours(state, reason="neighbours"):
    edges = triu(state.graph, k=1, format="coo")
    for a, b in zip(edges.row.tolist(), edges.col.tolist(), strict=True):
        yield Question(a, b, "pool", reason=reason)


class Plain(Strategy):
    """Asks about neighbours, in order."""

    def __init__(self, *, order=neighbours, session=OrderedSession):
        self.order, self.session = order, session

    def start(self, state):
        return self.session(state, self.order(state))

    def schedule(self, budget, rounds):
        return spread(budget, rounds, "uniform")


def asks(ask):
    """Return a plain strategy whose sessions ask in this way."""
    return Plain(session=type("Session", (OrderedSession,), {"ask": ask, "ordered": OrderedSession.ask}))


def wasteful(session):
    session._budget.remaining += 1
    return session.ordered()


def repetitive(session):
    batch = session.ordered()
    return batch[:-1] + batch[:1] if len(batch) > 1 else batch


def restless(session):
    batch = session.ordered()
    if not batch and session._budget.remaining and not hasattr(session, "_over"):
        session._over = True
        return []
    return batch or ([Question(0, 1, "pool")] if hasattr(session, "_over") else [])


class PrefersPaidAnswers(OrderedSession):
    def ask(self):  # one by one
        left, self._budget.remaining = self._budget.remaining, min(1, self._budget.remaining)
        batch = super().ask()
        self._budget.remaining = left
        return batch

    def tell(self, answers):
        super().tell(answers)
        if any(one.source == "memory" for one in answers):
            next(self._questions, None)


class ListState(OrderedSession):
    def next_state(self):
        return {"asked": [1, 2, 3]}


def meddling(state):
    state.memory.add(0, 12, same=True)
    return neighbours(state)


def sorting(state):
    state.labels.sort()
    return neighbours(state)


def guessing(state):
    questions = list(neighbours(state))
    return (questions[i] for i in np.random.default_rng().permutation(len(questions)))


def peeking(state):
    return (q for q in neighbours(state) if state.identities[q.a] != state.identities[q.b])


class Remembering(Plain):
    rounds = 0

    def start(self, state):
        self.rounds += 1
        return super().start(state)


class Stubborn(Plain):
    def reassign(self, state, memory, answers):
        return state.labels


class Narrow(Plain):
    def reassign(self, state, memory, answers):
        return super().reassign(state, memory, answers).astype(np.int32)


class Generous(Plain):
    def schedule(self, budget, rounds):
        return [budget] * rounds


BEYOND = asks(lambda session: [Question(0, 96, "pool", reason="beyond")] if session._budget.remaining else [])
BROKEN = {
    "more than the budget": (asks(wasteful), r"ask\(\) returned \d+ questions with \d+ left of a budget of \d+"),
    "a pair twice": (asks(repetitive), "twice in a round"),
    "decided pairs": (
        asks(lambda session: list(islice(session._questions, session._budget.remaining))),
        "which earlier answers decide",
    ),
    "an image and itself": (
        asks(lambda _: [Question(3, 3, "pool")]),
        r"ValueError: a question needs 0 <= a < b, not \(3, 3\)",
    ),
    "an image that is not there": (BEYOND, r"asks about \(0, 96\), but there are"),
    "no questions": (
        asks(lambda session: [(one.a, one.b) for one in session.ordered()]),
        r"returned \(0, .*\): it returns Question objects",
    ),
    "after the end": (asks(restless), "a finished session stays so"),
    "answers by source": (Plain(session=PrefersPaidAnswers), "first 1 answers come from the label store"),
    "a state of lists": (Plain(session=ListState), r"next_state\(\) has \['asked'\], which are no arrays"),
    "changes the memory": (Plain(order=meddling), "it changed state.memory"),
    "changes the labels": (Plain(order=sorting), "writes to an array that it was given"),
    "changes the generator": (
        Plain(order=lambda state: iter(state.generator.permutation(list(neighbours(state))).tolist())),
        "it changed state.generator",
    ),
    "other questions": (Plain(order=guessing), "asks other questions the second time"),
    "keeps a count": (Remembering(), "the strategy's rounds changed in a round"),
    "identities": (Plain(order=peeking), "'RoundState' object has no attribute 'identities'"),
    "never asks": (Plain(order=lambda _: iter(())), "it asks nothing, but asks = True"),
    "asks once": (
        Plain(order=lambda state: iter(()) if len(state.memory) else neighbours(state)),
        "only 1 of 4 rounds ask",
    ),
    "no reason": (Plain(order=lambda state: neighbours(state, reason="")), "has no reason"),
    "labels against the answers": (Stubborn(), r"reassign\(\) leaves .* against the answers"),
    "labels of another type": (Narrow(), "labels are int64"),
    "a schedule above the budget": (Generous(), r"schedule\(1, 2\) spends 2 questions instead of 1"),
}


@pytest.mark.parametrize(("strategy", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_strategy_fails_with_what_it_breaks(strategy, message):
    with pytest.raises(AssertionError, match=message) as raised:
        check_strategy(strategy)
    assert str(raised.value).startswith(f"{type(strategy).__name__} fails the check '")


def test_what_keeps_to_the_contract_passes():
    check_strategy(Plain())
    check_strategy(lambda parameters: Plain(**parameters))  # as an entry point names it
    with pytest.raises(AssertionError, match="returned a dict: it returns a Strategy"):
        check_strategy(dict)


def test_a_module_that_could_know_identities_fails(tmp_path):
    file = tmp_path / "peeping.py"
    file.write_text(
        "from whosame.data import manifest\nfrom whosame.strategies.baselines import RandomPairs\n"
        "class Peeping(RandomPairs): pass\n"
    )
    spec = spec_from_file_location("peeping", file)
    sys.modules["peeping"] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(AssertionError, match=r"imports whosame\.data\.manifest, where identities are known"):
        check_strategy(module.Peeping())
    del sys.modules["peeping"]


def test_a_failure_says_in_which_situation():
    with pytest.raises(
        AssertionError, match=r"the rules of asking.*: in the situation 'clusters': where the answers are the truth: it"
    ):
        check_strategy(BEYOND)


def test_a_drawn_state_is_whole_and_every_field_can_be_given():
    state = round_state()
    assert (len(state.labels), len(state.features), state.graph.shape) == (96, 96, (96, 96))
    assert (state.vertical.shape, state.cameras.max(), state.budget) == ((96, 16), 3, 20)
    given = round_state(labels=[0, 0, -1], cameras=[1, 2, 3], budget=4, vertical=None, round=7, seed=1)
    assert given.labels.tolist() == [0, 0, -1]
    assert given.cameras.tolist() == [1, 2, 3]
    assert (given.features.shape, given.vertical, given.round) == ((3, 16), None, 7)
    assert given.generator.random() != state.generator.random()
    assert copy.deepcopy(state.generator).random() == np.random.default_rng(0).random(2)[1]


def test_with_features_the_rest_is_unknown():
    state = round_state([[0, 1], [1, 0], [0.6, 0.8]])
    assert state.labels.tolist() == state.cameras.tolist() == [-1] * 3
    assert state.query_counts.tolist() == [0] * 3
    assert state.vertical is state.nearest is None
    assert state.graph.todense()[1, 2] == pytest.approx(0.4)
    with pytest.raises(ValueError, match="read-only"):
        state.features[0, 0] = 1


IMAGES = {
    "train/ann/1.png": ("train", -1, 1),
    "probe/cyd/1.png": ("query", -1, 2),
    "test/cyd/2.png": ("gallery", -1, 2),
}
READER = FolderReader(pattern=r"^(?P<split>[^/]+)/(?P<identity>[^/]+)/")


CALLS = count()


class Reading:
    """A reader that changes the images it finds, or does not miss its folder."""

    def __init__(self, change=list, missing=READER.read):
        self.change, self.missing = change, missing

    def read(self, root):
        if not root.is_dir():
            return self.missing(root)
        found = READER.read(root)
        return type(found)(self.change(found.images), found.notes)


def test_a_reader_that_keeps_to_the_contract_passes():
    check_reader(READER, IMAGES, broken=["loose.png"])


@pytest.mark.parametrize(
    ("reader", "broken", "message"),
    [
        (Reading(lambda found: found[1:]), (), r"leaves out \['probe/cyd/1.png'\]"),
        (Reading(lambda found: [one._replace(camera=3) for one in found]), (), "instead of"),
        (
            Reading(lambda found: [one._replace(file=one.file._replace(size=0)) for one in found]),
            (),
            "another size or time of change",
        ),
        (Reading(lambda found: found if next(CALLS) % 2 else found[::-1]), (), "the second time"),
        (Reading(missing=lambda root: READER.read(root.parent)), (), "no whosame.errors.InputError"),
        (READER, ["train/bob/fine.png"], r"no whosame\.errors\.InputError"),  # a name that breaks no rule
    ],
)
def test_a_broken_reader_fails_with_what_it_breaks(reader, broken, message):
    with pytest.raises(AssertionError, match=message):
        check_reader(reader, IMAGES, broken=broken)


class Hasty(Oracle):
    def answer(self, questions, settled):
        yield from [*super().answer(questions, settled)]


class Deaf(Oracle):
    def answer(self, questions, settled):
        return super().answer(questions, lambda _: False)


class Moody(Oracle):
    def answer(self, questions, settled):
        for place, answer in enumerate(super().answer(questions, settled)):
            yield type(answer)(answer.question, "unsure" if place == 5 else answer.verdict, "oracle", self.name)


class Lazy(Oracle):
    def answer(self, questions, settled):
        return super().answer(questions[1:], settled)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Hasty, "before its first answer was taken"),
        (Deaf, "which is settled"),
        (Moody, "depend on the order"),
        (Lazy, "answers 65 questions of 66"),
    ],
)
def test_a_broken_annotator_fails_with_what_it_breaks(broken, message):
    with pytest.raises(AssertionError, match=f"oracle fails the check '.*{message}"):
        check_annotator(broken)


def test_an_annotator_that_keeps_to_the_contract_passes():
    check_annotator(Oracle)
    check_annotator(Hasty, immediate=False)
