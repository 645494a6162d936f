"""Views: pairs whose images show the same side are asked about first, whatever the strategy."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from whosame.questions import Answer, Question
from whosame.strategies.base import ReaskingSession, RoundState, Session
from whosame.strategies.session import SessionBudget


def comparable_first(session: Session, state: RoundState) -> Session:
    """Return a session that asks a strategy's questions in another order; the session itself where one view is known.

    Parameters
    ----------
    session : Session
        Of the strategy, begun on the state.
    state : RoundState
    """
    if len(np.unique(state.views[state.views >= 0])) < 2:
        return session
    return ReaskingByView(session, state) if isinstance(session, ReaskingSession) else SessionByView(session, state)


class SessionByView:
    """A strategy's session whose questions about two different views wait until it has no others.

    Two images are comparable where they have one view, or one of the two views is unknown. The strategy is told
    no answer to a question that waits, and goes on to its next ones. When it has no more, those that are still open are
    asked, in its order.

    Parameters
    ----------
    session : Session
        After its ``ask`` has returned nothing it may be told answers to questions of any of its batches.
    state : RoundState
        On which it was begun.
    """

    def __init__(self, session: Session, state: RoundState) -> None:
        self._session, self._views = session, state.views
        self._budget = SessionBudget(state)
        self._waiting: list[Question] = []
        self._done = False  # the strategy has no more

    def ask(self) -> Sequence[Question]:
        """Return the strategy's next questions about comparable views, and at the end the others."""
        while not self._done:
            batch = self._session.ask()
            self._done = not batch
            if first := [question for question in batch if self._is_comparable(question)]:
                self._waiting += [question for question in batch if not self._is_comparable(question)]
                return first
            self._waiting += batch
            if batch:
                self._session.tell([])
        is_settled = self._budget.memory.settled
        still_open = [question for question in self._waiting if not is_settled(question.a, question.b)]
        left = self._budget.remaining
        self._waiting = still_open[left:]
        return still_open[:left]

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers."""
        self._budget.tell(answers)
        self._session.tell(answers)

    def next_state(self) -> dict[str, NDArray[np.generic]]:
        """Return what the strategy's next round needs."""
        return self._session.next_state()

    def _is_comparable(self, question: Question) -> bool:
        one, other = self._views[[question.a, question.b]].tolist()
        return bool(one == other or min(one, other) < 0)


class ReaskingByView(SessionByView):
    """The same, of a session that asks again where an answer is unlikely."""

    def should_reask(self, answer: Answer) -> bool:
        """Return whether the strategy wants the pair asked again."""
        return cast(ReaskingSession, self._session).should_reask(answer)
