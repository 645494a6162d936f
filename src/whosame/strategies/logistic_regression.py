"""The probability that a question is answered "same", learnt from the answers so far."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

STEPS = 50  # of Newton's method, at most; it converges in a handful
HALVINGS = 30  # of a step that overshoots
TOLERANCE = 1e-8  # of a weight
GRID = 0.25  # logits between two points at which levels are averaged
LEVELS = 1e-9  # probabilities nearer to 0 or 1 are not told apart

Numbers = NDArray[np.float64]


def fit_logistic(evidence: Numbers, same: Numbers, prior: Numbers, precision: float) -> Numbers:
    """Return the weights of a logistic curve that are most probable given answers and a Gaussian prior.

    Parameters
    ----------
    evidence : float64 [n, k]
        A column for every weight; n may be 0, then the prior is returned.
    same : float64 [n]
        1 for "same", 0 for "different".
    prior : float64 [k]
        Where the weights lie without any answer.
    precision : float
        How firmly: the inverse of their variance, above 0.

    Returns
    -------
    float64 [k]
    """

    def loss(weights: Numbers) -> float:
        level = evidence @ weights
        return float((np.logaddexp(0, level) - same * level).sum() + precision / 2 * ((weights - prior) ** 2).sum())

    weights = prior.astype(np.float64)
    for _ in range(STEPS):
        p = expit(evidence @ weights)
        slope = evidence.T @ (same - p) - precision * (weights - prior)
        curvature = (evidence * (p * (1 - p))[:, None]).T @ evidence + precision * np.eye(len(prior))
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


def calibrated(p: Numbers, told: Numbers, same: Numbers, *, width: float, trust: float) -> Numbers:
    """Pull probabilities towards what questions of the same level were answered.

    A logistic curve is right in the middle and wrong at its ends, and there it costs most: the many pairs of large
    clusters that are hardly ever one person. Every answer counts by how near its level lies, in logits, as in the
    estimator of Nadaraya and Watson.

    Parameters
    ----------
    p : float64 [P]
        By the curve.
    told, same : float64 [n]
        Of the questions that were answered: p by the same curve, and 1 for "same".
    width : float
        Standard deviation of the window, in logits.
    trust : float
        How many answers the curve itself is worth.

    Returns
    -------
    float64 [P]
    """
    if len(told) == 0 or len(p) == 0:
        return p
    level, known = (logit(np.clip(values, LEVELS, 1 - LEVELS)) for values in (p, told))
    grid = np.arange(level.min(), level.max() + GRID, GRID)
    near = np.exp(-0.5 * ((grid[:, None] - known) / width) ** 2)
    count, yes = np.interp(level, grid, near.sum(axis=1)), np.interp(level, grid, near @ same)
    pulled: Numbers = (yes + trust * p) / (count + trust)
    return pulled
