"""A control: pairs from the neighbour graph, each as likely as any other."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import triu

from whosame.strategies.account import Account
from whosame.strategies.base import Answer, Question, RoundState, Strategy
from whosame.strategies.budget import check_schedule, spread


@dataclass(frozen=True)
class RandomConfig:
    """Parameters of ``random``."""

    # How the budget is spread over the rounds: gaussian, gaussian-wide, uniform or early (budget.py).
    schedule: str = "gaussian"

    def __post_init__(self) -> None:
        """Raise :class:`ParameterError` for an unknown schedule."""
        check_schedule(self.schedule)


class RandomSession:
    """One round of random pairs."""

    def __init__(self, state: RoundState) -> None:
        self._account = Account(state)
        self._pairs = self._shuffled(state)

    @staticmethod
    def _shuffled(state: RoundState) -> Iterator[tuple[int, int]]:
        edges = triu(state.graph, k=1, format="coo")  # the diagonal is stored, and each pair twice
        generator = copy.deepcopy(state.generator)  # starting a round twice gives the same questions
        for edge in generator.permutation(edges.nnz):
            yield int(edges.row[edge]), int(edges.col[edge])

    def ask(self) -> Sequence[Question]:
        """Return as many open pairs of neighbours as may still be paid for."""
        questions: list[Question] = []
        while len(questions) < self._account.left and (pair := next(self._pairs, None)) is not None:
            if self._account.is_open(*pair):
                questions.append(
                    self._account.question(*pair, "pool", score=0.0, group=-1, reason="random pair of neighbours")
                )
        return questions

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers."""
        self._account.tell(answers)

    def carry(self) -> dict[str, NDArray[np.generic]]:
        """Return nothing: rounds are independent."""
        return {}


class RandomPairs(Strategy):
    """Ask about pairs drawn uniformly from the neighbour graph, without replacement."""

    def __init__(self, config: RandomConfig | None = None) -> None:
        self.config = config or RandomConfig()

    def start(self, state: RoundState) -> RandomSession:
        """Begin a round."""
        return RandomSession(state)

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget as configured."""
        return spread(budget, rounds, self.config.schedule)
