"""Sessions: what a budget charges, which pairs are open, and the order of questions."""

import pytest

from whosame.memory import LabelMemory
from whosame.questions import Answer, Question
from whosame.strategies.session import OrderedSession, SessionBudget
from whosame.testing import round_state


def question(budget, a, b):
    return budget.question(a, b, "pool", score=1.0, group=3, reason="why")


def test_a_question_is_charged_as_often_as_it_was_asked_and_closure_is_free():
    budget = SessionBudget(round_state(budget=10))
    asked = [question(budget, *pair) for pair in ((1, 0), (2, 3), (4, 5), (6, 7))]
    assert [(one.a, one.b) for one in asked] == [(0, 1), (2, 3), (4, 5), (6, 7)]
    budget.tell(
        [Answer(asked[0], "same", asked=2), Answer(asked[1], "different", "closure"), Answer(asked[2], "unsure")]
    )
    assert budget.remaining == 7
    assert budget.memory.log == [(0, 1, "same"), (2, 3, "different"), (4, 5, "unsure")]


def test_asked_and_decided_pairs_are_closed_in_either_order():
    memory = LabelMemory()
    memory.add(0, 1, same=True)
    memory.skip(8, 9)
    state = round_state(memory=memory)
    budget = SessionBudget(state)
    question(budget, 5, 2)
    closed = [(0, 1), (1, 0), (2, 5), (5, 2), (9, 8)]
    assert [pair for pair in [*closed, (0, 2), (3, 4)] if not budget.is_open(*pair)] == closed
    budget.tell([Answer(Question(1, 2, "pool"), "different")])
    assert not budget.is_open(0, 2)
    assert state.memory.implied(0, 2) is None, "the state's memory is not written to"


@pytest.mark.parametrize("budget", [-3, 0])
def test_without_a_budget_no_question_is_taken_from_the_iterator(budget):
    def questions():
        raise AssertionError
        yield

    assert OrderedSession(round_state(budget=budget), questions()).ask() == []


def test_an_ordered_session_takes_no_more_than_it_can_pay_for_and_passes_over_what_is_decided():
    wanted = iter([Question(0, 1, "pool"), Question(1, 2, "pool"), Question(0, 2, "pool"), Question(3, 4, "pool")])
    session = OrderedSession(round_state(budget=2), wanted)
    first = session.ask()
    assert [(one.a, one.b) for one in first] == [(0, 1), (1, 2)]
    session.tell([Answer(first[0], "same", "closure"), Answer(first[1], "same")])
    assert [(one.a, one.b) for one in session.ask()] == [(3, 4)]  # 0 = 1 = 2 decides the third
    assert next(wanted, None) is None
