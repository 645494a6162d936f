"""The Dawid-Skene model: by hand, as a fixed point, recovered from simulations."""

import numpy as np
import pytest

from whosame.annotation.quality.dawid_skene import ErrorRates, dawid_skene


def test_unanimous_answers_by_hand():
    # Three people, two pairs all call one and two all call two. Each has 2 expected answers of either kind (2T + 2(1-T)),
    # of which 2(1-T) wrong: x = (2(1-T) + 1) / (2 + 5), T = (1-x)³ / ((1-x)³ + x³). x: .1429, .14417, .14422; T: .9952.
    who, which = np.tile(np.arange(3), 4), np.repeat(np.arange(4), 3)
    found = dawid_skene(which, who, which < 2)
    np.testing.assert_allclose(found.posterior, [0.9952, 0.9952, 0.0048, 0.0048], atol=1e-4)
    for rates in (found.false_same, found.false_different):
        np.testing.assert_allclose(rates.rate, 0.1442, atol=1e-4)
        np.testing.assert_allclose(rates.asked, 2)


def test_the_result_is_a_fixed_point_of_the_two_steps(simulated):
    _, which, who, same = simulated([(0.1, 0.2), (0.02, 0.1), (0.3, 0.05), (0.1, 0.1)], pairs=60)
    prior = (0.5, 3.0)
    found = dawid_skene(which, who, same, prior=prior)
    T = found.posterior
    for k in range(4):
        mine = [(which[a], same[a]) for a in range(len(who)) if who[a] == k]
        false_same = (sum((1 - T[p]) * s for p, s in mine) + 0.5) / (sum(1 - T[p] for p, _ in mine) + 3.5)
        false_different = (sum(T[p] * (not s) for p, s in mine) + 0.5) / (sum(T[p] for p, _ in mine) + 3.5)
        assert found.false_same.rate[k] == pytest.approx(false_same, abs=1e-6)
        assert found.false_different.rate[k] == pytest.approx(false_different, abs=1e-6)
    share = (T.sum() + 1) / (len(T) + 2)
    for p in range(60):
        one, two = share, 1 - share
        for a in np.flatnonzero(which == p):
            e, d = found.false_same.rate[who[a]], found.false_different.rate[who[a]]
            one *= 1 - d if same[a] else d
            two *= e if same[a] else 1 - e
        assert T[p] == pytest.approx(one / (one + two), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_error_rates_and_truth_are_recovered(seed, simulated):
    rates = [(0.02, 0.05), (0.05, 0.15), (0.3, 0.1), (0.01, 0.02), (0.1, 0.4)]
    truth, which, who, same = simulated(rates, seed=seed)
    found = dawid_skene(which, who, same)
    np.testing.assert_allclose(found.false_same.rate, [e for e, _ in rates], atol=0.06)
    np.testing.assert_allclose(found.false_different.rate, [d for _, d in rates], atol=0.08)
    votes = np.bincount(which, same, len(truth)) / np.maximum(1, np.bincount(which, minlength=len(truth)))
    answered = np.bincount(which, minlength=len(truth)) > 0
    believed = ((found.posterior > 0.5) == truth)[answered].mean()
    assert believed > 0.95
    assert believed >= ((votes > 0.5) == truth)[answered].mean(), "no better than counting votes"


def test_intervals_hold_the_rates_about_as_often_as_they_say(simulated):
    rates = np.array([(0.05, 0.1), (0.1, 0.05), (0.02, 0.2), (0.15, 0.15), (0.05, 0.05)])
    inside = []
    for seed in range(20):
        _, which, who, same = simulated(rates, pairs=300, share=0.9, seed=seed)
        found = dawid_skene(which, who, same)
        for kind, estimate in enumerate((found.false_same, found.false_different)):
            low, high = estimate.interval(0.95)
            inside.append((low <= rates[:, kind]) & (rates[:, kind] <= high))
    assert 0.87 <= np.mean(inside) <= 0.99


def test_intervals_are_those_of_the_beta_distribution():
    # Prior one wrong and one right, nothing seen: uniform. Ten of ten wrong: Beta(11, 1), quantile q at q^(1/11).
    low, high = ErrorRates(np.array([0.0, 10.0]), np.array([0.0, 10.0]), (1.0, 1.0)).interval(0.9)
    np.testing.assert_allclose(low, [0.05, 0.05 ** (1 / 11)])
    np.testing.assert_allclose(high, [0.95, 0.95 ** (1 / 11)])


def test_nobody_is_perfect_or_hopeless_after_few_answers():
    for said in (True, False):
        found = dawid_skene(np.zeros(2, int), np.arange(2), np.array([said, not said]))
        for rates in (found.false_same, found.false_different):
            assert ((rates.rate > 0) & (rates.rate < 0.5)).all()


def test_no_answer_at_all():
    nothing = np.empty(0, np.int64)
    found = dawid_skene(nothing, nothing, np.empty(0, bool))
    assert len(found.posterior) == len(found.false_same.rate) == 0


def test_columns_and_prior_are_checked():
    with pytest.raises(ValueError, match="2 pairs, 1 annotators and 2 verdicts"):
        dawid_skene(np.array([0, 1]), np.array([0]), np.array([True, False]))
    with pytest.raises(ValueError, match="both numbers are above 0"):
        dawid_skene(np.array([0]), np.array([0]), np.array([True]), prior=(0.0, 4.0))
