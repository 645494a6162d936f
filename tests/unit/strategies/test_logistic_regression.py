"""p("same"): the logistic curve against an optimiser and scikit-learn, and the pull of the answers by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from whosame.strategies.logistic_regression import calibrated, fit_distance_curve, fit_logistic


def drawn(n, *, seed=0, scale=1.0):
    draw = np.random.default_rng(seed)
    evidence = np.concatenate([np.ones((n, 1)), scale * draw.normal(size=(n, 2))], axis=1)
    same = (draw.random(n) < expit(evidence @ [0.5, 2.0, -1.0])).astype(float)
    return evidence, same


def loss(weights, evidence, same, prior, precision):
    level = evidence @ weights
    likelihood = (np.logaddexp(0, level) - same * level).sum()
    return likelihood + precision / 2 * ((weights - prior) ** 2).sum()


@pytest.mark.parametrize("precision", [0.1, 1.0, 20.0])
def test_a_prior_of_zero_is_ridge_logistic_regression(precision):
    evidence, same = drawn(200)
    model = LogisticRegression(C=1 / precision, fit_intercept=False, tol=1e-10).fit(evidence, same)
    np.testing.assert_allclose(fit_logistic(evidence, same, np.zeros(3), precision), model.coef_[0], atol=1e-5)


@pytest.mark.parametrize("n", [1, 3, 40, 800])
@pytest.mark.parametrize("seed", range(4))
def test_surprising_answers_do_not_lead_away_from_the_optimum(n, seed):
    # Evidence as large as a round's can be, and every answer the contrary: the first Newton steps overshoot by far.
    evidence, same = drawn(n, seed=seed, scale=6.0)
    prior = np.array([-1.0, 3.0, 0.5])
    found = fit_logistic(evidence, 1 - same, prior, 1.0)
    best = minimize(loss, prior, args=(evidence, 1 - same, prior, 1.0), method="BFGS", options={"gtol": 1e-6})
    assert loss(found, evidence, 1 - same, prior, 1.0) <= best.fun + 1e-6


def test_without_answers_the_prior_stays():
    prior = np.array([1.0, -2.0])
    found = fit_logistic(np.empty((0, 2)), np.empty(0), prior, 1.0)
    assert found.tolist() == prior.tolist()
    found[0] = 9
    assert prior[0] == 1  # a copy


def test_one_answer_by_hand():
    # One weight, prior 0, precision 1, evidence 1, "same": w solves w = 1 - sigmoid(w), which is .4010581.
    (weight,) = fit_logistic(np.ones((1, 1)), np.ones(1), np.zeros(1), 1.0)
    assert weight == pytest.approx(0.4010581, abs=1e-6)
    assert weight == pytest.approx(1 - expit(weight), abs=1e-9)


def fitted(distance, same, *, at=(0, 1), prior=10, sure=0.95):
    """Return p("same") at some distances."""
    intercept, slope = fit_distance_curve(np.asarray(distance, float), np.asarray(same, bool), prior=prior, sure=sure)
    return expit(intercept + slope * np.array(at))


def test_without_answers_the_curve_over_distance_is_the_prior():
    # log(.95 / .05) = 2.9444 at 0, the opposite at 1.
    assert fit_distance_curve(np.empty(0), np.empty(0, bool), prior=10, sure=0.95) == pytest.approx(
        [2.944439, -5.888878], abs=1e-6
    )
    assert fitted([], [], at=(0, 0.5, 1)) == pytest.approx([0.95, 0.5, 0.05])


def test_at_one_distance_the_curve_counts():
    # Answers at distance 0 only: there, p is a share of counts: (.9 * 4 / 2 + 1) / (4 / 2 + 4) = 2.8 / 6.
    assert fitted([0] * 4, [1, 0, 0, 0], prior=4, sure=0.9) == pytest.approx([2.8 / 6, 0.1])


def test_the_curve_is_that_of_a_weighted_logistic_regression():
    draw = np.random.default_rng(0)
    distance = draw.random(200)
    same = draw.random(200) < expit(12 * (0.3 - distance))
    inputs = np.concatenate([[0, 0, 1, 1], distance])[:, None]
    weights = np.concatenate([[4.75, 0.25, 0.25, 4.75], np.ones(200)])
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(inputs, np.append([1, 0, 1, 0], same), weights)
    curve = fit_distance_curve(distance, same, prior=10, sure=0.95)
    assert curve == pytest.approx([reference.intercept_[0], reference.coef_[0, 0]], rel=1e-4)


@pytest.mark.parametrize("prior", [1e-3, 10.0])
def test_answers_that_one_distance_separates_leave_the_curve_finite(prior):
    distance = np.linspace(0, 0.6, 400)
    intercept, slope = fit_distance_curve(distance, distance < 0.2, prior=prior, sure=0.95)
    assert -intercept / slope == pytest.approx(0.2, abs=0.02)
    intercept, slope = fit_distance_curve(distance, distance > 0.2, prior=prior, sure=0.95)  # near is different
    assert np.isfinite(intercept)
    assert slope > 0


def test_calibrated_by_hand():
    # Levels 0 (p = .5) and 2; told: two answers at level 0, "same" and "different", one at level 2, "different".
    # Window of width 1: an answer 2 logits away counts exp(-2) = .1353.
    # At 0: yes 1, count 2.1353; (1 + 2 · .5) / (2.1353 + 2) = .48365.
    # At 2: yes .1353, count 1 + .2707 = 1.2707; p = .8808: (.1353 + 1.7616) / 3.2707 = .57998.
    p, told = expit(np.array([0.0, 2.0])), expit(np.array([0.0, 0.0, 2.0]))
    found = calibrated(p, told, np.array([1.0, 0.0, 0.0]), width=1.0, trust=2.0)
    near, level = np.exp(-2), expit(2.0)
    expected = [2 / (2 + near + 2), (near + 2 * level) / (1 + 2 * near + 2)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found, [0.48365, 0.57998], atol=1e-4)


def test_between_grid_points_it_is_nearly_the_estimator_itself():
    draw = np.random.default_rng(0)
    p, told, same = draw.random(300), draw.random(40), draw.integers(0, 2, 40).astype(float)
    near = np.exp(-0.5 * ((logit(p)[:, None] - logit(told)) / 0.7) ** 2)
    expected = (near @ same + 5 * p) / (near.sum(axis=1) + 5)
    np.testing.assert_allclose(calibrated(p, told, same, width=0.7, trust=5.0), expected, atol=0.01)


def test_without_answers_or_pairs():
    p = np.array([0.2, 0.7])
    assert calibrated(p, np.empty(0), np.empty(0), width=1, trust=1).tolist() == [0.2, 0.7]
    assert calibrated(np.empty(0), p, p, width=1, trust=1).tolist() == []


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_certainty_stays_finite(certain):
    p = np.full(3, certain)
    found = calibrated(p, p, np.full(3, 1 - certain), width=0.7, trust=5.0)
    np.testing.assert_allclose(found, (3 * (1 - certain) + 5 * certain) / 8)
