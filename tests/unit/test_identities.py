"""One rule for persons, distractors, junk and unknown identities, wherever identities are read."""

import numpy as np
import pytest

from whosame.annotators.oracle import Oracle
from whosame.evaluation import evaluate_clusters, evaluate_each, evaluate_retrieval
from whosame.identities import DISTRACTOR, JUNK, UNKNOWN, as_labels, is_counted, is_person, is_same
from whosame.questions import Question

IDENTITIES = np.array([7, 7, 9, 9, 0, 0, 0, -1, -2])  # two persons, three distractors, junk, unknown


def test_the_kinds_of_identity():
    assert is_person(np.array([5, DISTRACTOR, JUNK, UNKNOWN])).tolist() == [True, False, False, False]
    assert is_counted(np.array([5, DISTRACTOR, JUNK, UNKNOWN])).tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("first", "second", "same", "verdict"),
    [
        (7, 7, True, "same"),
        (7, 9, False, "different"),
        (7, DISTRACTOR, False, "different"),
        (DISTRACTOR, DISTRACTOR, None, "unsure"),
        (JUNK, 7, None, "unsure"),
        (JUNK, DISTRACTOR, None, "unsure"),
        (JUNK, JUNK, None, "unsure"),
    ],
)
def test_pairs_and_what_the_oracle_says_of_them(first, second, same, verdict):
    for pair in ((first, second), (second, first)):
        assert is_same(*pair) is same
        assert Oracle(np.array(pair)).verdict(Question(0, 1, "pool")) == verdict


@pytest.mark.parametrize("labels", [as_labels(IDENTITIES), [0, 0, 1, 1, 2, 3, 4, 1, 0]])
def test_a_perfect_clustering_scores_1(labels):
    """Distractors are outliers, or each alone in a cluster; where junk and unknown images are does not matter."""
    metrics = evaluate_clusters(labels, IDENTITIES)
    assert (metrics.mixed, metrics.split, metrics.unknown) == (0, 0, 2)
    for scores in (metrics.clustered, metrics.everything):
        assert set(vars(scores).values()) == {1.0}


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2, 2, -1, -1], [0, 0, 1, 1, 1, -1, -1, -1, -1]])
def test_a_distractor_belongs_to_no_cluster_of_others(labels):
    metrics = evaluate_clusters(labels, IDENTITIES)
    assert metrics.mixed == 1
    assert metrics.everything.ari < 1
    assert metrics.everything.pairwise_precision < 1


def test_a_distractor_is_wrong_for_every_query_and_matches_none():
    features = np.eye(2, dtype=np.float32)[[0, 0, 1]]
    found = evaluate_retrieval(features, [0, 7, -1], [0, 0, 0], features, [0, 0, 7], [1, 1, 1])
    assert (found.queries, found.queries_without_match) == (3, 2)
    assert found.mAP == pytest.approx(1 / 3)  # the two distractors are before the match
    every = evaluate_each(features, [0, 0, 7], [1, 2, 3])
    assert (every.queries, every.queries_without_match) == (1, 1)
