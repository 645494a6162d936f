"""What is known before any answer acts as every link that follows from it would, without listing them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosame.clustering import enforce, violations
from whosame.memory import LabelMemory
from whosame.questions import Known
from whosame.strategies.gain.joins import find_joins
from whosame.strategies.gain.value import GainConfig, groups_of
from whosame.strategies.pairs import decided_pairs
from whosame.testing import round_state
from whosame.training.pair_constraints import PairConstraints

ROWS = 10
number = st.integers(-1, 3)
entry = st.tuples(st.integers(0, ROWS - 1), st.integers(0, ROWS - 1), st.sampled_from(["same", "different", "unsure"]))


@st.composite
def cases(draw):
    """Return individuals and encounters that agree, and a log of answers."""
    individuals = np.array(draw(st.lists(number, min_size=ROWS, max_size=ROWS)))
    encounters = np.array(draw(st.lists(number, min_size=ROWS, max_size=ROWS)))
    for encounter in range(4):  # no two individuals in one
        rows = np.flatnonzero((encounters == encounter) & (individuals >= 0))
        encounters[rows[individuals[rows] != individuals[rows][:1]]] = -1
    return Known(individuals, encounters), draw(st.lists(entry.filter(lambda each: each[0] != each[1]), max_size=20))


def both(known, log):
    """Return the memory with what is known, and the one with every link that follows from it."""
    links = []
    for numbers in known:
        links += [(a, b, "same") for a, b in combinations(range(len(numbers)), 2) if -1 < numbers[a] == numbers[b]]
    named = [(row, who) for row, who in enumerate(known.individuals.tolist()) if who >= 0]
    links += [(a, b, "different") for (a, one), (b, other) in combinations(named, 2) if one != other]
    listed = LabelMemory.from_log(*zip(*[*links, *log], strict=True)) if [*links, *log] else LabelMemory()
    columns = zip(*log, strict=True) if log else ([], [], [])
    return LabelMemory.from_log(*columns, known), listed


def check_equal(memory, listed, n):
    for a, b in combinations(range(n), 2):
        assert memory.implied(a, b) == listed.implied(a, b)
        assert memory.settled(a, b) == listed.settled(a, b)
    np.testing.assert_array_equal(memory.must_link_roots(n), listed.must_link_roots(n))
    assert memory.parted() == np.unique(listed.cannot_links()).tolist()
    assert memory.differing(range(n)) == [tuple(pair) for pair in listed.cannot_links().tolist()]


@given(cases())
@settings(max_examples=200, deadline=None)
def test_it_closes_as_all_its_links_would(case):
    known, log = case
    memory, listed = both(known, log)
    check_equal(memory, listed, ROWS)
    check_equal(memory.copy(), listed, ROWS)
    assert memory.log == [(min(a, b), max(a, b), verdict) for a, b, verdict in log]  # no answer, no question
    assert memory.conflicts == listed.conflicts[len(listed.conflicts) - len(memory.conflicts) :]
    own = both(known, log[len(log) // 2 :])[1]
    check_equal(memory.since(len(log) // 2), own, ROWS)
    for first, second in (([0, 1, 2], [3, 4]), ([5], [6, 7, 8])):
        roots = memory.must_link_roots(ROWS)
        some, others = np.unique(roots[first]).tolist(), np.unique(roots[second]).tolist()
        assert memory.differ(some, others) == any(memory.implied(a, b) is False for a in some for b in others)


@given(cases(), st.integers(0, 2**16))
@settings(max_examples=100, deadline=None)
def test_labels_and_losses_obey_it_as_they_would_all_its_links(case, seed):
    rng = np.random.default_rng(seed)
    memory, listed = both(*case)
    labels, features = rng.integers(-1, 3, ROWS), rng.standard_normal((ROWS, 3))
    found = enforce(labels, features, memory)
    np.testing.assert_array_equal(found, enforce(labels, features, listed))
    np.testing.assert_array_equal(violations(labels, memory), violations(labels, listed))
    assert (decided_pairs(memory, ROWS) != decided_pairs(listed, ROWS)).nnz == 0
    rows = np.flatnonzero(rng.random(ROWS) < 0.8)
    one, other = (PairConstraints(each, rows, ROWS) for each in (memory, listed))
    places = np.arange(len(rows))
    np.testing.assert_array_equal(one.different(places, places), other.different(places, places))
    for root in np.unique(one.roots).tolist():
        assert sorted(one.cannot_linked(root).tolist()) == sorted(other.cannot_linked(root).tolist())
    for some in (places[:1], places[:3], places):
        np.testing.assert_array_equal(one.related(some), other.related(some))


def test_gain_pairs_no_two_known_individuals():
    state = round_state(images=90)
    individuals = np.full(90, -1)
    for who, label in enumerate(np.unique(state.labels[state.labels >= 0])[:4].tolist()):
        individuals[np.flatnonzero(state.labels == label)[:2]] = who
    memory, listed = both(Known(individuals, np.full(90, -1)), [])
    candidates = []
    for each in (memory, listed, LabelMemory()):
        state = round_state(images=90, memory=each)
        candidates.append(find_joins(groups_of(state, GainConfig()), 10))
    assert candidates[0].groups.tolist() == candidates[1].groups.tolist()
    assert len(candidates[0].groups) < len(candidates[2].groups)


@pytest.mark.timeout(20)
def test_a_thousand_individuals_are_as_cheap_as_ten():
    n = 6000
    memory = LabelMemory(Known(np.arange(n) % 1000, np.full(n, -1)))
    labels, features = np.arange(n) // 7, np.random.default_rng(0).standard_normal((n, 8))
    found = enforce(labels, features, memory)
    assert len(np.unique(found)) >= 1000
    assert len(memory.cannot_links()) == 0  # 499,500 follow
