"""AAS: questions where two clusterings disagree (Sani, Khurana and Anand, AAAI 2026; ``methods.md``, AAS).

**Built without the paper.** Its abstract and two reproductions by others are known; the table of ``docs/methods.md``
resolves what they leave open. Do not quote its figures as those of the published method.

The round's clusters (DBSCAN) are compared with FINCH's. Where clusters overlap in part, one of them is wrong. Questions
are about the medoids of such regions (is one person in several regions?), and inside a region about the closest pairs
that one clustering unites and the other separates. Pairs are drawn from both pools. ``enforce`` makes the labels
afterwards; it does what the paper calls NP3 in another order (#8).
"""

import copy
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from whosame.clustering.constraints import enforce
from whosame.clustering.finch import closest_in_number, finch
from whosame.memory import LabelMemory
from whosame.parameters import Parameters, Share, parameter
from whosame.questions import Question
from whosame.strategies.aas.disagreement import SimilarPairs, medoids, near_medoids, regions, separated_pairs
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import Schedule, spread
from whosame.strategies.groups import Groups, singletons
from whosame.strategies.session import OrderedSession


class AASConfig(Parameters):
    """Parameters of AAS; "AAS #n" is a row of its table in docs/methods.md."""

    schedule: Schedule = parameter("early", source="own choice; paper: uniform, AAS #6")
    """How the budget is spread over the rounds that ask."""
    cycles: PositiveInt | None = parameter(
        None, takes="a whole number, 1 or more, or null", source="own choice; paper: 5 in 50 epochs, AAS #6"
    )
    """Rounds that ask, at equal distances from the first on; null: all."""
    over_fraction: Share = parameter(0.6, source="paper: epsilon, AAS #5")
    """Share of over-segmentation pairs among the pairs drawn; 0 or 1 drops a pool."""
    nearest: PositiveInt = parameter(5, unit="medoids", source="paper: k_max, AAS #3")
    """Nearest medoids that each region's medoid is paired with."""
    least_similarity: float = parameter(0.3, gt=0, le=1, source="paper: s_min, AAS #3")
    """Least cosine similarity of two such medoids."""
    partition: Literal["nearest", "first"] = parameter("nearest", source="own choice, AAS #2")
    """FINCH's partition to compare with: nearest to DBSCAN's number of clusters, or its first."""
    outliers: bool = parameter(True, source="SpCL, AAS #1")
    """Whether outliers take part as clusters of one."""


def drawn(state: RoundState, config: AASConfig) -> Iterator[Question]:
    """Yield the pairs of both pools, drawn without replacement in proportion to their chances (#5)."""
    over, under = pools(state, config)
    fraction = config.over_fraction
    chances = np.concatenate([_shares(over.similarity, fraction), _shares(np.ones(len(under)), 1 - fraction)])
    pairs = over.joined(under)
    possible = np.flatnonzero(chances)
    generator = copy.deepcopy(state.generator)  # starting a round twice gives the same questions
    # Exponential waiting times in order are draws one by one without replacement (Efraimidis and Spirakis 2006).
    waits = generator.exponential(size=len(possible)) / chances[possible]
    for at in np.argsort(waits, kind="stable"):
        index = int(possible[at])
        a, b = int(pairs.first[index]), int(pairs.second[index])
        why = "regions near each other" if index < len(over) else "DBSCAN and FINCH disagree"
        reason = f"{why}, similarity {pairs.similarity[index]:.3f}"
        yield Question(a, b, state.kind(a, b), score=-float(waits[at]), group=int(state.labels[a]), reason=reason)


def pools(state: RoundState, config: AASConfig) -> tuple[SimilarPairs, SimilarPairs]:
    """Return the open pairs for over-segmentation (#3) and for under-segmentation (#4)."""
    features, labels = state.features, state.labels
    partitions = finch(features, state.nearest)
    clusters = len(np.unique(labels[labels >= 0])) or len(labels)  # none: each image alone
    chains = partitions[0] if config.partition == "first" else closest_in_number(partitions, clusters)
    chains = enforce(chains, features, state.memory)  # what answers decide is no disagreement (#7)
    if config.outliers:
        labels = singletons(labels)
    chosen = medoids(features, Groups(regions(labels, chains)))
    over = near_medoids(features, chosen, nearest=config.nearest, least=config.least_similarity)
    under = separated_pairs(features, labels, chains).joined(separated_pairs(features, chains, labels))
    return _open(over, state.memory), _open(under, state.memory)


def asking_rounds(rounds: int, cycles: int | None) -> list[int]:
    """Return the rounds that ask, ascending (#6).

    Examples
    --------
    >>> asking_rounds(50, 5), asking_rounds(7, 3), asking_rounds(2, 5), asking_rounds(3, None)
    ([0, 10, 20, 30, 40], [0, 2, 4], [0, 1], [0, 1, 2])
    """
    cycles = min(cycles or rounds, rounds)
    return [cycle * rounds // cycles for cycle in range(cycles)]


def _open(pairs: SimilarPairs, memory: LabelMemory) -> SimilarPairs:
    return pairs.where(~memory.settled_among(pairs.first, pairs.second))


def _shares(weights: NDArray[np.float64], total: float) -> NDArray[np.float64]:
    return total * weights / weights.sum() if len(weights) else weights


class AAS(Strategy):
    """AAS, as far as the method is known."""

    def __init__(self, config: AASConfig | None = None) -> None:
        self.config = config or AASConfig()

    def start(self, state: RoundState) -> OrderedSession:
        """Begin a round. Nothing is computed before the first question is wanted.

        A round between two cycles asks nothing, although it may have what the cycle before left of the budget.
        """
        asks = state.round in asking_rounds(state.rounds, self.config.cycles)
        return OrderedSession(state, drawn(state, self.config) if asks else ())

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget over the rounds that ask."""
        asking = asking_rounds(rounds, self.config.cycles)
        shares = dict(zip(asking, spread(budget, len(asking), self.config.schedule), strict=True))
        return [shares.get(number, 0) for number in range(rounds)]
