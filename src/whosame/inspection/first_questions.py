"""The first questions of a run on a sample: what its strategy would ask; what gain would, where that asks nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whosame.active_round import RunState, clustered_vectors, describe_round, select_pairs
from whosame.clustering import base_clusters
from whosame.configuration import Configuration
from whosame.features.extraction import Features
from whosame.strategies import registry

FIRST = 20  # questions
BUDGET = 500  # of a run that has none


@dataclass(frozen=True, eq=False)
class FirstQuestions:
    """What a run would ask about some images before any answer is given.

    Attributes
    ----------
    strategy : str
        Whose questions they are.
    pairs : int64 [q, 2]
        Rows of the images, at most ``FIRST``, in the order of asking.
    vectors : float32 [n, D]
        The features that are clustered: centred by camera where that is configured.
    labels : int64 [n]
        Clusters; -1 is an outlier.
    """

    strategy: str
    pairs: NDArray[np.int64]
    vectors: NDArray[np.float32]
    labels: NDArray[np.int64]


def first_questions(features: Features, cameras: NDArray[np.int64], config: Configuration) -> FirstQuestions:
    """Cluster images and select the first questions, as the first round of a run does.

    Parameters
    ----------
    features : Features
        Of n images.
    cameras : int64 [n]
        -1 where unknown.
    config : Configuration
        Of the run.
    """
    strategy, name = config.make_strategy(), config.strategy
    if not strategy.asks or strategy.uses_truth:
        strategy, name = registry.make("gain", config.strategies), "gain"
    if not config.use_cameras:
        cameras = np.full(len(cameras), -1, np.int64)
    allowed = max(strategy.schedule(config.budget or BUDGET, config.rounds)[0], 2 * FIRST)
    vectors = clustered_vectors(features.vectors, cameras, config.clustering)
    clustering = base_clusters(vectors, cameras, config.clustering)
    state = describe_round(
        vectors,
        clustering,
        cameras,
        RunState(),
        number=0,
        schedule=[allowed],
        seed=config.seed,
        vertical=features.vertical,
        map_height=features.map_height,
    )
    _, questions = select_pairs(strategy, state)
    pairs = np.array([(question.a, question.b) for question in questions[:FIRST]], np.int64).reshape(-1, 2)
    return FirstQuestions(name, pairs, vectors, clustering.labels)
