"""Simulation of question selection without training: what a strategy's answers do to the labels, in seconds."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame.active_round import RunState, clustered_vectors, play_round
from whosame.annotators.base import answers_about_copies
from whosame.annotators.oracle import NoisyOracle
from whosame.clustering import Clustering, ClusteringConfig, base_clusters
from whosame.errors import ParameterError
from whosame.memory import LabelMemory
from whosame.questions import Answer, Known, Question
from whosame.strategies import registry
from whosame.strategies.base import Strategy
from whosame.strategies.budget import spread


@dataclass(frozen=True)
class Simulation:
    """The outcome of a simulation.

    Attributes
    ----------
    labels : int64 [N]
        After the last round's answers; -1 is an outlier.
    asked, free : int
        Questions that were paid for (each time a pair is asked counts), and answers that followed from others.
    answers : tuple of Answer
        All of them, in order.
    seconds : float
        Spent on selection, memory and enforcement, the clustering of the features not included.
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
    noise: float = 0.0,
    seed: int = 0,
    parameters: Mapping[str, Any] | None = None,
    config: ClusteringConfig | None = None,
    clustering: Clustering | None = None,
    digests: Sequence[str] | None = None,
    known: Known | None = None,
) -> Simulation:
    """Play the rounds of a strategy without training.

    Features, and so the clusters before any answer, are the same in every round, and the budget is spread evenly over
    the rounds whatever the strategy's own schedule: only the choice of questions differs.

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
    noise : float
        Share of wrong answers, 0 to 1, of every kind of question.
    seed : int
        Of the strategy and of the wrong answers.
    parameters : mapping, optional
        Groups of parameters by name, as in the group ``strategies``, for a strategy given by name.
    config : ClusteringConfig, optional
        How the features are clustered; by default as ``kedro run`` does.
    clustering : Clustering, optional
        ``base_clusters(clustered_vectors(features, cameras, config), cameras, config)``, where several simulations
        share it.
    known : Known, optional
        What is known of the images before any answer.
    digests : sequence of str, N long, optional
        Of the images' bytes: questions about two files of the same bytes are answered for free. By default no two are
        the same.

    Raises
    ------
    ParameterError
        Arrays of different lengths, a share of noise outside 0 to 1, a negative budget, no rounds, an unknown
        strategy or parameter.
    """
    if not len(features) == len(identities) == len(cameras):
        lengths = f"{len(features)} features, {len(identities)} identities and {len(cameras)} cameras"
        raise ParameterError(f"a simulation takes as many identities and cameras as features, not {lengths}")
    digests = digests if digests is not None else [str(row) for row in range(len(features))]
    if len(digests) != len(features):
        raise ParameterError(f"a simulation takes as many digests as features, {len(features)}, not {len(digests)}")
    if not 0 <= noise <= 1:
        raise ParameterError(f"the noise is {noise}, but takes a share from 0 to 1")
    chosen = registry.make(strategy, parameters) if isinstance(strategy, str) else strategy
    config = config or ClusteringConfig()
    schedule = spread(budget if chosen.asks else 0, rounds, "uniform")
    people = np.unique(identities, return_inverse=True)[1].astype(np.int64) + 1  # 0 would be a distractor
    annotator = NoisyOracle(people, dict.fromkeys(("within", "between", "pool"), noise), seed=seed)
    vectors = clustered_vectors(features, cameras, config)
    clustering = clustering or base_clusters(vectors, cameras, config)
    started = time.perf_counter()
    labels, run, answers = clustering.labels, RunState(LabelMemory(known)), list[Answer]()
    for number in range(rounds):
        played = play_round(
            chosen,
            annotator,
            Unkept(digests),
            vectors,
            clustering,
            cameras,
            people,
            run,
            number=number,
            schedule=schedule,
            seed=seed,
            reuse=config.reuse,
        )
        labels, run = played.labels, played.run
        answers += played.answers
    free = sum(answer.source == "closure" for answer in answers)
    return Simulation(labels, run.asked, free, tuple(answers), time.perf_counter() - started)


class Unkept:
    """A record that keeps nothing: simulated answers can be had again."""

    def __init__(self, digests: Sequence[str]) -> None:
        self._digests = digests

    def find(self, questions: Sequence[Question]) -> list[Answer]:
        """Return the free answers about files of the same bytes."""
        return answers_about_copies(questions, self._digests)

    def commit(self, answers: Sequence[Answer]) -> None:
        """Do nothing."""
