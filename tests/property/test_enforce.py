"""Enforced labels violate no answer, and move no more than the stated rules say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosame.clustering import enforce, join, violations
from whosame.memory import LabelMemory


def remember(*entries):
    return LabelMemory.from_log(*zip(*entries, strict=True)) if entries else LabelMemory()


def on_a_line(*positions):
    """Return features [n, 2] whose distances are those of the positions."""
    return np.array([[position, 0.0] for position in positions])


@given(
    n=st.integers(2, 40),
    clusters=st.integers(0, 6),
    identities=st.integers(1, 8),
    asked=st.integers(0, 80),
    noise=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=300, deadline=None)
def test_no_answer_is_violated(n, clusters, identities, asked, noise, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, clusters, n)
    truth = rng.integers(0, identities, n)
    features = rng.standard_normal((n, 4)).astype(np.float32)
    memory = LabelMemory()
    for _ in range(asked):
        a, b = rng.choice(n, 2, replace=False)
        memory.add(int(a), int(b), bool((truth[a] == truth[b]) ^ (rng.random() < noise)))
    before = labels.copy()
    final = enforce(labels, features, memory)
    np.testing.assert_array_equal(labels, before)
    assert final.dtype == np.int64
    for a in range(n):
        for b in range(a + 1, n):
            together = final[a] == final[b] != -1
            assert memory.implied(a, b) in (None, together), (a, b)
    assert len(violations(final, memory)) == 0
    _, first = np.unique(final[final != -1], return_index=True)
    assert sorted(set(final.tolist()) - {-1}) == list(range(len(first)))
    assert (np.diff(first) > 0).all(), "clusters are numbered by their smallest row"
    linked = np.isin(np.arange(n), [row for a, b, verdict in memory.log if verdict == "same" for row in (a, b)])
    assert (final[(labels == -1) & ~linked] == -1).all(), "an outlier that is linked to nobody stays one"
    np.testing.assert_array_equal(final, enforce(labels, features, memory))
    np.testing.assert_array_equal(final, enforce(final, features, memory))


@given(n=st.integers(1, 25), clusters=st.integers(0, 5), asked=st.integers(0, 30), seed=st.integers(0, 2**16))
@settings(max_examples=200, deadline=None)
def test_joining_is_enforcing_what_is_the_same(n, clusters, asked, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, clusters, n)
    memory, same = LabelMemory(), LabelMemory()
    for _ in range(asked if n > 1 else 0):
        a, b = rng.choice(n, 2, replace=False).tolist()
        if memory.add(a, b, bool(rng.random() < 0.4)) != "conflict" and memory.implied(a, b):
            same.add(a, b, same=True)
    np.testing.assert_array_equal(join(labels, memory), enforce(labels, rng.standard_normal((n, 2)), same))


@given(n=st.integers(2, 25), clusters=st.integers(1, 4), asked=st.integers(0, 30), seed=st.integers(0, 2**16))
@settings(max_examples=200, deadline=None)
def test_violations_are_those_that_a_look_at_every_pair_finds(n, clusters, asked, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, clusters, n)
    memory = LabelMemory()
    for _ in range(asked):
        a, b = rng.choice(n, 2, replace=False)
        memory.add(int(a), int(b), bool(rng.random() < 0.5))
    wrong = {
        (a, b)
        for a in range(n)
        for b in range(a + 1, n)
        if memory.implied(a, b) not in (None, bool(labels[a] == labels[b] != -1))
    }
    found = violations(labels, memory)
    assert found.dtype == np.int64
    assert {tuple(pair) for pair in found.tolist()} <= wrong
    assert (len(found) == 0) == (not wrong)


def test_without_answers_clusters_are_only_renumbered():
    final = enforce(np.array([7, -1, 2, 7]), np.eye(4), LabelMemory())
    assert final.tolist() == [0, -1, 1, 0]


def test_different_divides_a_cluster_by_the_nearest_of_the_two():
    features = on_a_line(0, 1, 2, 8, 9, 10)
    final = enforce(np.zeros(6, np.int64), features, remember((0, 5, "different")))
    assert final.tolist() == [0, 0, 0, 1, 1, 1]


def test_must_link_groups_move_as_a_block_by_their_mean():
    features = on_a_line(0, 3, 9, 10)  # 1 is nearer to 0, but its group (1, 2) has its mean nearer to 3
    final = enforce(np.zeros(4, np.int64), features, remember((0, 3, "different"), (1, 2, "same")))
    assert final.tolist() == [0, 1, 1, 1]


def test_a_colours_centroid_is_the_mean_of_its_component_wherever_it_lies():
    features = on_a_line(0, 4, 10, -8)  # the linked outlier 3 pulls the centroid of 0's colour away from 1
    labels = np.array([0, 0, 0, -1])
    assert enforce(labels, features, remember((0, 2, "different"))).tolist() == [0, 0, 1, -1]
    final = enforce(labels, features, remember((0, 2, "different"), (0, 3, "same")))
    assert final.tolist() == [0, 1, 1, 0]


def test_components_in_conflict_share_a_colour_where_they_may():
    # 0-1 and 2-3 are different pairs: two colours are enough, and 2 belongs to the nearer 1, 3 to 0.
    features = on_a_line(0, 10, 9, 1)
    final = enforce(np.zeros(4, np.int64), features, remember((0, 1, "different"), (2, 3, "different")))
    assert final.tolist() == [0, 1, 1, 0]


def test_the_largest_component_in_conflict_is_coloured_first():
    # 0|12|34|5 in a chain of "different": 12 and 34 first need two colours, 0 and 5 first would need three.
    memory = remember((1, 2, "same"), (3, 4, "same"), (0, 1, "different"), (1, 3, "different"), (3, 5, "different"))
    final = enforce(np.zeros(6, np.int64), np.eye(6), memory)
    assert final.tolist() == [0, 1, 1, 0, 0, 1]


def test_same_merges_whole_clusters():
    final = enforce(np.array([0, 0, 1, 1, 2]), np.eye(5), remember((1, 2, "same")))
    assert final.tolist() == [0, 0, 0, 0, 1]


def test_splits_come_first_then_unions():
    # 0|2 are different in cluster 0; 2 is the same as 4 in cluster 1: the part of 2 merges, the part of 0 stays.
    features = on_a_line(0, 1, 10, 9, 12, 13)
    final = enforce(np.array([0, 0, 0, 0, 1, 1]), features, remember((0, 2, "different"), (2, 4, "same")))
    assert final.tolist() == [0, 0, 1, 1, 1, 1]


def test_a_merge_that_breaks_a_cannot_link_moves_only_the_block_to_the_majority():
    # Cluster 0 holds 0-2, cluster 1 holds 3-5; 0|3 are different; 1, 2 and 4 the same person.
    memory = remember((0, 3, "different"), (1, 2, "same"), (2, 4, "same"))
    assert enforce(np.array([0, 0, 0, 1, 1, 1]), np.eye(6), memory).tolist() == [0, 0, 0, 1, 0, 1]


@pytest.mark.parametrize(("position", "expected"), [(2.0, [0, 0, 1, 0]), (8.0, [0, 1, 1, 1])])
def test_a_tie_goes_to_the_nearest_centroid(position, expected):
    # 1 in cluster 0 and 3 in cluster 1 are the same person, 0 and 2 are not.
    features = on_a_line(0, position, 10, position)
    memory = remember((0, 2, "different"), (1, 3, "same"))
    assert enforce(np.array([0, 0, 1, 1]), features, memory).tolist() == expected


def test_the_majority_counts_before_the_nearest_centroid():
    # Most of 1, 2, 4 lie in cluster 0, but their mean is nearest to cluster 1.
    features = on_a_line(-30, 1, 1, 2, 1, 2)
    memory = remember((0, 3, "different"), (1, 2, "same"), (2, 4, "same"))
    assert enforce(np.array([0, 0, 0, 1, 1, 1]), features, memory).tolist() == [0, 0, 0, 1, 0, 1]


def test_merged_clusters_keep_apart_what_either_did():
    # Clusters 0 and 1 merge by 0 and 3; 4 of cluster 1 is not 6 of cluster 2, so that 1 and 5 may not unite 0 with 2.
    memory = remember((0, 3, "same"), (4, 6, "different"), (1, 5, "same"))
    final = enforce(np.array([0, 0, 0, 1, 1, 2, 2]), on_a_line(0, 0, 0, 0, 0, 9, 9), memory)
    assert final.tolist() == [0, 0, 0, 0, 0, 0, 1]


def test_a_cluster_that_a_block_has_left_is_free_of_its_cannot_links():
    # 0, 1 and 3 are one person; 2|4 keep clusters 0 and 1 apart, so that only 3 leaves cluster 1. With it goes what
    # kept cluster 1 from cluster 2, 0|6, and the two unite by 5 and 7.
    memory = remember((0, 1, "same"), (1, 3, "same"), (2, 4, "different"), (0, 6, "different"), (5, 7, "same"))
    final = enforce(np.array([0, 0, 0, 1, 1, 1, 2, 2]), np.eye(8), memory)
    assert final.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_the_largest_components_unite_first():
    # Either {0, 4} unites clusters 0 and 2, or {1, 2, 5} unites 0 and 1, not both: 3|6 are different.
    memory = remember((0, 6, "same"), (1, 3, "same"), (1, 2, "same"), (4, 7, "different"))
    final = enforce(np.array([0, 0, 0, 1, 1, 1, 2, 2]), on_a_line(0, 0, 0, 9, 9, 9, 5, 5), memory)
    assert final.tolist() == [0, 0, 0, 0, 0, 0, 0, 1]


def test_outliers_join_the_cluster_they_are_linked_to():
    memory = remember((0, 2, "same"), (3, 4, "same"), (1, 5, "different"))
    assert enforce(np.array([0, 0, -1, -1, -1, -1]), np.eye(6), memory).tolist() == [0, 0, 0, 1, 1, -1]


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"labels of shape \[3\] for features of shape \[2, 2\]"):
        enforce(np.zeros(3, np.int64), np.eye(2), LabelMemory())
    with pytest.raises(ValueError, match="row 9"):
        enforce(np.zeros(2, np.int64), np.eye(2), remember((0, 9, "same")))
