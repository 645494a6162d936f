"""Comparable views first: whatever strategy asks, the rules of asking hold, and no question is lost."""

import dataclasses

import numpy as np
import pytest

from whosame import active_round
from whosame.strategies import registry
from whosame.strategies.base import ReaskingSession
from whosame.testing import round_state
from whosame.testing.sessions import ANNOTATORS, play

ASKING = [name for name in registry.names() if registry.make(name).asks]


def begun(name, views, **fields):
    state = dataclasses.replace(round_state(**fields), views=views)
    session, first = active_round.select_pairs(registry.make(name), state)
    return _Again(session, first), state


class _Again:
    """A session whose first batch was taken already, as the query loop has it."""

    def __init__(self, session, first):
        self._first, self._session = first, session
        if isinstance(session, ReaskingSession):
            self.should_reask = session.should_reask

    def ask(self):
        first, self._first = self._first, None
        return self._session.ask() if first is None else first

    def tell(self, answers):
        self._session.tell(answers)

    def next_state(self):
        return self._session.next_state()


@pytest.mark.parametrize("name", ASKING)
def test_others_wait_until_a_strategy_has_no_comparable_pair(name):
    views = np.arange(120) % 3 - 1  # unknown, left, right
    session, state = begun(name, views, images=120, budget=100_000)
    played = play(session, state, ANNOTATORS["the truth"])
    one, other = views[np.array([pair for batch in played.batches for pair in batch])].T
    comparable = (one == other) | (one < 0) | (other < 0)
    assert comparable.any()
    assert comparable.tolist() == sorted(comparable.tolist(), reverse=True)
    assert len(comparable) < 20 or not comparable.all()  # no question is lost


@pytest.mark.parametrize("name", ["gain", "dcps", "dral"])
@pytest.mark.parametrize("budget", [7, 40])
def test_the_budget_is_kept_and_a_resumed_round_asks_the_same(name, budget):
    views = np.random.default_rng(0).integers(-1, 3, 120)
    rounds = []
    for found in (0, 5):
        session, state = begun(name, views, images=120, budget=budget)
        rounds.append(play(session, state, ANNOTATORS["contradictions"], found=found))
    whole, resumed = rounds
    assert 0 < len(whole.paid_pairs) <= budget
    assert (whole.batches, whole.memory.log) == (resumed.batches, resumed.memory.log)


def test_one_known_view_changes_nothing():
    for views in (np.full(120, -1), np.arange(120) % 2 - 1):
        state = dataclasses.replace(round_state(images=120), views=views)
        session, _ = active_round.select_pairs(registry.make("gain"), state)
        assert type(session) is type(registry.make("gain").start(state))
