"""The two ends of every comparison: no question at all, and every identity known."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whosame.questions import Answer, Question
from whosame.strategies.base import RoundState, Strategy


class _Silence:
    def ask(self) -> Sequence[Question]:
        return []

    def tell(self, answers: Sequence[Answer]) -> None:
        pass

    def carry(self) -> dict[str, NDArray[np.generic]]:
        return {}


class NoQuestions(Strategy):
    """The base without answers: clusters are trained on as they are (DCPS, Table 1, "baseline")."""

    asks = False

    def start(self, state: RoundState) -> _Silence:  # noqa: ARG002
        """Begin a round in which nothing is asked."""
        return _Silence()

    def schedule(self, budget: int, rounds: int) -> list[int]:  # noqa: ARG002
        """Return no questions for any round."""
        return [0] * rounds


class Supervised(NoQuestions):
    """The upper bound: the pipeline puts the true identities in place of the labels (DCPS, Table 3, "upper")."""

    uses_truth = True
