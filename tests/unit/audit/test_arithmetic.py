"""The arithmetic of an audit, by hand: probabilities of draws, variances, quantiles, and what one more hit would add."""

import math
from itertools import combinations, permutations

import numpy as np
import pytest

from whosame.audit.estimates import UNSEEN, estimate
from whosame.audit.population import Population
from whosame.audit.session import AuditSession
from whosame.audit.stopping import questions_to_halve
from whosame.audit.unit import UnitResult, _inverse_size
from whosame.memory import LabelMemory
from whosame.questions import Answer
from whosame.testing.audits import draw_label_set

T10, UNSEEN_BOUND = 2.228139, 3.688879  # of Student's t with 10 degrees of freedom, 97.5 %; -ln 0.025
TWENTY = [(k / 20, k % 2) for k in range(20)]  # 0, 1, 0, 1, …: neighbours differ by 1


def population_of(labels):
    labels = np.array(labels)
    points = np.random.default_rng(1).standard_normal((len(labels), 6)).astype(np.float32)
    return Population(labels, points, np.full(len(labels), 0.7))


def logit(p):
    return math.log(p / (1 - p))


def test_the_probabilities_of_all_pairs_are_those_of_one_draw():
    names = draw_label_set(3, images=(40, 50))
    population = Population(names.labels, names.features, names.p)
    group = population.group
    inside = [pair for pair in combinations(range(len(group)), 2) if group[pair[0]] == group[pair[1]]]
    assert sum(population.inside_pair(*pair) for pair in inside) == pytest.approx(1)
    near = [population.near(row) for row in range(len(group))]
    across = [pair for pair in combinations(range(len(group)), 2) if group[pair[0]] != group[pair[1]]]
    assert sum(population.across_pair(a, b, near[a]) for a, b in across) == pytest.approx(1)
    assert all(math.isclose(each.sum(), 1) and each[own] == 0 for each, own in zip(near, group, strict=True))


def test_precision_is_a_mean_with_the_variance_of_a_systematic_sample_and_students_t():
    population = population_of([0] * 10 + [1] * 10)  # 90 pairs
    results = {"inside": [(s, UnitResult(pairs=18.0 * hit, shares=4.0 * hit)) for s, hit in TWENTY]}
    found = estimate(population, {**results, "across": [], "head": [], "member": []})
    for interval, q, step in ((found.precision, 9 / 90, 18 / 90), (found.bcubed_precision, 2 / 20, 4 / 20)):
        half = T10 * math.sqrt(step**2 / 2 / 20) / (q * (1 - q))
        assert interval.value == pytest.approx(1 - q)
        assert logit(1 - interval.low) == pytest.approx(logit(q) + half, rel=1e-5)
        assert logit(1 - interval.high) == pytest.approx(logit(q) - half, rel=1e-5)


def test_recall_is_found_by_found_and_missed_and_one_sided_where_nothing_was_missed():
    population = population_of([0] * 10 + [1] * 10)
    inside = [(s, UnitResult(scale=1.0)) for s, _ in TWENTY]
    none = [(s, UnitResult(scale=100.0)) for s, _ in TWENTY]
    found = estimate(population, {"inside": inside, "across": none, "head": [], "member": []})
    assert found.recall.value == found.recall.high == 1
    assert found.recall.low == pytest.approx(90 / (90 + UNSEEN_BOUND * 100 / 20), rel=1e-6)
    assert found.precision.low == pytest.approx(1 - UNSEEN_BOUND * (1 / 90) / 20, rel=1e-6)
    missed = [(s, UnitResult(pairs=60.0 * hit, scale=60.0)) for s, hit in TWENTY]
    found = estimate(population, {"inside": inside, "across": missed, "head": [], "member": []})
    assert found.recall.value == pytest.approx(90 / (90 + 30))
    spread = math.sqrt(60**2 / 2 / 20 + 0.01 * (60 / 20) ** 2) / 30
    assert logit(found.recall.high) - logit(found.recall.value) == pytest.approx(T10 * spread, rel=1e-5)
    assert logit(found.recall.value) - logit(found.recall.low) == pytest.approx(T10 * spread, rel=1e-5)


def test_individuals_are_roots_and_what_no_head_shows_and_open_to_what_was_not_drawn():
    population = population_of([-1] * 30)  # no identity of two: heads alone
    heads = [(s, UnitResult(roots=-8.0 * hit)) for s, hit in TWENTY]
    found = estimate(population, {"inside": [], "across": [], "head": heads, "member": []}).individuals
    k = population.roots_expected - 4
    half = T10 * math.sqrt(8**2 / 2 / 20 + UNSEEN * (30 / 20) ** 2)
    assert UNSEEN > 0
    assert found.value == pytest.approx(k)
    assert found.low == pytest.approx(max(1, k - half), rel=1e-5)
    assert found.high == pytest.approx(min(30, k * math.exp(half / k)), rel=1e-5)
    population = population_of([0] * 20 + [1] * 20)
    members = [(s, UnitResult(roots=6.0 * hit)) for s, hit in TWENTY]
    none = [(s, UnitResult(scale=1.0)) for s, _ in TWENTY]
    found = estimate(population, {"inside": none, "across": none, "head": none, "member": members}).individuals
    assert found.value == pytest.approx(population.roots_expected + 3)


def ask(unit, same):
    """Return the result of a unit that asks whether pairs are the same."""
    try:
        pair = next(unit)
        while True:
            pair = unit.send(same(*pair))
    except StopIteration as end:
        return end.value


@pytest.mark.parametrize("alike", [0, 1, 2, 3])
def test_the_place_of_the_first_that_is_the_same_estimates_one_by_how_many_are(alike):
    """Over all orders of three others, of which some are the same; no search of three ends before."""
    found = [
        ask(_inverse_size(0, order, np.random.default_rng(0)), lambda _, other: other <= alike)
        for order in permutations((1, 2, 3))
    ]
    assert np.mean(found) == pytest.approx(1 / (1 + alike))


def test_what_nobody_can_tell_counts_as_different():
    names = draw_label_set(5, images=(80, 100))
    population = Population(names.labels, names.features, names.p)
    sessions = {verdict: AuditSession(population, LabelMemory(), 80, 0) for verdict in ("unsure", "different")}
    for verdict, session in sessions.items():
        while questions := session.ask():
            session.tell([Answer(question, verdict) for question in questions])
    assert sessions["unsure"].results == sessions["different"].results
    assert sessions["unsure"].unsure == sessions["unsure"].asked > 0 == sessions["different"].unsure


def test_half_the_width_takes_three_times_as_many_again():
    assert questions_to_halve(200) == 600
