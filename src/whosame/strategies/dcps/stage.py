"""Stages of a round of DCPS: pairs within clusters, and pairs between them (Sec. 3.4, Eq. 4)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from whosame.questions import Kind, Question
from whosame.strategies.dcps.greedy import Counts, LazyGreedy
from whosame.strategies.pairs import Pairs
from whosame.strategies.session import SessionBudget

REASONS: dict[Kind, str] = {"within": "least like its cluster", "between": "clusters near each other"}


class Stage:
    """Hands out a stage's questions, best first.

    Parameters
    ----------
    kind : str
        ``within``, where far pairs are wanted, or ``between``, where near ones are.
    sources : iterator of Pairs
        The stage's pairs; the next are used when those before are exhausted.
    budget : SessionBudget
        Of the session.
    labels : int64 [N]
        A question's group is the cluster of its first image.
    counts : float64 [C]
        Shared by the stages of a round, raised with every question.
    diversity, kappa : float
        As in :class:`LazyGreedy`.
    scale : str
        Distances are divided by their ``std`` or ``iqr`` over the first pairs that can be chosen: over all pairs
        of clusters, the far ones would decide the scale and make the diversity term idle (methods.md A.4 #6).
    """

    def __init__(
        self,
        kind: Kind,
        sources: Iterator[Pairs],
        budget: SessionBudget,
        labels: NDArray[np.int64],
        counts: Counts,
        *,
        diversity: float,
        kappa: float,
        scale: str,
    ) -> None:
        self._kind, self._sources, self._budget = kind, sources, budget
        self._labels, self._counts = labels, counts
        self._diversity, self._kappa = diversity, kappa
        self._scale_by = scale
        self._scale: float | None = None
        self._pairs = Pairs.none()
        self._greedy: LazyGreedy | None = None

    def take(self, count: int) -> list[Question]:
        """Return the next best open pairs as questions, ``count`` of them or as many as there are."""
        questions: list[Question] = []
        while len(questions) < count:
            taken = self._greedy.take(self._is_open) if self._greedy else None
            if taken is not None:
                questions.append(self._question(*taken))
            elif (pairs := next(self._sources, None)) is not None:
                self._open(pairs.where(self._budget.open_among(pairs.first, pairs.second)))
            else:
                break
        return questions

    def _open(self, pairs: Pairs) -> None:
        if self._scale is None and len(pairs):
            self._scale = scale_of(pairs.distances, self._scale_by)
        sign = -1.0 if self._kind == "within" else 1.0  # A.4 #3: within a cluster the far pair is the valuable one
        costs = sign * pairs.distances / (self._scale or 1.0)
        self._pairs = pairs
        self._greedy = LazyGreedy(costs, pairs.clusters, self._counts, weight=self._diversity, kappa=self._kappa)

    def _is_open(self, index: int) -> bool:
        return self._budget.is_open(int(self._pairs.first[index]), int(self._pairs.second[index]))

    def _question(self, index: int, increment: float) -> Question:
        first, second = int(self._pairs.first[index]), int(self._pairs.second[index])
        reason = f"{REASONS[self._kind]}, distance {self._pairs.distances[index]:.3f}"
        group = int(self._labels[first])
        return self._budget.question(first, second, self._kind, score=-increment, group=group, reason=reason)


def scale_of(distances: NDArray[np.float64], by: str) -> float:
    """Return the standard deviation (``std``) or interquartile range (``iqr``) of some distances; 1 where it is 0."""
    if by == "std":
        value = float(distances.std())
    else:
        low, high = np.percentile(distances, [25, 75])
        value = float(high - low)
    return value if value > 0 else 1.0
