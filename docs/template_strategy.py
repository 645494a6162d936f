"""Template of a strategy: neighbours that are not in one cluster, the nearest first."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import triu

from whosame.parameters import Parameters, Share, parameter, parse
from whosame.questions import Question
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import Schedule, spread
from whosame.strategies.session import OrderedSession


class Config(Parameters):
    schedule: Schedule = "uniform"
    """How the budget is spread over the rounds."""
    farthest: Share = parameter(0.6, source="our own trials")
    """Jaccard distance up to which pairs are asked about."""


class NearestApart(Strategy):
    def __init__(self, values: dict) -> None:
        self.config = parse(Config, values, "strategies.nearest-apart")

    def start(self, state: RoundState) -> OrderedSession:
        return OrderedSession(state, self.wanted(state))

    def schedule(self, budget: int, rounds: int) -> list[int]:
        return spread(budget, rounds, self.config.schedule)

    def wanted(self, state: RoundState) -> Iterator[Question]:
        edges = triu(state.graph, k=1, format="coo")  # each pair of neighbours once
        for edge in np.argsort(edges.data, kind="stable"):
            a, b, distance = int(edges.row[edge]), int(edges.col[edge]), float(edges.data[edge])
            apart = state.labels[a] != state.labels[b] or state.labels[a] == -1  # -1: an outlier
            if apart and distance <= self.config.farthest:
                yield Question(a, b, "pool", score=-distance, reason=f"near, yet apart, distance {distance:.3f}")
