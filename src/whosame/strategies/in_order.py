"""The simplest session: questions in the order in which a strategy wants them."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from whosame.questions import Answer, Question
from whosame.strategies.base import RoundState
from whosame.strategies.session import Account


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
