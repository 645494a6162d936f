"""Baselines: no question, random pairs, and every identity known."""

import copy
from collections.abc import Iterator

from scipy.sparse import triu

from whosame.parameters import Parameters, parameter
from whosame.questions import Question
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import Schedule, spread
from whosame.strategies.session import OrderedSession


class NoQuestions(Strategy):
    """The lower bound: clusters are trained on without any answer (DCPS, Table 1, "baseline")."""

    asks = False

    def start(self, state: RoundState) -> OrderedSession:
        """Begin a round in which nothing is asked."""
        return OrderedSession(state, ())

    def schedule(self, budget: int, rounds: int) -> list[int]:  # noqa: ARG002
        """Return no questions for any round."""
        return [0] * rounds


class Supervised(NoQuestions):
    """The upper bound: the pipeline replaces the labels by the true identities (DCPS, Table 3, "upper")."""

    uses_truth = True


class RandomConfig(Parameters):
    """Parameters of ``random``."""

    schedule: Schedule = parameter("early", source="own choice; as DCPS: gaussian in its papers' environments")
    """How the budget is spread over the rounds."""


def shuffled(state: RoundState) -> Iterator[Question]:
    """Yield all pairs of neighbours in an order drawn from the state's generator."""
    edges = triu(state.graph, k=1, format="coo")  # the diagonal is stored, and each pair twice
    generator = copy.deepcopy(state.generator)  # starting a round twice gives the same questions
    for edge in generator.permutation(edges.nnz):
        yield Question(int(edges.row[edge]), int(edges.col[edge]), "pool", reason="random pair of neighbours")


class RandomPairs(Strategy):
    """Ask about pairs drawn uniformly from the neighbour graph, without replacement."""

    def __init__(self, config: RandomConfig | None = None) -> None:
        self.config = config or RandomConfig()

    def start(self, state: RoundState) -> OrderedSession:
        """Begin a round."""
        return OrderedSession(state, shuffled(state))

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget as configured."""
        return spread(budget, rounds, self.config.schedule)
