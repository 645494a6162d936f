"""AAS: questions where two clusterings disagree (Sani, Khurana and Anand, AAAI 2026; ``methods.md``, AAS).

**Built without the paper.** Known here are its abstract and what two reproductions by others say of it; what they leave
open is resolved in the table of ``docs/methods.md``. Do not quote its figures as those of the published method.

The round's clusters (DBSCAN) and FINCH are compared. Where their clusters overlap in part, one of them is wrong: the
medoids of such regions against each other (is one person in several regions?), and inside a region the closest pairs
that one clustering unites and the other parts. Pairs are drawn from both pools. Labels afterwards are those of
``enforce``, which does what the paper calls NP3 in another order (#8).
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.constraints import enforce
from whosame.clustering.finch import closest_in_number, finch
from whosame.errors import unknown_name
from whosame.memory import LabelMemory
from whosame.parameters import check_rules
from whosame.questions import Question
from whosame.strategies.aas.disagreement import SimilarPairs, medoids, near_medoids, parted_pairs, regions
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import check_schedule, spread
from whosame.strategies.groups import Groups, singletons
from whosame.strategies.session import OrderedSession

PARTITIONS = ("nearest", "first")


@dataclass(frozen=True)
class AASConfig:
    """Parameters of AAS; #n is a row of its table in ``docs/methods.md``."""

    # How the budget is spread over the rounds that ask: one of budget.SCHEDULES.
    schedule: str = "uniform"
    # #6: rounds from one that asks to the next, >= 1; the paper's cycles are 10 of 50 epochs apart.
    every: int = 1
    # #5, the paper's epsilon: share of over-segmentation pairs among the pairs drawn, 0..1; 0 or 1 drops a pool.
    over_fraction: float = 0.6
    # #3, the paper's k_max: nearest medoids that each region's medoid is paired with, >= 1.
    nearest: int = 5
    # #3, the paper's s_min: least cosine similarity of two such medoids, above 0 and at most 1.
    least_similarity: float = 0.3
    # #2: the partition of FINCH to compare with: nearest (to DBSCAN's number of clusters) or first.
    partition: str = "nearest"
    # #1: whether outliers take part as clusters of one.
    outliers: bool = True

    def __post_init__(self) -> None:
        """Raise :class:`ParameterError` naming everything that is out of range."""
        check_schedule(self.schedule)
        if self.partition not in PARTITIONS:
            raise unknown_name("value of 'aas.partition'", self.partition, PARTITIONS)
        rules = {
            "every is 1 or more": self.every >= 1,
            "over_fraction is a share from 0 to 1": 0 <= self.over_fraction <= 1,
            "nearest is 1 or more": self.nearest >= 1,
            "least_similarity is above 0 and at most 1": 0 < self.least_similarity <= 1,
        }
        check_rules("aas", self, rules)


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
    clusters = len(np.unique(labels[labels >= 0])) or len(labels)  # none: everybody alone
    chains = partitions[0] if config.partition == "first" else closest_in_number(partitions, clusters)
    chains = enforce(chains, features, state.memory)  # what answers decide is no disagreement (#7)
    if config.outliers:
        labels = singletons(labels)
    chosen = medoids(features, Groups(regions(labels, chains)))
    over = near_medoids(features, chosen, nearest=config.nearest, least=config.least_similarity)
    under = parted_pairs(features, labels, chains).joined(parted_pairs(features, chains, labels))
    return _open(over, state.memory), _open(under, state.memory)


def _open(pairs: SimilarPairs, memory: LabelMemory) -> SimilarPairs:
    settled = map(memory.settled, pairs.first.tolist(), pairs.second.tolist())
    return pairs.where(~np.fromiter(settled, bool, len(pairs)))


def _shares(weights: NDArray[np.float64], total: float) -> NDArray[np.float64]:
    return total * weights / weights.sum() if len(weights) else weights


class AAS(Strategy):
    """Ambiguity-aware sampling, as far as it is known."""

    def __init__(self, config: AASConfig | None = None) -> None:
        self.config = config or AASConfig()

    def start(self, state: RoundState) -> OrderedSession:
        """Begin a round. Nothing is computed before the first question is wanted."""
        return OrderedSession(state, drawn(state, self.config))

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget over the rounds 0, ``every``, 2 ``every`` and so on."""
        shares = [0] * rounds
        asking = spread(budget, ceil(rounds / self.config.every), self.config.schedule)
        shares[:: self.config.every] = asking
        return shares
