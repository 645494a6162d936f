"""UCAL: unsupervised clustering active learning (Gao and Li; ``methods.md`` B.2 holds what the paper leaves open).

Per round: every cluster is divided into groups and the groups' medoids are compared (SNPS); then each of the clusters
that this leaves is compared with those most similar to it, as far as the first marked fall of similarity (MPPS).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet

from whosame.clustering.constraints import enforce
from whosame.errors import unknown_name
from whosame.memory import LabelMemory
from whosame.parameters import check_rules
from whosame.questions import Answer, Kind, Question
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import check_schedule, spread
from whosame.strategies.groups import Groups, singletons
from whosame.strategies.reassignment import unite
from whosame.strategies.session import BudgetedSession
from whosame.strategies.ucal.mpps import merges
from whosame.strategies.ucal.snps import Structure, split, structures


@dataclass(frozen=True)
class UCALConfig:
    """Parameters of UCAL; B.2 is the table of ambiguities and resolutions in ``docs/methods.md``.

    Whether answers are applied again after later clusterings (B.2 #9) is ``clustering.reuse``.
    """

    # B.2 #14, #15: spread of the budget over the rounds: one of budget.SCHEDULES; the paper asks nothing in 15 of 50.
    schedule: str = "uniform"
    # B.2 #14, Table 2: share of a round's questions for SNPS, 0..1; when SNPS or MPPS runs out of pairs, the other
    # takes its rest. At 0 or 1 the other does not exist (the ablations of Table 2).
    snps_share: float = 0.37
    # B.2 #1: least images of a cluster that SNPS examines, >= 2.
    min_size: int = 4
    # B.2 #1: most groups of a cluster: at-least-two, or literal (nothing for fewer than 32 images).
    k_max: str = "at-least-two"
    # B.2 #2: similarity within clusters: jaccard or cosine.
    similarity: str = "jaccard"
    # B.2 #3, Eq. 4: sum or mean of compactness × independence over the groups.
    reduce: str = "sum"
    # B.2 #10, Eq. 5: length of each cluster's list of the most similar others, >= 3.
    l_max: int = 10
    # Sec. 4.2, Eq. 6: the normalised fall of similarity that ends the list, 0 <= delta < 1.
    delta: float = 0.3
    # B.2 #10: whether the cluster behind that fall is asked about too.
    include_next: bool = True
    # B.2 #13: whether outliers, and clusters of one image, take part in MPPS.
    outliers: bool = False
    # Sec. 4.2, B.2 #11: most unions of a round, as a share of the clusters that take part in MPPS, 0..1.
    merge_cap: float = 0.2

    def __post_init__(self) -> None:
        """Raise :class:`ParameterError` naming everything that is out of range."""
        check_schedule(self.schedule)
        for name, known in (
            ("k_max", ("at-least-two", "literal")),
            ("similarity", ("jaccard", "cosine")),
            ("reduce", ("sum", "mean")),
        ):
            if getattr(self, name) not in known:
                raise unknown_name(f"value of 'ucal.{name}'", getattr(self, name), known)
        rules = {
            "snps_share is a share from 0 to 1": 0 <= self.snps_share <= 1,
            "min_size is 2 or more": self.min_size >= 2,
            "l_max is 3 or more": self.l_max >= 3,
            "delta is 0 or more and less than 1": 0 <= self.delta < 1,
            "merge_cap is a share from 0 to 1": 0 <= self.merge_cap <= 1,
        }
        check_rules("ucal", self, rules)


class UCALSession(BudgetedSession):
    """One round of UCAL. Nothing is computed before the first question is wanted."""

    def __init__(self, state: RoundState, config: UCALConfig) -> None:
        super().__init__(state)
        self._config = config
        self._split_share = round(config.snps_share * self._budget.remaining)
        self._splits_seen = self._merges_seen = self._unions = 0

    def ask(self) -> Sequence[Question]:
        """Return SNPS's questions as far as its share goes, then those of MPPS, then what is left of SNPS's."""
        left = self._budget.remaining
        if left == 0:
            return []
        return self._splits(min(left, self._split_share)) or self._merges(left) or self._splits(left)

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers; what they cost is charged to SNPS's share, unions to the cap."""
        super().tell(answers)
        for answer in answers:
            if answer.source == "closure":
                continue
            if answer.question.kind == "within":
                self._split_share -= 1
            elif answer.verdict == "same":
                self._unions += 1

    def _splits(self, count: int) -> list[Question]:
        questions: list[Question] = []
        while len(questions) < count and self._splits_seen < len(self._split_pairs):
            a, b, alike, score = self._split_pairs[self._splits_seen]
            self._splits_seen += 1
            if self._budget.is_open(a, b):
                reason = f"groups of one cluster, similarity {alike:.3f}"
                group = int(self._state.labels[a])
                questions.append(self._budget.question(a, b, "within", score=score, group=group, reason=reason))
        return questions

    def _merges(self, count: int) -> list[Question]:
        """Return as many questions as cannot exceed the cap, were all of them answered with "same"."""
        questions: list[Question] = []
        pairs, cap = self._merge_pairs
        roots = self._budget.memory.must_link_roots(len(self._state.labels)).tolist()
        joined: DisjointSet[int] = DisjointSet()
        unions = self._unions
        while len(questions) < count and self._merges_seen < len(pairs):
            a, b, alike = pairs[self._merges_seen]
            if self._budget.is_open(a, b):
                joined.add(roots[a])
                joined.add(roots[b])
                unions += joined.merge(roots[a], roots[b])
                if unions > cap:
                    break
                questions.append(self._merge_question(a, b, alike))
            self._merges_seen += 1
        return questions

    def _merge_question(self, a: int, b: int, alike: float) -> Question:
        labels = self._state.labels
        kind: Kind = "between" if labels[a] >= 0 and labels[b] >= 0 else "pool"
        reason = f"clusters like each other, similarity {alike:.3f}"
        return self._budget.question(a, b, kind, score=alike, group=int(labels[min(a, b)]), reason=reason)

    @cached_property
    def _structures(self) -> list[Structure]:
        return _examine(self._state, self._config)

    @cached_property
    def _split_pairs(self) -> list[tuple[int, int, float, float]]:
        return [(a, b, alike, one.score) for one in self._structures for a, b, alike in one.pairs]

    @cached_property
    def _merge_pairs(self) -> tuple[list[tuple[int, int, float]], int]:
        labels = split(self._state.labels, self._structures, self._budget.memory)
        return _compare(self._state, labels, self._structures, self._config)


class UCAL(Strategy):
    """Unsupervised clustering active learning."""

    def __init__(self, config: UCALConfig | None = None) -> None:
        self.config = config or UCALConfig()

    def start(self, state: RoundState) -> UCALSession:
        """Begin a round."""
        return UCALSession(state, self.config)

    def schedule(self, budget: int, rounds: int) -> list[int]:
        """Spread the budget over the rounds."""
        return spread(budget, rounds, self.config.schedule)

    def reassign(self, state: RoundState, memory: LabelMemory, answers: Sequence[Answer]) -> NDArray[np.int64]:
        """Split, then unite, then enforce whatever else the memory holds (Sec. 3.3; B.2 #9, #12).

        Pairs that come up again in this round have the answer they had in an earlier one, also where the memory given
        holds the answers of this round alone.
        """
        known = state.memory.copy()
        for a, b, verdict in memory.log:
            if verdict != "unsure":
                known.add(a, b, verdict == "same")
        examined = _examine(state, self.config)
        labels = split(state.labels, examined, known)
        asked = [(answer.question.a, answer.question.b) for answer in answers if answer.question.kind != "within"]
        again = [(a, b) for a, b, _ in _compare(state, labels, examined, self.config)[0]]
        return enforce(unite(labels, known, [*asked, *again]), state.features, memory)


def _examine(state: RoundState, config: UCALConfig) -> list[Structure]:
    """Return how the round's clusters might be split, the most reliable first; none without SNPS."""
    if config.snps_share == 0:
        return []
    return structures(
        state.labels,
        state.graph,
        state.features,
        similarity=config.similarity,
        min_size=config.min_size,
        rule=config.k_max,
        reduce=config.reduce,
    )


def _compare(
    state: RoundState, labels: NDArray[np.int64], examined: Sequence[Structure], config: UCALConfig
) -> tuple[list[tuple[int, int, float]], int]:
    """Return the images that stand for the pairs of clusters to ask about, most similar first, and how many may unite.

    ``labels`` are those after the splits. A cluster is shown by the member nearest to its mean; a part of a cluster
    that was split by its medoid, about which SNPS has learnt something already (methods.md B.2 #7, #12).
    """
    if config.snps_share == 1:
        return [], 0
    everyone = singletons(labels)
    alone = np.bincount(everyone)[everyone] < 2
    groups = Groups(everyone if config.outliers else np.where(alone, -1, labels))
    means = groups.mean(state.features)
    distances = groups.dispersion(state.features, means)[0]
    for one in examined:
        if len(np.unique(labels[one.rows])) > 1:
            distances[np.isin(groups.rows, one.medoids)] = -1  # nearer than any
    representatives = groups.argmin(distances)
    found = merges(means, l_max=config.l_max, delta=config.delta, include_next=config.include_next)
    rows = representatives[found.clusters].tolist()
    pairs = [(a, b, alike) for (a, b), alike in zip(rows, found.similarities.tolist(), strict=True)]
    return pairs, int(config.merge_cap * len(groups) + 1e-9)  # 0.29 x 100 is 28.999… in binary
