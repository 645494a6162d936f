"""One round of active learning: clusters, a strategy's questions, their answers, the clusters that obey them.

All but the training is in :func:`play_round`. The nodes of the Kedro pipeline ``active_round`` call the same
functions one by one, with files between them, from which an interrupted round goes on.
"""

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.annotators.base import Annotator, Record
from whosame.annotators.query_loop import run_queries
from whosame.clustering import Clustering, ClusteringConfig, clusters_of, enforce, join
from whosame.features.centring import centre_by_camera
from whosame.identities import as_labels
from whosame.memory import LabelMemory
from whosame.questions import Answer, Question
from whosame.seeding import stream
from whosame.strategies.base import RoundState, Session, Strategy
from whosame.strategies.budget import allowance
from whosame.strategies.views import comparable_first
from whosame.training.config import Obeyed


@dataclasses.dataclass(frozen=True, eq=False)
class RunState:
    """The state of a run between two rounds.

    Attributes
    ----------
    memory : LabelMemory
        Every answer so far.
    asked : int
        Questions that were paid for so far.
    strategy_state : mapping of str to array
        ``Session.next_state`` of the round before.
    """

    memory: LabelMemory = dataclasses.field(default_factory=LabelMemory)
    asked: int = 0
    strategy_state: Mapping[str, NDArray[np.generic]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, eq=False)
class RoundResult:
    """The outcome of a round.

    Attributes
    ----------
    labels : int64 [N]
        Clusters after the round's answers; -1 is an outlier.
    answers : list of Answer
        The round's, free ones too.
    run : RunState
        For the next round.
    """

    labels: NDArray[np.int64]
    answers: list[Answer]
    run: RunState


def play_round(
    strategy: Strategy,
    annotator: Annotator,
    record: Record,
    vectors: NDArray[np.float32],
    clustering: Clustering,
    cameras: NDArray[np.int64],
    identities: NDArray[np.int64],
    run: RunState,
    *,
    number: int,
    schedule: Sequence[int],
    seed: int,
    reuse: bool = True,
) -> RoundResult:
    """Play one round.

    Parameters
    ----------
    strategy, annotator, record : Strategy, Annotator, Record
        Who chooses the questions, who answers them, and what keeps the answers.
    vectors, cameras, identities : float32 [N, D], int64 [N], int64 [N]
        What :func:`clustered_vectors` returns; -1 where unknown; for a strategy with ``uses_truth`` only.
    clustering, run : Clustering, RunState
        The clusters of the vectors before any answer; what the rounds before leave.
    number, schedule, seed : int, sequence of int, int
        The round, from 0; how many questions each round may ask; the run's seed.
    reuse : bool
        Whether the answers of earlier rounds are applied to the clusters.
    """
    labels = apply_earlier_answers(clustering.labels, vectors, run.memory, reuse=reuse)
    clustering = clustering._replace(labels=labels)
    state = describe_round(vectors, clustering, cameras, run, number=number, schedule=schedule, seed=seed)
    session, questions = select_pairs(strategy, state)
    result = run_queries(session, questions, annotator, state.memory, budget=state.budget, record=record)
    memory = memory_in_force(result.memory, len(state.memory.log), reuse=reuse)
    labels = reassign(strategy, state, memory, result.answers, identities)
    return RoundResult(labels, result.answers, RunState(result.memory, run.asked + result.asked, session.next_state()))


def clustered_vectors(
    vectors: NDArray[np.float32], cameras: NDArray[np.int64], config: ClusteringConfig
) -> NDArray[np.float32]:
    """Return the features that are clustered and that questions are chosen on: centred per camera if configured."""
    return centre_by_camera(vectors, cameras) if config.centre_cameras else vectors


def apply_earlier_answers(
    labels: NDArray[np.int64], vectors: NDArray[np.float32], memory: LabelMemory, *, reuse: bool
) -> NDArray[np.int64]:
    """Return the clusters in which a round begins: they obey what was known before, and with ``reuse`` every answer."""
    if not reuse:
        memory = memory.since(len(memory))
    return enforce(labels, vectors, memory) if reuse or memory.known is not None else labels


def describe_round(
    vectors: NDArray[np.float32],
    clustering: Clustering,
    cameras: NDArray[np.int64],
    run: RunState,
    *,
    number: int,
    schedule: Sequence[int],
    seed: int,
    views: NDArray[np.int64] | None = None,
    vertical: NDArray[np.uint8] | None = None,
    map_height: int = 1,
) -> RoundState:
    """Collect everything a strategy may look at; no identity is among it.

    Parameters
    ----------
    vectors, cameras, run, number, schedule, seed
        As for :func:`play_round`.
    clustering : Clustering
        Its labels obey the earlier answers.
    views, vertical, map_height
        See :class:`~whosame.strategies.base.RoundState`.
    """
    return RoundState(
        round=number,
        rounds=len(schedule),
        features=vectors,
        vertical=vertical,
        map_height=map_height,
        graph=clustering.graph,
        labels=clustering.labels,
        cameras=cameras,
        views=np.empty(0, np.int64) if views is None else views,
        memory=run.memory,
        budget=allowance(schedule, number, spent=run.asked),
        generator=stream(seed, "strategy", number),
        previous_state=run.strategy_state,
        nearest=clustering.nearest,
    )


def select_pairs(strategy: Strategy, state: RoundState) -> tuple[Session, list[Question]]:
    """Begin the strategy's session, and return it with its first questions: about comparable views first.

    The session draws from a copy of the state's random numbers: started again on the same state, it asks the same.
    """
    session = strategy.start(dataclasses.replace(state, generator=copy.deepcopy(state.generator)))
    session = comparable_first(session, state)
    return session, list(session.ask())


def memory_in_force(memory: LabelMemory, earlier: int, *, reuse: bool) -> LabelMemory:
    """Return the answers that the labels of a round obey: all of them, or without ``reuse`` its own.

    Parameters
    ----------
    memory : LabelMemory
        With the round's answers.
    earlier : int
        How many entries its log had as the round began.
    reuse : bool
    """
    return memory if reuse else memory.since(earlier)


def reassign(
    strategy: Strategy,
    state: RoundState,
    memory: LabelMemory,
    answers: Sequence[Answer],
    identities: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the labels after a round's answers, -1 for an outlier; with ``uses_truth``, the true identities.

    ``state`` is the round's, ``memory`` what :func:`memory_in_force` returns, ``answers`` are the round's. Distractors,
    junk and images of unknown identity are outliers among the true identities.
    """
    if strategy.uses_truth:
        return as_labels(identities)
    return strategy.reassign(state, memory, answers)


def labels_to_train_on(
    labels: NDArray[np.int64],
    graph: csr_array,
    memory: LabelMemory,
    clustering_state: Mapping[str, Any],
    config: ClusteringConfig,
    obeyed: Obeyed,
) -> NDArray[np.int64]:
    """Return the labels of a round that the network is trained on.

    Parameters
    ----------
    labels : int64 [N]
        After the round's answers; they obey all of them.
    graph, clustering_state
        Of the round's :class:`~whosame.clustering.Clustering`.
    memory : LabelMemory
        What :func:`memory_in_force` returns.
    config : ClusteringConfig
    obeyed : str
        ``training.obeyed``.
    """
    if obeyed == "all":
        return labels
    found, _ = clusters_of(graph, config, clustering_state)
    return join(found, memory) if obeyed == "same" else found
