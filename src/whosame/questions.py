"""Questions and answers: the words that strategies, annotators and the label store share."""

from dataclasses import dataclass, field
from typing import Literal

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
        Why it was chosen, in a few words, for the account of the round.
    attempt : int
        1; 2 and 3 where an answer was doubted and the pair is put again.
    """

    a: int
    b: int
    kind: Kind = field(compare=False)
    score: float = field(compare=False, default=0.0)
    group: int = field(compare=False, default=-1)
    reason: str = field(compare=False, default="")
    attempt: int = field(compare=False, default=1)

    def __post_init__(self) -> None:
        if not 0 <= self.a < self.b:
            raise ValueError(f"a question needs 0 <= a < b, not ({self.a}, {self.b})")


@dataclass(frozen=True)
class Answer:
    """What was said to a question, by whom, and how long it took.

    ``source`` is ``human`` or ``oracle`` for an answer that cost a question of the budget, ``closure`` for one
    that follows from earlier answers, ``memory`` for one found in the label store (asked before a restart).

    Where the first answer was doubted, this is what came of putting the pair again: ``asked`` is how often it was
    put, and so what it cost, ``seconds`` is their sum, ``annotator`` who decided it; ``overturned`` tells that the
    first answer was another.

    ``found_again`` tells that people gave the first answer in an earlier run: it cost nothing here, and ``asked``
    counts only what came after it.
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
        """How often the pair was answered, whether that cost something or not."""
        return self.asked + self.found_again
