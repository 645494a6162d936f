"""Agreement of answers with p(same) and similarities; whether a network has improved, by answers held out."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from whosame.evaluation.answer_agreement import Judged, answer_agreement, auc, network_change, surely_larger
from whosame.evaluation.cluster_changes import cluster_changes
from whosame.questions import Answer, Question


def drawn(n=60, seed=0, noise=1.0):
    draw = np.random.default_rng(seed)
    same = draw.random(n) < 0.4
    return same + noise * draw.normal(size=n), same


def test_auc_is_that_of_scikit_learn_with_ties_too():
    scores, same = drawn()
    assert auc(scores, same) == pytest.approx(roc_auc_score(same, scores))
    rounded = scores.round()
    assert auc(rounded, same) == pytest.approx(roc_auc_score(same, rounded))
    assert np.isnan(auc(scores, np.ones(60, bool)))
    assert np.isnan(auc(scores[:0], same[:0]))


def test_how_sure_a_better_ranking_is_has_the_coverage_it_claims():
    # Two scores equally good: "surely larger" at 0.9 must come about one time in ten.
    draw, sure = np.random.default_rng(1), []
    for _ in range(400):
        same = draw.random(60) < 0.4
        sure.append(surely_larger(same + draw.normal(size=60), same + draw.normal(size=60), same))
    assert np.mean(np.array(sure) > 0.9) == pytest.approx(0.1, abs=0.045)
    assert np.mean(sure) == pytest.approx(0.5, abs=0.05)


def test_a_ranking_that_is_the_same_is_no_better():
    scores, same = drawn()
    assert surely_larger(scores, 2 * scores + 1, same) == 0.5
    assert surely_larger(same.astype(float), -same.astype(float), same) == 1.0
    assert surely_larger(drawn(noise=0.3)[0], -scores, same) > 0.99


def judged(same, p_same=None):
    """Pairs (0, 1), (2, 3), … with these answers."""
    given = [Question(2 * k, 2 * k + 1, "pool", p_same=None if p_same is None else p_same[k]) for k in range(len(same))]
    answers = [Answer(question, "same" if yes else "different") for question, yes in zip(given, same, strict=True)]
    free = Answer(Question(0, 3, "pool"), "same", "closure", asked=0)
    return Judged.of([*answers, free, Answer(Question(1, 2, "pool"), "unsure")])


def features_of(similar):
    """Features whose pairs (0, 1), (2, 3), … have these cosine similarities."""
    similar = np.asarray(similar, np.float64)
    second = np.stack([similar, np.sqrt(1 - similar**2)], axis=1)
    first = np.tile([1.0, 0.0], (len(similar), 1))
    return np.stack([first, second], axis=1).reshape(-1, 2).astype(np.float32)


def test_figures_of_a_round_are_about_what_was_given():
    same = [True, True, False, False]
    found = answer_agreement(judged(same, [0.9, 0.6, 0.7, 0.2]), features_of([0.9, 0.8, 0.7, 0.6]))
    assert found["annotation/similarity_auc"] == 1
    assert found["annotation/p_same_auc"] == 0.75
    assert found["annotation/p_same_brier"] == pytest.approx((0.01 + 0.16 + 0.49 + 0.04) / 4)
    assert found["annotation/p_same_excess"] == pytest.approx(0.6 - 0.5)


def test_a_strategy_without_probabilities_has_the_similarity_alone():
    found = answer_agreement(judged([True, False]), features_of([0.9, 0.3]))
    assert found == {"annotation/similarity_auc": 1.0}
    assert answer_agreement(judged([True, True]), features_of([0.9, 0.3])) == {}
    assert answer_agreement(judged([]), features_of([0.9])) == {}


def test_the_network_that_ranks_new_answers_better_has_improved():
    same = np.tile([True, False], 10)
    draw = np.random.default_rng(3)
    good, poor = np.where(same, 0.6, 0.3) + 0.15 * draw.random(20), 0.9 * draw.random(20)
    found = network_change(judged(same), features_of(good), features_of(poor))
    assert found["annotation/network_improved"] > 0.95
    assert found["annotation/similarity_auc_before"] == auc(poor, same)
    back = network_change(judged(same), features_of(poor), features_of(good))
    assert back["annotation/network_improved"] == pytest.approx(1 - found["annotation/network_improved"])


def test_images_that_have_joined_since_are_left_out():
    same = np.tile([True, False], 10)
    draw = np.random.default_rng(4)
    now, before = features_of(draw.random(20)), features_of(draw.random(20))
    found = network_change(judged(same), now, before[:24])  # pairs of the first 24 images
    assert found == network_change(judged(same[:12]), now, before)


def test_nothing_is_said_of_networks_that_cannot_be_compared():
    same = np.tile([True, False], 10)
    features = features_of(np.full(20, 0.5))
    assert network_change(judged(same), features, None) == {}  # the first round, or pruned
    assert network_change(judged(same), features, features[:16]) == {}  # most images have joined since
    assert network_change(judged([True] * 4 + [False] * 16), features, features) == {}


@pytest.mark.parametrize(
    ("before", "after", "moved", "merged", "split"),
    [
        ([0, 0, 0, 1, 1], [0, 0, 0, 0, 0], 2, 1, 0),  # two became one: the smaller one moved
        ([0, 0, 0, 0, 0], [5, 5, 5, 9, 9], 2, 0, 1),  # one became two
        ([0, 0, 1, 1], [7, 7, 3, 3], 0, 0, 0),  # other numbers
        ([0, 0, -1, -1], [0, 0, 0, -1], 1, 0, 0),  # an outlier joined
        ([0, 0, 0, -1], [0, 0, -1, -1], 1, 0, 0),  # and one was left out
        ([0, 0, 1, 1, 1], [0, 1, 1, 1, 1], 1, 0, 0),  # one image went over
        ([], [], 0, 0, 0),
    ],
)
def test_changes_of_a_clustering(before, after, moved, merged, split):
    found = cluster_changes(np.array(before, np.int64), np.array(after, np.int64))
    assert found == {
        "annotation/images_moved": moved,
        "annotation/clusters_merged": merged,
        "annotation/clusters_split": split,
    }
