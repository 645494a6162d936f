"""Question selection alone, on features that stand still: what a strategy's answers do to the labels, in seconds."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.annotators.oracle import NoisyOracle
from whosame.annotators.query_loop import run_queries
from whosame.clustering import dbscan, enforce, jaccard_from_neighbours, neighbours
from whosame.errors import ParameterError
from whosame.memory import LabelMemory
from whosame.questions import Answer, Question
from whosame.seeding import stream
from whosame.strategies import registry
from whosame.strategies.base import RoundState, Strategy
from whosame.strategies.budget import allowance, spread


@dataclass(frozen=True)
class Base:
    """What every strategy of a comparison starts from: graph, nearest images, and the clusters before any answer."""

    graph: csr_array
    nearest: NDArray[np.int64]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, features: NDArray[np.float32], *, eps: float = 0.6) -> "Base":
        """Cluster as the papers do: k-reciprocal Jaccard (k1 30, k2 6) and DBSCAN (at least 4 neighbours)."""
        near = neighbours(features, 30)
        graph = jaccard_from_neighbours(near, features, k1=30, k2=6, max_distance=eps)
        return cls(graph, near.nearest, dbscan(graph, eps=eps, min_samples=4))


@dataclass(frozen=True)
class Simulation:
    """What came of it.

    Attributes
    ----------
    labels : int64 [N]
        After the last round's answers; -1 is an outlier.
    asked, free : int
        Questions that were paid for (each time a pair is put counts), and answers that followed from others.
    answers : tuple of Answer
        All of them, in order.
    seconds : float
        Spent on selection, memory and enforcement, clustering not included.
    """

    labels: NDArray[np.int64]
    asked: int
    free: int
    answers: tuple[Answer, ...]
    seconds: float


def simulate(
    strategy: str | Strategy,
    features: NDArray[np.float32],
    identities: NDArray[np.int64],
    cameras: NDArray[np.int64],
    *,
    budget: int,
    rounds: int = 25,
    eps: float = 0.6,
    noise: float = 0.0,
    seed: int = 0,
    parameters: Mapping[str, Any] | None = None,
    base: Base | None = None,
) -> Simulation:
    """Let a strategy ask its questions without training.

    The clusters before any answer are the same in every round, the answers so far are enforced on them, and the budget
    is spread evenly over the rounds whatever the strategy's own schedule: only the choice of questions differs.

    Parameters
    ----------
    strategy : str or Strategy
        A registered name, or a strategy.
    features : float32 [N, D]
        L2-normalised.
    identities : int64 [N]
        Any number a person; only the simulated annotator sees them.
    cameras : int64 [N]
        -1 where unknown.
    budget : int
        Questions in all.
    rounds : int
    eps : float
        Of DBSCAN; not used where a base is given.
    noise : float
        Share of wrong answers, 0 to 1, of every kind of question.
    seed : int
        Of the strategy and of the wrong answers.
    parameters : mapping, optional
        Parameter groups by name, as in ``parameters_strategies.yml``, for a strategy given by name.
    base : Base, optional
        :meth:`Base.of` the features, where several simulations share it.

    Raises
    ------
    ParameterError
        Arrays of different lengths, a share of noise outside 0 to 1, a negative budget, no rounds, an unknown
        strategy or parameter.
    """
    if not len(features) == len(identities) == len(cameras):
        lengths = f"{len(features)} features, {len(identities)} identities and {len(cameras)} cameras"
        raise ParameterError(f"a simulation takes as many identities and cameras as features, not {lengths}")
    if not 0 <= noise <= 1:
        raise ParameterError(f"the noise is {noise}, but takes a share from 0 to 1")
    chosen = registry.make(strategy, parameters) if isinstance(strategy, str) else strategy
    shares = spread(budget if chosen.asks else 0, rounds, "uniform")
    people = np.unique(identities, return_inverse=True)[1].astype(np.int64) + 1  # 0 would be a distractor
    annotator = NoisyOracle(people, dict.fromkeys(("within", "between", "pool"), noise), seed=seed)
    base = base or Base.of(features, eps=eps)
    begun = time.perf_counter()
    memory, labels = LabelMemory(), base.labels
    previous_state: dict[str, NDArray[np.generic]] = {}
    answers: list[Answer] = []
    asked = 0
    for number in range(rounds):
        state = RoundState(
            round=number,
            rounds=rounds,
            features=features,
            graph=base.graph,
            labels=enforce(base.labels, features, memory),
            cameras=cameras,
            memory=memory,
            budget=allowance(shares, number, asked),
            generator=stream(seed, "strategy", number),
            previous_state=previous_state,
            nearest=base.nearest,
        )
        session = chosen.start(state)
        said = run_queries(session, session.ask(), annotator, memory, budget=state.budget, record=_Unkept())
        memory, previous_state = said.memory, session.next_state()
        asked += said.asked
        answers += said.answers
        if number == rounds - 1:
            labels = people if chosen.uses_truth else chosen.reassign(state, memory, said.answers)
    free = sum(answer.source == "closure" for answer in answers)
    return Simulation(labels, asked, free, tuple(answers), time.perf_counter() - begun)


class _Unkept:
    """A record that keeps nothing: simulated answers can be had again."""

    def find(self, questions: Sequence[Question]) -> list[Answer]:  # noqa: ARG002
        return []

    def commit(self, answers: Sequence[Answer]) -> None:
        pass
