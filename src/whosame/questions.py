"""Questions and answers: the types that strategies, annotators and the label store share."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Kind = Literal["within", "between", "pool"]
Source = Literal["human", "oracle", "closure", "memory"]
Verdict = Literal["same", "different", "unsure"]


@dataclass(frozen=True, order=True)
class Question:
    """Whether training images ``a`` and ``b`` are the same person.

    Attributes
    ----------
    a, b : int
        Rows of the training set, ``a < b``.
    kind : str
        ``within`` one cluster, ``between`` two clusters, or from a ``pool`` of neighbours.
    score : float
        How much the strategy wants the answer; larger is asked first.
    group : int
        The cluster (or anchor) the question was chosen for.
    reason : str
        Why it was chosen, in a few words, for the round's record.
    attempt : int
        1; 2 and 3 where an answer was doubted and the pair is asked again.
    p_same : float or None
        How probable "same" was before asking, by the strategy; None where it gives no probability.
    """

    a: int
    b: int
    kind: Kind = field(compare=False)
    score: float = field(compare=False, default=0.0)
    group: int = field(compare=False, default=-1)
    reason: str = field(compare=False, default="")
    attempt: int = field(compare=False, default=1)
    p_same: float | None = field(compare=False, default=None)

    def __post_init__(self) -> None:
        if not 0 <= self.a < self.b:
            raise ValueError(f"a question needs 0 <= a < b, not ({self.a}, {self.b})")


@dataclass(frozen=True)
class Answer:
    """The verdict on a question, who gave it, and what it cost.

    Attributes
    ----------
    question : Question
    verdict : str
        ``same``, ``different`` or ``unsure``.
    source : str
        ``human`` or ``oracle`` for an answer that cost a question of the budget, ``closure`` for a free one, which
        follows from earlier answers or from the bytes of the two files, ``memory`` for one found in the label store
        (given before a restart).
    annotator : str
        Who gave the verdict; where the pair was asked again, who decided it.
    seconds : float
        Time that it took, over all attempts.
    asked : int
        Number of attempts that were paid for.
    overturned : bool
        Whether the first answer was doubted and another one prevailed.
    found_again : bool
        Whether people gave the first answer in an earlier run. It costs nothing here: ``asked`` counts only the
        attempts after it.
    """

    question: Question
    verdict: Verdict
    source: Source = "oracle"
    annotator: str = "oracle"
    seconds: float = 0.0
    asked: int = 1
    overturned: bool = False
    found_again: bool = False

    @property
    def attempts(self) -> int:
        """Number of answers to the pair, paid for or not."""
        return max(self.asked + self.found_again, 1)


class Known(NamedTuple):
    """What is known of the N training images before any answer.

    Attributes
    ----------
    individuals : int64 [N]
        Which individual each image shows, by number; -1 where unknown. Two numbers are two individuals.
    encounters : int64 [N]
        Images of one encounter (a burst, a track) show one individual; -1: of none. Of two encounters nothing is known.
    """

    individuals: NDArray[np.int64]
    encounters: NDArray[np.int64]


class LikelyPairs(NamedTuple):
    """Pairs that are decided without a question, each with the probability that it is one person.

    Attributes
    ----------
    a, b : int64 [m]
        Rows of the training set, a != b; each pair once.
    same : float32 [m]
        p(same), from 0 to 1.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    same: NDArray[np.float32]
