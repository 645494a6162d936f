"""MASS-like: purification of each cluster around its centre, the hardest members first (methods.md, MASS-like)."""

from collections import deque
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, PositiveInt

from whosame.clustering.centrality import centrality
from whosame.clustering.constraints import enforce
from whosame.memory import LabelMemory
from whosame.parameters import Parameters, parameter
from whosame.questions import Answer, Question
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import Schedule, spread
from whosame.strategies.groups import Groups
from whosame.strategies.mass.scatter import Scatter, purified
from whosame.strategies.session import BudgetedSession


class MASSConfig(Parameters):
    """Parameters of the MASS-like strategy, all of them this project's; "MASS #n" is a row in docs/methods.md."""

    schedule: Schedule = parameter("early", source="own choice; native: uniform")
    """How the budget is spread over the rounds."""
    centrality: Literal["closeness", "degree"] = parameter("closeness", source="own choice, MASS #1")
    """What makes a member central: its mean similarity to the others, or the share of them that are near."""
    patience: PositiveInt = parameter(2, unit="answers", source="own choice, MASS #2")
    """"Same" in a row after which a cluster looks pure."""
    share: float = parameter(0.5, gt=0, le=1, source="own choice, MASS #2")
    """ρ: share of a cluster's members, rounded up, after which its questions of the round end."""
    depth: NonNegativeInt = parameter(3, source="own choice, MASS #4")
    """How often what did not belong is purified again around a centre of its own."""
    tail: float = parameter(0.25, gt=0, le=1, source="own choice, MASS #5")
    """Share of a cluster's members, the least central, that its expected impurity is measured by."""


class MASSSession(BudgetedSession):
    """One round: a question for every cluster in turn, the least pure first, until each looks pure."""

    def __init__(self, state: RoundState, config: MASSConfig) -> None:
        super().__init__(state)
        self._config = config
        self._asking: dict[tuple[int, int], Scatter] = {}

    def ask(self) -> Sequence[Question]:
        """Return the next question of each cluster, as many as may be paid for."""
        questions: list[Question] = []
        if self._budget.remaining == 0:
            return questions
        for _ in range(len(self._queue)):
            if len(questions) == self._budget.remaining:
                break
            scatter, doubt = self._queue.popleft()
            found = scatter.ask(self._budget)
            if found is None:
                continue
            question = self._question(scatter, *found, doubt)
            questions.append(question)
            self._asking[question.a, question.b] = scatter
            self._queue.append((scatter, doubt))
        return questions

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers; the paid ones decide whether their cluster goes on."""
        super().tell(answers)
        for answer in answers:
            if answer.source != "closure":
                self._asking[answer.question.a, answer.question.b].tell(answer.verdict)

    def _question(self, scatter: Scatter, row: int, value: float, doubt: float) -> Question:
        of = "its cluster" if scatter.level == 0 else "the images that do not belong to its cluster"
        reason = f"least central of {of}, centrality {value:.3f}"
        group = int(self._state.labels[row])
        return self._budget.question(scatter.centre, row, "within", score=doubt, group=group, reason=reason)

    @cached_property
    def _queue(self) -> deque[tuple[Scatter, float]]:
        config, state = self._config, self._state
        groups = Groups(state.labels)
        if len(groups) == 0:
            return deque()
        values = centrality(state.graph, state.labels, kind=config.centrality)
        roots = state.memory.must_link_roots(len(state.labels))
        doubts = impurity(values, groups, groups.argmin(-values[groups.rows]), roots, tail=config.tail)
        queue: deque[tuple[Scatter, float]] = deque()
        for position in np.argsort(-doubts, kind="stable").tolist():
            rows = groups.rows[groups.members(position)]
            scatter = Scatter(
                rows,
                values[rows],
                state.graph,
                kind=config.centrality,
                patience=config.patience,
                share=config.share,
                depth=config.depth,
            )
            queue.append((scatter, float(doubts[position])))
        return queue


class MASS(Strategy):
    """MASS-like: after Hu et al., *Multi-grained active semi-supervised* person re-identification (ACM MM 2021).

    Neither the paper's text nor code could be had, so that this is **MASS-like** and none of its figures are MASS's.

    Confirmed by papers that describe MASS: clusters and their pseudo labels narrow the search; a cluster-scatter step
    finds wrongly clustered images and has them annotated; all questions lie within clusters; five questions an image
    are spent in all; a purification loss follows.

    Inferred here: centrality and the hardest-first order, the stopping rule, the residual's own purification, the
    order of the clusters, how unasked images are divided, and every number.

    References
    ----------
    Hu, Zha, Liu, Zhu, Xie, ACM MM 2021, doi 10.1145/3474085.3475435; methods.md, MASS-like.
    """

    def __init__(self, config: MASSConfig | None = None) -> None:
        self.config = config or MASSConfig()

    def start(self, state: RoundState) -> MASSSession:
        """Begin a round."""
        return MASSSession(state, self.config)

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget as configured."""
        return spread(budget, rounds, self.config.schedule)

    def reassign(
        self,
        state: RoundState,
        memory: LabelMemory,
        answers: Sequence[Answer],  # noqa: ARG002  the memory holds them all
    ) -> NDArray[np.int64]:
        """Give images that do not belong to their cluster new labels, with those that look like them; then enforce."""
        labels, fresh = state.labels.copy(), int(state.labels.max(initial=-1)) + 1
        groups = Groups(state.labels)
        roots = memory.must_link_roots(len(labels))
        parted = np.isin(roots[groups.rows], memory.parted())
        for position in np.flatnonzero(np.bincount(groups.cluster_of[parted], minlength=len(groups)) > 1).tolist():
            rows = groups.rows[groups.members(position)]
            parts = purified(
                rows,
                state.graph,
                state.features,
                memory,
                roots,
                kind=self.config.centrality,
                depth=self.config.depth,
            )
            for part in parts[1:]:
                labels[part] = fresh
                fresh += 1
        return enforce(labels, state.features, memory)


def impurity(
    values: NDArray[np.float64],
    groups: Groups,
    centre: NDArray[np.int64],
    roots: NDArray[np.int64],
    *,
    tail: float,
) -> NDArray[np.float64]:
    """Return the expected impurity of each cluster: the mean of 1 - centrality over its least central members.

    A member that the answers make one person with the centre counts as 0.

    Parameters
    ----------
    values : float64 [N]
        From :func:`whosame.clustering.centrality`.
    groups : Groups
    centre : int64 [C]
        The most central member of each cluster.
    roots : int64 [N]
        From :meth:`LabelMemory.must_link_roots`.
    tail : float
        Share of a cluster's members that count, rounded up; in 0..1.

    Returns
    -------
    float64 [C]
        In 0..1.
    """
    doubt = 1.0 - values[groups.rows]
    doubt[roots[groups.rows] == roots[centre][groups.cluster_of]] = 0.0
    order = np.lexsort((-doubt, groups.cluster_of))  # within each cluster, the most doubtful first
    count = np.ceil(tail * groups.sizes).astype(np.int64)
    looked_at = order[np.arange(len(order)) - groups.starts[groups.cluster_of] < count[groups.cluster_of]]
    means: NDArray[np.float64] = np.bincount(groups.cluster_of[looked_at], doubt[looked_at], len(groups)) / count
    return means
