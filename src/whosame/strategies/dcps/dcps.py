"""DCPS: diverse cluster-based pair selection (Xue et al.; ``methods.md`` A.4 has what the paper leaves open).

In each round the most chaotic member of each cluster is compared with its representative (is the cluster one person?),
and the representatives of near clusters with each other (are two clusters one person?). Pairs are chosen greedily by
distance and by how rarely their clusters were asked about.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from whosame.clustering.constraints import enforce
from whosame.clustering.dbscan import singletons
from whosame.memory import LabelMemory
from whosame.parameters import Parameters, Share, parameter
from whosame.questions import Answer, Kind, Question
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import Schedule, spread
from whosame.strategies.dcps.chaotic import chaotic_degrees, chaotic_pairs
from whosame.strategies.dcps.greedy import Counts
from whosame.strategies.dcps.stage import Stage
from whosame.strategies.dcps.wasserstein import gaussian_points, nearest_pairs
from whosame.strategies.groups import Groups
from whosame.strategies.pairs import Pairs
from whosame.strategies.reassignment import split_by_seeds, unite
from whosame.strategies.session import BudgetedSession

MOST_CANDIDATES = 500_000  # pairs between clusters held at once, however far a round has to look


class DCPSConfig(Parameters):
    """Parameters of DCPS; A.4 is the table of what the paper leaves open in docs/methods.md.

    Whether answers are applied again after later clusterings (A.4 #14) is ``clustering.reuse``.
    """

    schedule: Schedule = parameter("early", source="own choice; paper: gaussian, section 3.7, A.4 #10")
    """How the budget is spread over the rounds."""
    intra_fraction: Share = parameter(0.5, source="own choice, A.4 #12")
    """Share of a round's questions for pairs within clusters; a stage that runs out of pairs leaves its rest to the
    other. At 0 or 1 the other stage does not exist (the ablations of Table 3)."""
    gamma: NonNegativeFloat = parameter(0.5, source="own choice, Eq. 5, A.4 #19")
    """Weight of the vertical term of the chaotic degree; 0 leaves it out."""
    distance: Literal["w2", "w2-squared"] = parameter("w2", source="Eq. 6, A.4 #4")
    """Distance between clusters."""
    neighbours: PositiveInt = parameter(10, unit="clusters")
    """Nearest clusters that each cluster is paired with; a round that runs out of pairs looks farther."""
    outliers: bool = parameter(False, source="own choice, A.4 #16")
    """Whether outliers take part as clusters of one in pairs between clusters."""
    diversity: NonNegativeFloat = parameter(1.0, source="own choice, Eq. 9-11, A.4 #6")
    """λ, the weight of the diversity term against scaled distances; 0 leaves it out."""
    scale: Literal["std", "iqr"] = parameter("std", source="own choice, A.4 #6")
    """What distances are divided by: standard deviation or interquartile range of the pairs that can be chosen."""
    kappa: PositiveFloat = parameter(1.0, source="own choice, Eq. 7, A.4 #5")
    """Added to every count; near 0 (1e-9) every cluster is touched once before any is touched twice."""
    counts: Literal["cumulative", "round"] = parameter("cumulative", source="Eq. 7, A.4 #7")
    """Which questions the diversity term counts: of all rounds, per image, or of the round."""
    replace_implied: bool = parameter(True, source="own choice, A.4 #17")
    """Whether questions that answers make superfluous are replaced by the next best."""


class DCPSSession(BudgetedSession):
    """One round of DCPS. Nothing is computed before the first question is wanted."""

    def __init__(self, state: RoundState, config: DCPSConfig) -> None:
        super().__init__(state)
        self._config = config
        self._within_left = round(config.intra_fraction * self._budget.remaining)
        self._asked = False

    def ask(self) -> Sequence[Question]:
        """Return the best pairs within clusters, then those between clusters, as many as may be paid for."""
        left = self._budget.remaining
        if left == 0 or (self._asked and not self._config.replace_implied):
            return []
        self._asked = True
        within = self._within.take(min(left, max(0, self._within_left)))
        between = self._between.take(left - len(within))
        within += self._within.take(left - len(within) - len(between))
        return within + between

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers, and charge them to their stage."""
        super().tell(answers)
        self._within_left -= sum(answer.question.kind == "within" and answer.source != "closure" for answer in answers)

    @cached_property
    def _within(self) -> Stage:
        return self._stage("within", self._chaotic())

    @cached_property
    def _between(self) -> Stage:
        return self._stage("between", self._near())

    def _stage(self, kind: Kind, sources: Iterator[Pairs]) -> Stage:
        config, labels = self._config, self._state.labels
        return Stage(
            kind,
            sources,
            self._budget,
            labels,
            self._counts,
            diversity=config.diversity,
            kappa=config.kappa,
            scale=config.scale,
        )

    def _chaotic(self) -> Iterator[Pairs]:
        if self._config.intra_fraction > 0:
            degrees = chaotic_degrees(
                self._dispersion[0],
                self._groups,
                self._state.vertical,
                map_height=self._state.map_height,
                gamma=self._config.gamma,
            )
            yield chaotic_pairs(degrees, self._representatives, self._groups, self._budget.is_open)

    def _near(self) -> Iterator[Pairs]:
        if self._config.intra_fraction == 1 or len(self._groups) < 2:
            return
        points = gaussian_points(self._means, self._dispersion[1])
        squared = self._config.distance == "w2-squared"
        neighbours = self._config.neighbours
        while True:
            yield nearest_pairs(points, self._representatives, neighbours=neighbours, squared=squared)
            if neighbours >= len(points) - 1 or 2 * neighbours * len(points) > MOST_CANDIDATES:
                return
            neighbours *= 2

    @cached_property
    def _groups(self) -> Groups:
        labels = self._state.labels
        return Groups(singletons(labels) if self._config.outliers else labels)

    @cached_property
    def _means(self) -> NDArray[np.float32]:
        return self._groups.mean(self._state.features)

    @cached_property
    def _dispersion(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self._groups.dispersion(self._state.features, self._means)

    @cached_property
    def _representatives(self) -> NDArray[np.int64]:
        return self._groups.argmin(self._dispersion[0])  # Eq. 3

    @cached_property
    def _counts(self) -> Counts:
        if self._config.counts == "round":
            return np.zeros(len(self._groups))
        return self._groups.total(self._state.query_counts)


class DCPS(Strategy):
    """Diverse cluster-based pair selection."""

    def __init__(self, config: DCPSConfig | None = None) -> None:
        self.config = config or DCPSConfig()
        self.needs_vertical = self.config.gamma > 0 and self.config.intra_fraction > 0

    def start(self, state: RoundState) -> DCPSSession:
        """Begin a round."""
        return DCPSSession(state, self.config)

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget as configured; by default in the middle of the run (Sec. 3.7)."""
        return spread(budget, rounds, self.config.schedule)

    def reassign(self, state: RoundState, memory: LabelMemory, answers: Sequence[Answer]) -> NDArray[np.int64]:
        """Split by seeds, then unite, then enforce the other answers (Sec. 3.4.3; A.4 #13, #18)."""
        within = [(answer.question.a, answer.question.b) for answer in answers if answer.question.kind == "within"]
        between = [(answer.question.a, answer.question.b) for answer in answers if answer.question.kind == "between"]
        labels = split_by_seeds(state.labels, state.features, memory, within)
        return enforce(unite(labels, memory, between), state.features, memory)
