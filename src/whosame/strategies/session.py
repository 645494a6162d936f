"""What a session has asked, been told, and may still spend: kept the same way by every strategy."""

from collections.abc import Sequence

from whosame.memory import LabelMemory
from whosame.questions import Answer, Kind, Question
from whosame.strategies.base import RoundState


class Account:
    """The questions of one round, against its budget and everything known.

    A session that asks only what :meth:`is_open` allows, by :meth:`question`, and no more than :attr:`left`, keeps
    the rules: budget never exceeded, no pair twice, no pair that is decided.

    Attributes
    ----------
    memory : LabelMemory
        A copy of the state's, with the round's answers.
    left : int
        Questions that may still be paid for.
    """

    def __init__(self, state: RoundState) -> None:
        self.memory: LabelMemory = state.memory.copy()
        self.left = max(0, state.budget)
        self._asked: set[tuple[int, int]] = set()

    def is_open(self, a: int, b: int) -> bool:
        """Tell whether a pair, in either order, was neither asked this round nor decided by any answer."""
        return (min(a, b), max(a, b)) not in self._asked and not self.memory.settled(a, b)

    def question(self, a: int, b: int, kind: Kind, *, score: float, group: int, reason: str) -> Question:
        """Make the question about two rows, in either order, and remember that it was asked."""
        a, b = min(a, b), max(a, b)
        self._asked.add((a, b))
        return Question(a, b, kind, score=score, group=group, reason=reason)

    def tell(self, answers: Sequence[Answer]) -> None:
        """Put answers into the memory and charge what they cost: all but the closure's, as often as they were asked."""
        for answer in answers:
            a, b = answer.question.a, answer.question.b
            if answer.source != "closure":
                self.left -= answer.asked
            if answer.verdict == "unsure":
                self.memory.skip(a, b)
            else:
                self.memory.add(a, b, answer.verdict == "same")
