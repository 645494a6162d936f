"""Uncertainty sampling: pairs of neighbours whose answer is least certain, given the answers so far."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt
from scipy.sparse import triu
from scipy.special import expit

from whosame.parameters import Parameters, parameter
from whosame.questions import Question
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import Schedule, spread
from whosame.strategies.logistic_regression import fit_distance_curve
from whosame.strategies.session import BudgetedSession

Rows = NDArray[np.int64]


class UncertaintyConfig(Parameters):
    """Parameters of ``uncertainty``; "Uncertainty #n" is a row of its table in docs/methods.md."""

    schedule: Schedule = parameter("early", source="own choice; as DCPS: gaussian in its papers' environments")
    """How the budget is spread over the rounds."""
    per_image: PositiveInt = parameter(1, unit="questions", source="own choice, Uncertainty #4")
    """Most questions of a round that an image is in."""
    prior: PositiveFloat = parameter(10.0, unit="answers", source="own choice, Uncertainty #2")
    """What the prior of p(same) counts for: half at distance 0, half at distance 1."""
    sure: float = parameter(0.95, gt=0.5, lt=1, source="own choice, Uncertainty #2")
    """The prior's share of "same" at distance 0, and of "different" at distance 1."""


@dataclass(frozen=True)
class Edges:
    """The pairs of the neighbour graph, ascending: ``first`` < ``second``, and N × first + second as ``codes``."""

    first: Rows
    second: Rows
    distance: NDArray[np.float64]
    codes: Rows


class UncertaintySession(BudgetedSession):
    """One round: the least certain pairs. The next batch replaces free answers, by a curve fitted again."""

    def __init__(self, state: RoundState, config: UncertaintyConfig) -> None:
        super().__init__(state)
        self._config = config
        self._shown: Counter[int] = Counter()

    def ask(self) -> Sequence[Question]:
        """Return the open pairs with p(same) nearest 1/2, as many as may be paid for and images may be shown."""
        questions: list[Question] = []
        if self._budget.remaining == 0:
            return questions
        edges, most = self._edges, self._config.per_image
        intercept, slope = self._curve()
        log_odds = intercept + slope * edges.distance
        p = expit(log_odds)
        doubtful = np.argsort(np.abs(log_odds), kind="stable")  # ties: the smaller rows
        for edge in doubtful.tolist():
            if len(questions) == self._budget.remaining:
                break
            a, b = int(edges.first[edge]), int(edges.second[edge])
            if self._shown[a] < most and self._shown[b] < most and self._budget.is_open(a, b):
                self._shown.update((a, b))
                questions.append(self._question(a, b, float(p[edge])))
        return questions

    def _question(self, a: int, b: int, p: float) -> Question:
        kind, group = self._state.kind(a, b), int(self._state.labels[a])
        reason = f"uncertain neighbours, p(same) {p:.2f}"
        return self._budget.question(a, b, kind, score=-abs(p - 0.5), group=group, reason=reason, p_same=p)

    def _curve(self) -> NDArray[np.float64]:
        """Fit p(same) to the answers about pairs that are neighbours in this round's graph."""
        answered = [(a, b, verdict == "same") for a, b, verdict in self._budget.memory.log if verdict != "unsure"]
        a, b, same = np.array(answered, np.int64).reshape(-1, 3).T
        codes = self._edges.codes
        wanted = a * len(self._state.labels) + b
        at = np.searchsorted(codes, wanted)
        found = np.append(codes, -1)[at] == wanted
        distance = self._edges.distance[at[found]]
        return fit_distance_curve(distance, same[found] == 1, prior=self._config.prior, sure=self._config.sure)

    @cached_property
    def _edges(self) -> Edges:
        graph = self._state.graph
        upper = triu(graph, k=1, format="coo")  # the diagonal is stored, and each pair twice
        codes = upper.row.astype(np.int64) * graph.shape[0] + upper.col
        order = np.argsort(codes, kind="stable")
        first, second = np.divmod(codes[order], graph.shape[0])
        return Edges(first, second, upper.data[order].astype(np.float64), codes[order])


class Uncertainty(Strategy):
    """Ask about the pairs of neighbours whose answer is least certain.

    p(same) is a logistic curve of the Jaccard distance, fitted to the answers so far about pairs that are in this
    round's graph.

    References
    ----------
    Lewis, Gale, *A sequential algorithm for training text classifiers*, SIGIR 1994.
    """

    def __init__(self, config: UncertaintyConfig | None = None) -> None:
        self.config = config or UncertaintyConfig()

    def start(self, state: RoundState) -> UncertaintySession:
        """Begin a round."""
        return UncertaintySession(state, self.config)

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget as configured."""
        return spread(budget, rounds, self.config.schedule)
