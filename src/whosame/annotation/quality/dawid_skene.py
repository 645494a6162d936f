"""Dawid-Skene model: error rates of annotators and posteriors of pairs, from the answers alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ErrorRates:
    """How often each annotator gives one kind of wrong answer.

    Attributes
    ----------
    wrong : float64 [K]
        Expected wrong answers.
    asked : float64 [K]
        Expected answers to pairs for which this error is possible.
    prior : tuple of float
        Wrong and right answers added to those of each annotator.
    """

    wrong: Floats
    asked: Floats
    prior: tuple[float, float]

    @property
    def rate(self) -> Floats:
        """Share of wrong answers, above 0 and below 1, float64 [K]: the mean of the interval's distribution."""
        rate: Floats = (self.wrong + self.prior[0]) / (self.asked + sum(self.prior))
        return rate

    def interval(self, coverage: float = 0.95) -> Floats:
        """Return the lower and upper bound of each rate, float64 [2, K].

        Equal-tailed, from the beta distribution of the expected counts. It ignores the uncertainty of the posteriors,
        so that it is too narrow where annotators disagree much.
        """
        tails = np.array([[(1 - coverage) / 2], [(1 + coverage) / 2]])
        right = self.asked - self.wrong
        return np.asarray(beta.ppf(tails, self.wrong + self.prior[0], right + self.prior[1]), np.float64)


@dataclass(frozen=True)
class Estimate:
    """Posteriors of the pairs and error rates of the annotators.

    Attributes
    ----------
    posterior : float64 [P]
        Probability that the pair is one person.
    false_same, false_different : ErrorRates
        Of the annotators: "same" for two people, "different" for one.
    """

    posterior: Floats
    false_same: ErrorRates
    false_different: ErrorRates


def dawid_skene(
    pairs: NDArray[np.int64],
    annotators: NDArray[np.int64],
    same: NDArray[np.bool_],
    *,
    prior: tuple[float, float] = (1.0, 4.0),
    tolerance: float = 1e-9,
    iterations: int = 10_000,
) -> Estimate:
    """Estimate error rates and posteriors by expectation maximisation.

    Parameters
    ----------
    pairs, annotators : int64 [A]
        Which pair, 0..P-1, and who, 0..K-1, of each answer.
    same : bool [A]
        The answers; leave "unsure" out.
    prior : tuple of float
        Wrong and right answers added to those of each annotator, each above 0, so that no rate is 0 or 1 after few
        answers: the mode under a Beta(wrong + 1, right + 1). Fewer wrong than right ones also choose between the two
        mirror images of a solution: the one in which people are mostly right.
    tolerance : float
        Stop when no posterior changes by more.
    iterations : int
        Upper bound of their number.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        Columns of different length, or a prior that is not above 0.

    Notes
    -----
    The model: a pair is one person with an unknown probability (one answer of each kind is added to it too), and given
    the truth annotators answer independently. So the model does not know pairs that are hard for all. Of two annotators
    who disagree it cannot tell who is wrong: with fewer than three, rates are mostly the prior's.

    References
    ----------
    Dawid and Skene, *Maximum likelihood estimation of observer error-rates using the EM algorithm*, Journal of the
    Royal Statistical Society C 28(1), 1979, Eq. 2.3 to 2.5; the start is the share of votes, Eq. 3.1.
    """
    if not len(pairs) == len(annotators) == len(same):
        raise ValueError(f"{len(pairs)} pairs, {len(annotators)} annotators and {len(same)} verdicts: one of each")
    if min(prior) <= 0:
        raise ValueError(f"the prior is {prior}, but both numbers are above 0")
    answered_same = same.astype(np.float64)
    votes = np.bincount(pairs)
    posterior = np.bincount(pairs, answered_same) / np.maximum(votes, 1)
    for _ in range(iterations):
        false_same, false_different = _rates(posterior[pairs], annotators, answered_same, prior)
        log_odds = _log_odds(posterior, pairs, annotators, same, false_same.rate, false_different.rate)
        before, posterior = posterior, 1 / (1 + np.exp(-log_odds))
        if np.abs(posterior - before).max(initial=0.0) <= tolerance:
            break
    return Estimate(posterior, *_rates(posterior[pairs], annotators, answered_same, prior))


def _rates(
    one_person: Floats, annotators: NDArray[np.int64], answered_same: Floats, prior: tuple[float, float]
) -> tuple[ErrorRates, ErrorRates]:
    """Count errors, each answer by its probability to be one: the M step (Eq. 2.3)."""
    one, two = one_person, 1 - one_person

    def total(weights: Floats) -> Floats:
        return np.bincount(annotators, weights).astype(np.float64)  # int where there is no answer

    return (
        ErrorRates(total(two * answered_same), total(two), prior),
        ErrorRates(total(one * (1 - answered_same)), total(one), prior),
    )


def _log_odds(
    posterior: Floats,
    pairs: NDArray[np.int64],
    annotators: NDArray[np.int64],
    same: NDArray[np.bool_],
    false_same: Floats,
    false_different: Floats,
) -> Floats:
    """Return the log-odds that each pair is one person, float64 [P]: the E step (Eq. 2.4, 2.5)."""
    share = (posterior.sum() + 1) / (len(posterior) + 2)
    evidence = np.where(
        same,
        np.log((1 - false_different) / false_same)[annotators],
        np.log(false_different / (1 - false_same))[annotators],
    )
    odds: Floats = np.log(share / (1 - share)) + np.bincount(pairs, evidence, len(posterior))
    return odds
