"""Stopping advice: whether further questions still change anything, and how many narrow the intervals."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

SPAN = 20  # answers that the moving average looks back on
AHEAD = 72  # questions looked ahead
THRESHOLD = 0.052  # below this chance Crall stops


@dataclass(frozen=True)
class StoppingAdvice:
    """What the answers so far say about asking more.

    Attributes
    ----------
    rate : float
        Moving average of "the answer changed something", 0 to 1; 1 before the first answer.
    chance : float
        Chance that at least one of the next :data:`AHEAD` answers changes something.
    answers : int
        Answers that it is computed from.
    """

    rate: float
    chance: float
    answers: int

    @property
    def stop(self) -> bool:
        """Whether the chance is below :data:`THRESHOLD`."""
        return self.chance < THRESHOLD


def stopping_advice(changed: Iterable[bool]) -> StoppingAdvice:
    """Return Crall's rule after answers in their order.

    Parameters
    ----------
    changed : iterable of bool
        Whether each answer changed something: it contradicted the clusters as they were.

    Notes
    -----
    The rate is an exponential moving average with the weight 2 / (s + 1), s = 20. The number of changes among the next
    a = 72 answers is taken as Poisson with mean rate * a, so that the chance of any is 1 - exp(-rate * a).

    References
    ----------
    Crall, *Identifying Individual Animals using Ranking, Verification, and Connectivity*, thesis, Rensselaer
    Polytechnic Institute, 2017, chapter 5.

    Examples
    --------
    >>> stopping_advice([False] * 73).stop, stopping_advice([False] * 72 + [True]).stop
    (True, False)
    """
    rate, count = 1.0, 0
    for each in changed:
        rate += 2 / (SPAN + 1) * (each - rate)
        count += 1
    return StoppingAdvice(rate, 1 - math.exp(-AHEAD * rate), count)


def questions_to_halve(asked: int) -> int:
    """Return how many further questions halve the intervals: their width falls with the root of the questions."""
    return 3 * asked
