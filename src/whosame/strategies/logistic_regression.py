"""Logistic regression of p("same") on the answers so far, and its calibration."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

STEPS = 50  # of Newton's method, at most; it converges in a handful
HALVINGS = 30  # of a step that overshoots
TOLERANCE = 1e-8  # of a weight
GRID = 0.25  # logits between two points at which levels are averaged
LEVELS = 1e-9  # probabilities nearer to 0 or 1 than this are equal

Numbers = NDArray[np.float64]


def fit_logistic(
    inputs: Numbers, same: Numbers, prior: Numbers, precision: float, *, counts: Numbers | None = None
) -> Numbers:
    """Return the most probable weights of a logistic curve, given answers and a Gaussian prior.

    Newton's method with step halving, from the prior.

    Parameters
    ----------
    inputs : float64 [n, k]
        A column for every weight; n may be 0, then the prior is returned.
    same : float64 [n]
        1 for "same", 0 for "different".
    prior : float64 [k]
        Mean of the weights without any answer.
    precision : float
        Inverse of their variance, at least 0. At 0 the weights are those of maximum likelihood, which exist only
        where no curve separates the answers.
    counts : float64 [n], optional
        How many answers each row counts for; 1 each by default.

    Returns
    -------
    float64 [k]
        p("same") of a row of inputs is expit(inputs @ weights).
    """
    counts = np.ones(len(same)) if counts is None else counts

    def loss(weights: Numbers) -> float:
        level = inputs @ weights
        likelihood = (counts * (np.logaddexp(0, level) - same * level)).sum()
        return float(likelihood + precision / 2 * ((weights - prior) ** 2).sum())

    weights = prior.astype(np.float64)
    for _ in range(STEPS):
        p = expit(inputs @ weights)
        slope = inputs.T @ (counts * (same - p)) - precision * (weights - prior)
        curvature = (inputs * (counts * (p * (1 - p)))[:, None]).T @ inputs + precision * np.eye(len(prior))
        step = np.linalg.solve(curvature, slope)
        if np.abs(step).max() < TOLERANCE:
            break
        # Where the curve is flat, at answers that surprise, a whole step leads too far and the next one farther back.
        start, fall = loss(weights), float(slope @ step)
        for _ in range(HALVINGS):
            if loss(weights + step) <= start - 1e-4 * fall:  # Armijo's rule
                break
            step, fall = step / 2, fall / 2
        weights = weights + step
    return weights


def fit_distance_curve(distance: Numbers, same: NDArray[np.bool_], *, prior: float, sure: float) -> Numbers:
    """Return intercept and slope of the log odds of p("same") over distance, fitted to answers and prior answers.

    The prior answers are half at distance 0, where a share ``sure`` is "same", and half at distance 1, where that
    share is "different": without an answer p falls from ``sure`` to 1 - ``sure``, and is 1/2 at distance 1/2. They
    also keep the curve finite where one distance separates all answers.

    Parameters
    ----------
    distance : float64 [m]
        In 0..1.
    same : bool [m]
    prior : float
        Number of prior answers, more than 0.
    sure : float
        In (0.5, 1).

    Returns
    -------
    float64 [2]

    Examples
    --------
    >>> intercept, slope = fit_distance_curve(np.empty(0), np.empty(0, bool), prior=10, sure=0.9)
    >>> expit(intercept + slope * np.array([0.0, 0.5, 1.0])).round(3).tolist()
    [0.9, 0.5, 0.1]
    """
    at = np.concatenate([[0.0, 0.0, 1.0, 1.0], distance])
    yes = np.concatenate([[1.0, 0.0, 0.0, 1.0], same])
    counts = np.concatenate([prior / 2 * np.array([sure, 1 - sure] * 2), np.ones(len(distance))])
    without = logit(sure) * np.array([1.0, -2.0])
    return fit_logistic(np.stack([np.ones_like(at), at], axis=1), yes, without, 0.0, counts=counts)


def calibrated(p: Numbers, answered: Numbers, same: Numbers, *, width: float, trust: float) -> Numbers:
    """Pull probabilities towards the answers to questions of the same level.

    A logistic curve is right in the middle and wrong at its ends, and there it costs most: the many pairs of large
    clusters that are hardly ever one person. Every answer counts by how near its level lies, in logits, as in the
    estimator of Nadaraya and Watson.

    Parameters
    ----------
    p : float64 [P]
        By the curve.
    answered, same : float64 [n]
        Of the questions that were answered: p by the same curve, and 1 for "same".
    width : float
        Standard deviation of the window, in logits.
    trust : float
        How many answers the curve itself is worth.

    Returns
    -------
    float64 [P]
    """
    if len(answered) == 0 or len(p) == 0:
        return p
    level, known = (logit(np.clip(values, LEVELS, 1 - LEVELS)) for values in (p, answered))
    grid = np.arange(level.min(), level.max() + GRID, GRID)
    near = np.exp(-0.5 * ((grid[:, None] - known) / width) ** 2)
    count, yes = np.interp(level, grid, near.sum(axis=1)), np.interp(level, grid, near @ same)
    pulled: Numbers = (yes + trust * p) / (count + trust)
    return pulled
