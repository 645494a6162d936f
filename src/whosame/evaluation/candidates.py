"""Candidates: whether the questions of a run find pairs of one individual, told from its first answers."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whosame.questions import Kind

HOPED = 0.5  # p("same") of a pair that is asked in the hope of "same", where the strategy gives none, or a smaller one
GRID = 400  # values of the kept share at which its posterior is computed
WINDOW = 1.5  # times the answers of the rule: later ones are not judged, strategies ask the clearest pairs first
NEVER = 1e-6  # least probability of an answer: a p(same) of 0 or 1 may be wrong


class CandidateRule(NamedTuple):
    """When answers are taken as wasted.

    Attributes
    ----------
    answers : int
        "same" and "different" that are given before anything is concluded, those to a pair that is asked again too.
    share : float
        Of the "same" that were expected; 0 to 1.
    confidence : float
        How probable it must be that less than this share comes true.
    """

    answers: int = 20
    share: float = 0.5
    confidence: float = 0.9

    def fires(self, expected: Sequence[float], same: Sequence[bool], attempts: Sequence[int] | None = None) -> bool:
        """Return whether the first of these answers, all of a run so far, show that its features find no candidates.

        Parameters
        ----------
        expected : sequence of float, n long
            :func:`expected_same` of each pair.
        same : sequence of bool, n long
            Whether the answer was "same"; "unsure" is left out.
        attempts : sequence of int, n long, optional
            How many answers each pair took; by default one.
        """
        spent = np.cumsum(np.ones(len(same), np.int64) if attempts is None else np.asarray(attempts, np.int64))
        if len(spent) == 0 or spent[-1] < self.answers:
            return False
        first = int((spent <= max(WINDOW * self.answers, spent[0])).sum())
        return kept_below(expected[:first], same[:first], self.share) >= self.confidence


def expected_same(kind: Kind, p_same: float | None) -> float:
    """Return the probability of "same" that makes a question worth asking.

    A question that doubts a cluster (``within``, with a probability) hopes for "different": its own p(same) counts, so
    that "different" says little where it was expected. Any other question hopes for "same", with at least 1/2.

    Parameters
    ----------
    kind : str
        Of the question.
    p_same : float or None
        What the strategy said; None where it gives no probability.
    """
    if p_same is None:
        return HOPED
    return p_same if kind == "within" else max(p_same, HOPED)


def kept_below(expected: Sequence[float], same: Sequence[bool], share: float) -> float:
    """Return how probable it is that less than a share of the expected "same" comes true.

    A pair is "same" with probability λ times what was expected; before the answers all λ from 0 to 1 are equally
    probable, after them λ has the posterior of that model. With an expected 1/2 for each pair, 2 "same" among 20 give
    0.92, 3 give 0.81 (``share`` 1/2).

    Parameters
    ----------
    expected : sequence of float, n long
    same : sequence of bool, n long
    share : float
        From 0 to 1.
    """
    kept: NDArray[np.float64] = (np.arange(GRID) + 0.5) / GRID
    p = np.clip(kept[:, None] * np.asarray(expected, np.float64), NEVER, 1 - NEVER)
    levels = np.where(np.asarray(same, bool), np.log(p), np.log1p(-p)).sum(axis=1)
    weights = np.exp(levels - levels.max())
    return float(weights[kept < share].sum() / weights.sum())
