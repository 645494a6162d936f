"""Uncertainty sampling by hand: which pairs are nearest 1/2, the cap per image."""

import numpy as np
import pytest

from whosame.memory import LabelMemory
from whosame.questions import Answer
from whosame.strategies.uncertainty import Uncertainty, UncertaintyConfig
from whosame.testing import round_state


def state_of(near, labels, **fields):
    return round_state(np.eye(len(labels)), labels, graph=near, **fields)


def asked(state, **parameters):
    return [(q.a, q.b) for q in Uncertainty(UncertaintyConfig(**parameters)).start(state).ask()]


# By the prior p is 1/2 at distance .5: in order of certainty 2-3 (.5), 0-1 (.45), 4-5 (.3), 1-2 (.25), 3-4 (.125).
NEAR = {(0, 1): 0.45, (1, 2): 0.25, (2, 3): 0.5, (3, 4): 0.125, (4, 5): 0.3}


def test_the_least_certain_pairs_are_asked_each_image_once():
    questions = Uncertainty().start(state_of(NEAR, [0, 0, 0, 1, 1, -1], budget=9)).ask()
    assert [(q.a, q.b, q.kind, q.group) for q in questions] == [
        (2, 3, "between", 0),
        (0, 1, "within", 0),
        (4, 5, "pool", 1),
    ]
    # p at .45: 1 / (1 + exp(-(2.944439 - 5.888878 * .45))) = 1 / (1 + exp(-.294444)) = .573083
    assert [q.score for q in questions[:2]] == pytest.approx([0, -0.073083], abs=1e-6)
    assert questions[1].reason == "uncertain neighbours, p(same) 0.57"


def test_the_cap_is_per_image_and_round():
    state = state_of(NEAR, [0] * 6, budget=9)
    assert asked(state, per_image=2) == [(2, 3), (0, 1), (4, 5), (1, 2), (3, 4)]
    assert asked(state_of(NEAR, [0] * 6, budget=2), per_image=2) == [(2, 3), (0, 1)]
    session = Uncertainty().start(state)
    session.tell([Answer(question, "unsure") for question in session.ask()])
    assert session.ask() == []  # every image was shown


def test_ties_go_to_the_smaller_rows():
    tied = {(4, 5): 0.4, (0, 3): 0.4, (1, 2): 0.4, (0, 1): 0.4}
    assert asked(state_of(tied, [0] * 6, budget=1)) == [(0, 1)]
    assert asked(state_of(tied, [0] * 6, budget=9)) == [(0, 1), (4, 5)]


@pytest.mark.parametrize(
    ("verdicts", "neighbours", "expected"),
    [
        ([], True, (4, 5)),
        (["same", "different"], True, (0, 1)),  # at distance .1, one in two is the same
        (["unsure", "unsure"], True, (4, 5)),
        (["different", "different"], False, (4, 5)),  # answers about pairs that are no neighbours any more
    ],
)
def test_answers_move_what_is_uncertain(verdicts, neighbours, expected):
    pairs = [(a, a + 1) for a in range(6, 46, 2)]
    near = {(0, 1): 0.1, (2, 3): 0.3, (4, 5): 0.5} | dict.fromkeys(pairs if neighbours else [], 0.1)
    answers = [(*pair, verdict) for pair, verdict in zip(pairs, 10 * verdicts, strict=False)]
    memory = LabelMemory.from_log(*zip(*answers, strict=True)) if answers else LabelMemory()
    assert asked(state_of(near, [0] * 46, budget=1, memory=memory)) == [expected]


def test_a_free_answer_is_replaced_by_the_pair_least_certain_after_the_answers():
    near = {(0, 1): 0.5, (2, 3): 0.4, (4, 5): 0.1, (6, 7): 0.5}
    session = Uncertainty(UncertaintyConfig(prior=0.1)).start(state_of(near, [0] * 8, budget=2))
    first = session.ask()
    assert [(q.a, q.b) for q in first] == [(0, 1), (6, 7)]
    session.tell([Answer(first[0], "different", "closure"), Answer(first[1], "different")])
    # Two "different" at .5 outweigh the prior: p is 1/2 nearer to .1 than to .4.
    assert [(q.a, q.b) for q in session.ask()] == [(4, 5)]
