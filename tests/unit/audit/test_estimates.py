"""Estimates of an audit: unbiased whatever features and p say, with intervals that cover the truth."""

import math

import numpy as np
import pytest
from scipy import stats

from whosame.audit.estimates import Interval, estimate
from whosame.audit.population import Population
from whosame.audit.session import AuditSession
from whosame.audit.unit import UNITS
from whosame.memory import LabelMemory
from whosame.testing.audits import LabelSet, audited, draw_label_set

MAIN = ("precision", "recall", "individuals")


def play(unit, truth):
    """Return the result of a unit that is answered with the true identities."""
    try:
        pair = next(unit)
        while True:
            pair = unit.send(bool(truth[pair[0]] == truth[pair[1]]))
    except StopIteration as end:
        return end.value


@pytest.mark.parametrize("seed", [3, 5])  # mixed errors, and clusters; p good, and useless
def test_every_total_is_estimated_without_bias(seed):
    names = draw_label_set(seed, images=(60, 80))
    population = Population(names.labels, names.features, names.p)
    scores = names.scores()
    right = scores["precision"] * population.within_pairs
    of_people = np.bincount(names.truth)
    is_first = np.array(
        [not (names.truth[population.before(row)] == names.truth[row]).any() for row in population.heads]
    )
    shown = {names.truth[row] for row in population.heads}
    expected = {
        ("inside", "pairs"): population.within_pairs - right,
        ("inside", "shares"): (1 - scores["bcubed_precision"]) * len(population),
        ("across", "pairs"): (of_people * (of_people - 1) / 2).sum() - right,
        ("head", "roots"): is_first.sum() - population.roots_expected,
        ("member", "roots"): scores["individuals"] - len(shown),
    }
    assert is_first.sum() == len(shown)
    generator = np.random.default_rng(0)
    drawn = {
        kind: [play(unit(population, generator, generator.random()), names.truth) for _ in range(2000)]
        for kind, (unit, _) in UNITS.items()
    }
    for (kind, of), truth in expected.items():
        values = np.array([getattr(result, of) for result in drawn[kind]])
        error = values.std() / math.sqrt(len(values))
        assert abs(values.mean() - truth) < 4 * error + 1e-9, (kind, of)


def test_intervals_cover_the_truth():
    """The bound is that of a coverage of 95 %: it is missed once in a thousand times."""
    sets = [draw_label_set(seed, images=(150, 400)) for seed in range(4000, 4030)]
    found = [(audited(names, 200, seed)[0], names.scores()) for seed, names in enumerate(sets)]
    bound = stats.binom.ppf(0.001, len(sets), 0.95)
    covered = {name: sum(scores[name] in getattr(each, name) for each, scores in found) for name in MAIN}
    assert min(covered.values()) >= bound, covered
    widths = {
        name: np.median([getattr(each, name).high - getattr(each, name).low for each, _ in found]) for name in MAIN
    }
    assert widths["precision"] < 0.4
    assert widths["recall"] < 0.5


def test_the_same_seed_draws_the_same_pairs_and_more_questions_go_on_from_there():
    names = draw_label_set(11, images=(150, 200))
    few, again, many, other = (
        audited(names, questions, seed)[1] for questions, seed in ((60, 1), (60, 1), (150, 1), (60, 2))
    )
    assert few.results == again.results
    for kind, units in few.results.items():
        assert many.results[kind][: len(units)] == units
    assert many.asked > few.asked
    assert other.results != few.results


def test_what_is_known_is_not_asked():
    names = draw_label_set(7, images=(60, 80))
    population = Population(names.labels, names.features, names.p)
    session = AuditSession(population, LabelMemory.from_labels(names.truth), 100, 0)
    assert session.ask() == []
    estimates = estimate(population, session.results)
    assert session.asked == 0
    assert all(names.scores()[name] in getattr(estimates, name) for name in MAIN)
    assert abs(estimates.precision.value - names.scores()["precision"]) < 0.1


def test_names_without_an_error_have_a_one_sided_interval():
    names = draw_label_set(4, images=(200, 220))
    truth = LabelSet("true", "good", names.truth, names.truth, names.features, np.ones(len(names.truth)))
    estimates, _ = audited(truth, 200, 0)
    assert estimates.precision.value == estimates.precision.high == 1
    assert 0.8 < estimates.precision.low < 1
    assert estimates.recall.value == estimates.recall.high == 1
    assert estimates.recall.low < 1
    assert names.scores()["individuals"] in estimates.individuals


def _population(labels):
    labels = np.array(labels)
    features = np.random.default_rng(0).standard_normal((len(labels), 4)).astype(np.float32)
    return LabelSet("", "", labels, np.zeros(len(labels), dtype=np.int64), features, np.full(len(labels), 0.5))


def test_one_identity_has_no_pair_across_and_outliers_have_none_inside():
    one, _ = audited(_population([0] * 8), 50, 0)
    assert one.recall == Interval(1.0, 1.0, 1.0)
    assert one.precision.high == 1
    assert 1 in one.individuals
    alone, session = audited(_population([-1] * 8), 50, 0)
    assert not alone.precision.known
    assert alone.recall == Interval(0.0, 0.0, 0.0)
    assert 1 in alone.individuals
    assert 0 < session.asked <= 28
    single, session = audited(_population([-1]), 50, 0)
    assert single.individuals == Interval(1.0, 1.0, 1.0)
    assert session.asked == 0
    assert single.as_dict()["recall"] is None


def test_a_wave_that_is_not_answered_in_full_does_not_count():
    names = draw_label_set(8, images=(150, 200))
    session = AuditSession(Population(names.labels, names.features, names.p), LabelMemory(), 100, 0)
    assert session.ask()
    assert not any(session.results.values())
