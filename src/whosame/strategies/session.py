"""Session budget, and the sessions that keep to it."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from whosame.memory import LabelMemory
from whosame.questions import Answer, Kind, Question
from whosame.strategies.base import RoundState


class SessionBudget:
    """The questions of one round, checked against its budget and all answers.

    A session that asks only what :meth:`is_open` allows, by :meth:`question`, and no more than :attr:`remaining`,
    keeps the rules: budget never exceeded, no pair twice, no pair that is decided.

    Attributes
    ----------
    memory : LabelMemory
        A copy of the state's, with the round's answers.
    remaining : int
        Questions that may still be paid for.
    """

    def __init__(self, state: RoundState) -> None:
        self.memory: LabelMemory = state.memory.copy()
        self.remaining = max(0, state.budget)
        self._asked: set[tuple[int, int]] = set()

    def is_open(self, a: int, b: int) -> bool:
        """Return whether a pair, in either order, was neither asked this round nor decided by any answer."""
        return (min(a, b), max(a, b)) not in self._asked and not self.memory.settled(a, b)

    def open_among(self, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of some pairs of rows are open, bool [P]."""
        found = ~self.memory.settled_among(first, second)
        for at in np.flatnonzero(found) if self._asked else ():
            found[at] = (min(first[at], second[at]), max(first[at], second[at])) not in self._asked
        return found

    def question(
        self, a: int, b: int, kind: Kind, *, score: float, group: int, reason: str, p_same: float | None = None
    ) -> Question:
        """Make the question about two rows, in either order, and remember that it was asked."""
        a, b = min(a, b), max(a, b)
        self._asked.add((a, b))
        return Question(a, b, kind, score=score, group=group, reason=reason, p_same=p_same)

    def tell(self, answers: Sequence[Answer]) -> None:
        """Add answers to the memory and charge them: a closure answer is free, any other costs each attempt."""
        for answer in answers:
            a, b = answer.question.a, answer.question.b
            if answer.source != "closure":
                self.remaining -= answer.asked
            if answer.verdict == "unsure":
                self.memory.skip(a, b)
            else:
                self.memory.add(a, b, answer.verdict == "same")


class BudgetedSession:
    """Base of sessions that keep to a :class:`SessionBudget` and need nothing from round to round."""

    def __init__(self, state: RoundState) -> None:
        self._state = state
        self._budget = SessionBudget(state)

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers."""
        self._budget.tell(answers)

    def next_state(self) -> dict[str, NDArray[np.generic]]:
        """Return nothing: what a round learns is in the memory."""
        return {}


class OrderedSession(BudgetedSession):
    """One round of a strategy whose order of questions does not depend on the round's answers.

    It keeps the rules of asking: pairs decided in the meantime are skipped, and no question is taken from the iterator
    before it can be paid for.

    Parameters
    ----------
    state : RoundState
    questions : iterable of Question
        The most wanted first, any number of them. Best a generator: most rounds read little of it.
    """

    def __init__(self, state: RoundState, questions: Iterable[Question]) -> None:
        super().__init__(state)
        self._questions = iter(questions)

    def ask(self) -> Sequence[Question]:
        """Return the next open questions, as many as may still be paid for."""
        batch: list[Question] = []
        while len(batch) < self._budget.remaining and (one := next(self._questions, None)) is not None:
            if self._budget.is_open(one.a, one.b):
                batch.append(
                    self._budget.question(one.a, one.b, one.kind, score=one.score, group=one.group, reason=one.reason)
                )
        return batch
