"""Clustering metrics equal a count over all pairs, and scikit-learn's NMI."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import normalized_mutual_info_score

from whosame.errors import InputError
from whosame.evaluation import evaluate_clusters

numbers = st.lists(st.tuples(st.integers(-1, 4), st.integers(-2, 4)), min_size=0, max_size=40)


def rand_index(labels, identities):
    """Adjusted Rand index, one pair at a time (Hubert and Arabie 1985, Eq. 5)."""
    pairs = list(combinations(range(len(labels)), 2))
    together, true = (np.array([x[i] == x[j] for i, j in pairs], bool) for x in (labels, identities))
    chance, most = together.sum() * true.sum() / max(len(pairs), 1), (together.sum() + true.sum()) / 2
    return 1.0 if (together == true).all() else ((together & true).sum() - chance) / (most - chance)


def by_pairs(labels, identities):
    """Pairwise precision and recall, one pair at a time; a share of no pairs is 1."""
    claimed = [identities[i] == identities[j] for i, j in combinations(range(len(labels)), 2) if labels[i] == labels[j]]
    true = [labels[i] == labels[j] for i, j in combinations(range(len(labels)), 2) if identities[i] == identities[j]]
    return np.mean(claimed or [1]), np.mean(true or [1])


def bcubed(labels, identities):
    """BCubed precision and recall, one image at a time."""
    precision, recall = [], []
    for label, identity in zip(labels, identities, strict=True):
        precision.append(np.mean(identities[labels == label] == identity))
        recall.append(np.mean(labels[identities == identity] == label))
    return np.mean(precision), np.mean(recall)


def harmonic(a, b):
    return 2 * a * b / (a + b) if a + b else 0.0


def check(found, labels, identities):
    if len(labels) == 0:
        assert found is None
        return
    assert found.ari == pytest.approx(rand_index(labels, identities), abs=1e-12)
    assert found.nmi == pytest.approx(normalized_mutual_info_score(identities, labels), abs=1e-12)
    pairs, images = by_pairs(labels, identities), bcubed(labels, identities)
    assert (found.pairwise_precision, found.pairwise_recall) == pytest.approx(pairs)
    assert (found.bcubed_precision, found.bcubed_recall) == pytest.approx(images)
    assert (found.pairwise_f1, found.bcubed_f1) == pytest.approx((harmonic(*pairs), harmonic(*images)))


@settings(max_examples=200, deadline=None, database=None)
@given(numbers)
def test_equals_a_count_over_pairs_and_scikit_learns_nmi(drawn):
    labels, identities = np.array(drawn, np.int64).reshape(-1, 2).T
    metrics = evaluate_clusters(labels, identities)
    known = identities >= 0
    identities = np.where(identities == 0, 1000 + np.arange(len(identities)), identities)  # a distractor is alone
    inside = known & (labels >= 0)
    check(metrics.clustered, labels[inside], identities[inside])
    every = labels.copy()
    every[labels < 0] = 100 + np.flatnonzero(labels < 0)
    check(metrics.everything, every[known], identities[known])
    assert metrics.unknown == (~known).sum()
    if known.any():
        inside_labels, inside_identities = labels[inside], identities[inside]
        assert metrics.mixed == sum(len(set(inside_identities[inside_labels == c])) > 1 for c in set(inside_labels))
        assert metrics.split == sum(len(set(inside_labels[inside_identities == p])) > 1 for p in set(inside_identities))


def test_counts_by_hand():
    metrics = evaluate_clusters([3, 3, 3, 7, 7, -1, -1], [1, 1, 2, 1, 1, 2, -2], [0, 0, 1, 0, -1, 2, 2])
    figures = metrics.to_dict()
    assert figures["clusters/count"] == 2
    assert figures["clusters/outliers"] == 2
    assert figures["clusters/coverage"] == pytest.approx(5 / 7)
    assert figures["clusters/largest"] == 3
    assert figures["clusters/cameras_per_cluster"] == 1.5  # cameras 0 and 1; camera 0, the other image's is unknown
    assert figures["clusters/unknown"] == 1
    assert figures["clusters/mixed"] == 1
    assert figures["clusters/split"] == 1  # identity 1; identity 2 is in one cluster and an outlier


def test_outliers_count_against_recall_over_all_images_only():
    figures = evaluate_clusters([0, 0, -1, -1], [1, 1, 1, 1]).to_dict()
    assert figures["clusters/pairwise_recall"] == 1
    assert figures["clusters/pairwise_recall_all"] == pytest.approx(1 / 6)
    assert figures["clusters/bcubed_recall_all"] == pytest.approx((2 * 2 / 4 + 2 * 1 / 4) / 4)
    assert figures["clusters/pairwise_precision_all"] == 1


def test_names_of_the_figures():
    agreement = {"ari", "nmi", *(f"{a}_{b}" for a in ("pairwise", "bcubed") for b in ("precision", "recall", "f1"))}
    counts = {"count", "outliers", "coverage", "largest", "cameras_per_cluster", "unknown", "mixed", "split"}
    names = counts | agreement | {f"{name}_all" for name in agreement}
    found = evaluate_clusters([0, 0, 1], [1, 1, 2], [0, 1, 0])
    assert set(found.to_dict()) == {f"clusters/{name}" for name in names}
    assert set(found.to_dict("labels")) == {f"labels/{name}" for name in names}


def test_without_identities_only_what_needs_none():
    figures = evaluate_clusters([0, 0, 1, -1], [-2] * 4, [-1] * 4).to_dict()
    assert figures == {
        "clusters/count": 2,
        "clusters/outliers": 1,
        "clusters/coverage": 0.75,
        "clusters/largest": 2,
        "clusters/unknown": 4,
    }


def test_only_outliers_and_nothing_at_all():
    figures = evaluate_clusters([-1, -1], [1, 1]).to_dict()
    assert "clusters/ari" not in figures
    assert figures["clusters/ari_all"] == 0
    assert figures["clusters/mixed"] == 0
    assert evaluate_clusters([], [], []).to_dict() == {
        "clusters/count": 0,
        "clusters/outliers": 0,
        "clusters/largest": 0,
        "clusters/unknown": 0,
    }


def test_large_counts_do_not_overflow():
    labels = np.arange(200_000) % 2
    figures = evaluate_clusters(labels, 1 + np.arange(200_000) // 100_000).to_dict()
    assert figures["clusters/ari"] == pytest.approx(0, abs=1e-4)
    assert figures["clusters/pairwise_precision"] == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("given", [([0, 1], [0]), ([0.5, 1], [0, 1]), ([[0], [1]], [[0], [1]]), ([0], [0], [0, 1])])
def test_bad_input_is_one_clear_error(given):
    with pytest.raises(InputError, match="a whole number per image each"):
        evaluate_clusters(*given)
