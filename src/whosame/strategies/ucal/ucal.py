"""UCAL: unsupervised clustering active learning (Gao and Li; ``methods.md`` B.2 has what the paper leaves open).

In each round every cluster is divided into groups, and the groups' medoids are compared (SNPS). Then each resulting
cluster is compared with the clusters most similar to it, down to the first marked fall of similarity (MPPS).
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet

from whosame.clustering.constraints import enforce
from whosame.memory import LabelMemory
from whosame.parameters import Parameters, Share, parameter
from whosame.questions import Answer, Kind, Question
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import Schedule, spread
from whosame.strategies.groups import Groups, singletons
from whosame.strategies.reassignment import unite
from whosame.strategies.session import BudgetedSession
from whosame.strategies.ucal.mpps import merges
from whosame.strategies.ucal.snps import Structure, split, structures


class UCALConfig(Parameters):
    """Parameters of UCAL; B.2 is the table of what the paper leaves open in docs/methods.md.

    Whether answers are applied again after later clusterings (B.2 #9) is ``clustering.reuse``.
    """

    schedule: Schedule = parameter("early", source="own choice; paper: uniform-after-warmup, section 3.3, B.2 #15")
    """How the budget is spread over the rounds."""
    snps_share: Share = parameter(0.37, source="Table 2, B.2 #14")
    """Share of a round's questions for SNPS; SNPS or MPPS that runs out of pairs leaves its rest to the other. At 0 or
    1 the other does not exist (the ablations of Table 2)."""
    min_size: int = parameter(4, ge=2, unit="images", source="own choice, B.2 #1")
    """Least images of a cluster that SNPS examines."""
    k_max: Literal["at-least-two", "literal"] = parameter("at-least-two", source="own choice, section 3.2.1, B.2 #1")
    """Most groups of a cluster; literal: none for fewer than 32 images."""
    similarity: Literal["jaccard", "cosine"] = parameter("jaccard", source="own choice, Eq. 2 and 3, B.2 #2")
    """Similarity within clusters."""
    reduce: Literal["sum", "mean"] = parameter("sum", source="Eq. 4, B.2 #3")
    """Of compactness × independence over the groups of a cluster."""
    l_max: int = parameter(10, ge=3, unit="clusters", source="own choice, Eq. 5, B.2 #10")
    """Length of each cluster's list of the most similar others."""
    delta: float = parameter(0.3, ge=0, lt=1, source="section 4.2, Eq. 6")
    """The normalised fall of similarity that ends the list."""
    include_next: bool = parameter(True, source="own choice, B.2 #10")
    """Whether the cluster behind that fall is asked about too."""
    outliers: bool = parameter(False, source="own choice, B.2 #13")
    """Whether outliers, and clusters of one image, take part in MPPS."""
    merge_cap: Share = parameter(0.2, source="section 4.2, B.2 #11")
    """Most unions of a round, as a share of the clusters that take part in MPPS."""


class UCALSession(BudgetedSession):
    """One round of UCAL. Nothing is computed before the first question is wanted."""

    def __init__(self, state: RoundState, config: UCALConfig) -> None:
        super().__init__(state)
        self._config = config
        self._split_share = round(config.snps_share * self._budget.remaining)
        self._merges_seen = self._unions = 0

    def ask(self) -> Sequence[Question]:
        """Return SNPS's questions up to its share, then those of MPPS, then the rest of SNPS's."""
        left = self._budget.remaining
        if left == 0:
            return []
        return self._splits(min(left, self._split_share)) or self._merges(left) or self._splits(left)

    def tell(self, answers: Sequence[Answer]) -> None:
        """Take the answers, and charge them to SNPS's share and to the cap of unions."""
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
        while len(questions) < count and (found := next(self._split_pairs, None)) is not None:
            a, b, alike, score = found
            if self._budget.is_open(a, b):
                reason = f"groups of one cluster, similarity {alike:.3f}"
                group = int(self._state.labels[a])
                questions.append(self._budget.question(a, b, "within", score=score, group=group, reason=reason))
        return questions

    def _merges(self, count: int) -> list[Question]:
        """Return as many questions as keep to the cap if all of them are answered with "same"."""
        questions: list[Question] = []
        pairs, cap = self._merge_pairs
        labels = self._state.labels
        roots = self._budget.memory.must_link_roots(len(labels)).tolist()
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
                kind: Kind = "between" if labels[a] >= 0 and labels[b] >= 0 else "pool"
                reason, group = f"clusters like each other, similarity {alike:.3f}", int(labels[min(a, b)])
                questions.append(self._budget.question(a, b, kind, score=alike, group=group, reason=reason))
            self._merges_seen += 1
        return questions

    @cached_property
    def _structures(self) -> list[Structure]:
        return _examine(self._state, self._config)

    @cached_property
    def _split_pairs(self) -> Iterator[tuple[int, int, float, float]]:
        return ((a, b, alike, one.score) for one in self._structures for a, b, alike in one.pairs)

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
        """Split, then unite, then enforce the other answers (Sec. 3.3; B.2 #9, #12).

        Pairs of earlier rounds that are candidates again keep their answer, also where the given memory has the answers
        of this round alone.
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
    """Return the possible divisions of the round's clusters, the most reliable first; none without SNPS."""
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
    """Return the representatives of the pairs of clusters to ask about, most similar first, and the cap of unions.

    ``labels`` are those after the splits. A cluster's representative is the member nearest to its mean; that of a part
    of a cluster that was split is its medoid, about which SNPS already has answers (methods.md B.2 #7, #12).
    """
    if config.snps_share == 1:
        return [], 0
    clusters = singletons(labels)
    alone = np.bincount(clusters)[clusters] < 2
    groups = Groups(clusters if config.outliers else np.where(alone, -1, labels))
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
