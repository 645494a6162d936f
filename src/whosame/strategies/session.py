"""What a session has asked, been told, and may still spend: kept the same way by every strategy."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

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


class InOrder:
    """One round of a strategy whose order of preference does not depend on the round's answers.

    Keeps the rules of asking: what was decided meanwhile is passed over, and nothing is taken from the iterator before
    it can be paid for.

    Parameters
    ----------
    state : RoundState
    wanted : iterable of Question
        The most wanted first; as long as it likes, and best made as it is read: most rounds read little of it.
    """

    def __init__(self, state: RoundState, wanted: Iterable[Question]) -> None:
        self._account = Account(state)
        self._wanted = iter(wanted)

    def ask(self) -> Sequence[Question]:
        """Return the next open questions, as many as may still be paid for."""
        questions: list[Question] = []
        while len(questions) < self._account.left and (one := next(self._wanted, None)) is not None:
            if self._account.is_open(one.a, one.b):
                kept = self._account.question(
                    one.a, one.b, one.kind, score=one.score, group=one.group, reason=one.reason
                )
                questions.append(kept)
        return questions

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers."""
        self._account.tell(answers)

    def carry(self) -> dict[str, NDArray[np.generic]]:
        """Return nothing: rounds are independent."""
        return {}
