"""SPAL: the farthest pair inside each cluster, and the image outside nearest to it (Jin and Li)."""

from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest

import numpy as np
from pydantic import PositiveInt

from whosame.memory import LabelMemory
from whosame.parameters import Parameters, parameter
from whosame.questions import Kind, Question
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import Schedule, spread
from whosame.strategies.groups import Groups
from whosame.strategies.pairs import Pairs, decided_pairs
from whosame.strategies.session import BudgetedSession
from whosame.strategies.spal.extremes import farthest_inside, nearest_outside
from whosame.strategies.spal.many_images import MANY, extremes_of_many


class SPALConfig(Parameters):
    """Parameters of SPAL; "SPAL #n" is a row of its table in docs/methods.md."""

    schedule: Schedule = parameter("early", source="own choice; the public code: at-once, SPAL #4")
    """How the budget is spread over the rounds."""
    replace_decided: bool = parameter(True, source="own choice; the public code: false, SPAL #1")
    """Whether a decided pair gives way to the next farthest or nearest; otherwise its cluster asks nothing instead."""
    passes: PositiveInt = parameter(1, source="paper, SPAL #4")
    """How often in a round each cluster asks its two questions."""


class SPALSession(BudgetedSession):
    """One round: two questions for each cluster, the most extreme first."""

    def __init__(self, state: RoundState, config: SPALConfig) -> None:
        super().__init__(state)
        self._config = config
        self._passes_left = config.passes

    def ask(self) -> Sequence[Question]:
        """Return the questions of one pass over the clusters, as many as may be paid for."""
        if self._budget.remaining == 0 or self._passes_left == 0:
            return []
        self._passes_left -= 1
        questions: list[Question] = []
        for pairs, index in self._candidates():
            if len(questions) == self._budget.remaining:
                break
            if self._budget.is_open(int(pairs.first[index]), int(pairs.second[index])):
                questions.append(self._question(pairs, index))
        return questions

    def _candidates(self) -> Iterator[tuple[Pairs, int]]:
        """Return the pairs, one inside and one outside in turn, of each kind the most extreme first."""
        features = self._state.features
        known = self._budget.memory if self._config.replace_decided else LabelMemory()
        decided = decided_pairs(known, len(features))
        if len(features) > MANY:
            inside, outside = extremes_of_many(features, self._state.labels, decided)
        else:
            groups = Groups(self._state.labels)
            inside, outside = farthest_inside(features, groups, decided), nearest_outside(features, groups, decided)
        farthest = [(inside, int(i)) for i in np.argsort(-inside.distances, kind="stable")]
        nearest = [(outside, int(i)) for i in np.argsort(outside.distances, kind="stable")]
        return (each for each in chain.from_iterable(zip_longest(farthest, nearest)) if each is not None)

    def _question(self, pairs: Pairs, index: int) -> Question:
        first, second, distance = int(pairs.first[index]), int(pairs.second[index]), float(pairs.distances[index])
        one, other = pairs.clusters[index]
        group = int(self._state.labels[first])
        if one == other:
            reason = f"farthest pair of its cluster, distance {distance:.3f}"
            return self._budget.question(first, second, "within", score=distance, group=group, reason=reason)
        reason = f"nearest image outside the cluster, distance {distance:.3f}"
        kind: Kind = "pool" if other < 0 else "between"
        return self._budget.question(first, second, kind, score=-distance, group=group, reason=reason)


class SPAL(Strategy):
    """Support pair active learning: its choice of pairs.

    The enforcement that all strategies share replaces SPAL's own constrained DBSCAN. Its loss is
    ``training.loss: hybrid-memory-ranking``.

    References
    ----------
    Jin, Li, *Towards fewer labels: support pair active learning for person re-identification*, arXiv 2204.10008,
    dual uncertainty selection; methods.md, SPAL.
    """

    def __init__(self, config: SPALConfig | None = None) -> None:
        self.config = config or SPALConfig()

    def start(self, state: RoundState) -> SPALSession:
        """Begin a round."""
        return SPALSession(state, self.config)

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget as configured."""
        return spread(budget, rounds, self.config.schedule)
