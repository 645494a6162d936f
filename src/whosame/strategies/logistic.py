"""How likely two images are one person at a distance: a logistic curve through the answers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Values = NDArray[np.float64]

STEPS = 100  # Newton's method needs a dozen


@dataclass(frozen=True)
class Logistic:
    """p(same | distance) = 1 / (1 + exp(-(intercept + slope × distance)))."""

    intercept: float
    slope: float

    def log_odds(self, distance: Values) -> Values:
        """Return log(p / (1 - p)); 0 where p is 1/2."""
        return self.intercept + self.slope * distance

    def probability(self, distance: Values) -> Values:
        """Return p(same)."""
        p: Values = expit(self.log_odds(distance))
        return p


def fit(distance: Values, same: NDArray[np.bool_], *, prior: float, sure: float) -> Logistic:
    """Fit the curve to answers, by maximum likelihood with a prior that is worth some answers.

    The prior's answers are half at distance 0, where a share ``sure`` is "same", and half at distance 1, where that
    share is "different": without an answer p falls from ``sure`` to 1 - ``sure``, and is 1/2 at distance 1/2. They
    also keep the curve finite where one distance parts all answers.

    Parameters
    ----------
    distance : float64 [m]
        In 0..1.
    same : bool [m]
    prior : float
        Answers that the prior is worth, more than 0.
    sure : float
        In (0.5, 1).

    Examples
    --------
    >>> curve = fit(np.empty(0), np.empty(0, bool), prior=10, sure=0.9)
    >>> curve.probability(np.array([0.0, 0.5, 1.0])).round(3).tolist()
    [0.9, 0.5, 0.1]
    """
    at = np.concatenate([[0.0, 0.0, 1.0, 1.0], distance])
    yes = np.concatenate([[1.0, 0.0, 0.0, 1.0], same])
    weight = np.concatenate([prior / 2 * np.array([sure, 1 - sure] * 2), np.ones(len(distance))])
    inputs = np.stack([np.ones_like(at), at], axis=1)
    start = float(logit(sure))
    curve = np.array([start, -2 * start])
    loss = _loss(curve, inputs, yes, weight)
    for _ in range(STEPS):
        p = expit(inputs @ curve)
        slope = inputs.T @ (weight * (yes - p))
        bend = inputs.T @ (inputs * (weight * p * (1 - p))[:, None])
        step = np.linalg.solve(bend, slope)
        while (lower := _loss(curve + step, inputs, yes, weight)) > loss and np.abs(step).max() > 1e-12:
            step /= 2
        if lower >= loss:
            break
        curve, loss = curve + step, lower
    return Logistic(float(curve[0]), float(curve[1]))


def _loss(curve: Values, inputs: Values, yes: Values, weight: Values) -> float:
    z = inputs @ curve
    return float(weight @ (np.logaddexp(0, z) - yes * z))
