"""UCAL by hand: k-medoids, Eq. 2-6, the order of a round, its cap, and labels after it."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from whosame.memory import LabelMemory
from whosame.questions import Answer
from whosame.strategies.ucal.kmedoids import k_medoids
from whosame.strategies.ucal.mpps import merges, normalised_gaps, wanted_ranks
from whosame.strategies.ucal.reliability import reliability
from whosame.strategies.ucal.similarities import Similarities
from whosame.strategies.ucal.snps import most_groups, split, structure, structures
from whosame.strategies.ucal.ucal import UCAL, UCALConfig
from whosame.testing import round_state, sessions


def alike(n, **pairs):
    """Similarities of n images; ``_03=0.5`` is that of images 0 and 3."""
    full = np.zeros((n, n))
    for name, value in pairs.items():
        i, j = int(name[1]), int(name[2])
        full[i, j] = full[j, i] = value
    return sparse(full)


def sparse(full):
    matrix = csr_array(full - np.diag(np.diag(full)))
    return Similarities(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data.astype(float))


def lists(arrays):
    return [array.tolist() for array in arrays]


def test_medoids_are_the_most_similar_in_total():
    # Sums of similarities, 1 for itself: 2.4, 2.7, 2.6, 1.8, 1.7: image 1 first. That leaves 3 and 4, who add 1.7
    # each: the first.
    similarities = alike(5, _01=0.8, _02=0.6, _12=0.9, _23=0.1, _34=0.7)
    assert lists(k_medoids(similarities, 1)) == [[1], [0] * 5]
    assert lists(k_medoids(similarities, 2)) == [[1, 3], [0, 0, 0, 1, 1]]
    assert lists(k_medoids(similarities, 5)) == [[0, 1, 2, 3, 4]] * 2


def test_a_swap_corrects_a_first_choice_between_two_groups():
    # Image 0 (3.4) comes first, and with 1 the total is 1 + 1 + .9 + .6 + .6 = 4.1; 1 and 3 reach .6 + 4 x .95 = 4.4.
    similarities = alike(5, _01=0.6, _02=0.6, _03=0.6, _04=0.6, _12=0.9, _34=0.9)
    assert lists(k_medoids(similarities, 1)) == [[0], [0] * 5]
    medoids, groups = k_medoids(similarities, 2)
    assert sorted({groups[1], groups[3]}) == [0, 1]
    assert groups[1] == groups[2]
    assert groups[3] == groups[4]
    assert 0 not in medoids
    assert groups[0] == 0  # as similar to both: the first


def test_no_single_swap_improves_the_medoids():
    draw = np.random.default_rng(0)
    swapped = 0
    for _ in range(60):
        n, k = int(draw.integers(5, 14)), int(draw.integers(2, 5))
        full = draw.random((n, n)) * (draw.random((n, n)) < 0.5)
        full = np.maximum(full, full.T)
        np.fill_diagonal(full, 1)
        medoids, groups = k_medoids(sparse(full), k)

        def total(chosen, full=full):
            return full[:, sorted(chosen)].max(axis=1).sum()

        assert len(set(medoids.tolist())) == k
        assert groups[medoids].tolist() == list(range(k))
        reached = full[:, medoids]
        assert (reached[np.arange(n), groups] == reached.max(axis=1)).all()
        for out, into in ((out, into) for out in medoids for into in range(n) if into not in medoids):
            assert total({*medoids.tolist(), into} - {out}) <= total(medoids) + 1e-9
        one_by_one = []  # what BUILD alone comes to
        for _ in range(k):
            rest = [c for c in range(n) if c not in one_by_one]
            one_by_one.append(max(rest, key=lambda c: total([*one_by_one, c])))
        swapped += total(medoids) > total(one_by_one) + 1e-9
    assert swapped > 5, "the cases need no swap"


def test_an_image_like_no_medoid_goes_where_the_images_like_it_go():
    # Medoids 0 and 3; image 5 is like 4 alone, 6 like 5 alone, 7 like none.
    similarities = alike(8, _01=0.9, _32=0.9, _34=0.5, _45=0.4, _56=0.1)
    assert lists(k_medoids(similarities, 2)) == [[0, 3], [0, 0, 1, 1, 1, 1, 1, 0]]


@pytest.mark.parametrize("k", [0, 4])
def test_groups_are_at_least_one_and_at_most_as_many_as_images(k):
    with pytest.raises(ValueError, match=f"3 images cannot be divided into {k} groups"):
        k_medoids(alike(3), k)


@pytest.mark.parametrize(
    ("similarities", "groups", "compact", "independent"),
    [
        ({"_01": 0.8, "_23": 0.6, "_12": 0.3, "_03": 0.1}, [0, 0, 1, 1], [0.8, 0.6], [0.7, 0.7]),
        # 0 and 2 do not meet: similar by 0; one image is compact.
        ({"_01": 0.8, "_12": 0.7}, [0, 0, 0, 1], [0, 1], [1, 1]),
    ],
)
def test_compactness_and_independence_of_two_groups(similarities, groups, compact, independent):
    found = reliability(alike(4, **similarities), np.array(groups))
    assert [values.tolist() for values in found] == [pytest.approx(compact), pytest.approx(independent)]


def three_people(across):
    """Three pairs of images, .9 within; ``across`` between the second and third pair, .1 from the first to both."""
    full = np.full((6, 6), 0.1)
    full[2:, 2:] = across
    for begin in (0, 2, 4):
        full[begin : begin + 2, begin : begin + 2] = 0.9
    return sparse(full)


def test_the_number_of_groups_is_the_most_reliable_one():
    rows = np.arange(10, 16)
    # Two groups: .9 x .9 + .5 x .9 = 1.26, mean .63. Three: .9 x .9 + 2 x .9 x .5 = 1.71, mean .57.
    by_sum = structure(three_people(0.5), rows, 3)
    assert by_sum.score == pytest.approx(1.71)
    assert by_sum.medoids.tolist() == [10, 12, 14]
    assert by_sum.groups.tolist() == [0, 0, 1, 1, 2, 2]
    assert by_sum.pairs == [(12, 14, 0.5), (10, 12, 0.1), (10, 14, 0.1)]  # the most similar first
    by_mean = structure(three_people(0.5), rows, 3, reduce="mean")
    assert by_mean.score == pytest.approx(0.63)
    assert by_mean.groups.tolist() == [0, 0, 1, 1, 1, 1]
    assert structure(three_people(0.5), rows, 2).score == pytest.approx(1.26)
    # At .8: 1.53 against .81 + 2 x .9 x .2 = 1.17.
    assert len(structure(three_people(0.8), rows, 3).medoids) == 2


@pytest.mark.parametrize(
    ("size", "most", "literally"), [(4, 2, 0), (16, 2, 1), (32, 2, 2), (71, 2, 2), (72, 3, 3), (128, 4, 4)]
)
def test_most_groups_of_a_cluster(size, most, literally):
    assert most_groups(size) == most
    assert most_groups(size, "literal") == literally


def graph_of(full):
    row, column = np.nonzero(full < 1)
    return csr_array((full[row, column].astype(np.float32), (row, column)), shape=full.shape)


def test_similarities_are_those_of_the_graph_within_each_cluster():
    distances = np.ones((9, 9))
    np.fill_diagonal(distances, 0)
    for i, j, d in [
        (0, 1, 0.0),
        (1, 2, 0.5),
        (2, 3, 0.25),
        (4, 0, 0.1),
        (5, 7, 0.125),
        (6, 7, 0.125),
        (5, 6, 0.25),
        (3, 8, 0.0),
    ]:
        distances[i, j] = distances[j, i] = d
    labels = np.array([5, 5, 5, 5, -1, 2, 2, 2, 9])
    features = np.eye(9, dtype=np.float32)
    # Cluster 5: medoids 0 (like 1, by 1) and 2, groups 0 1 and 2 3: 1 x .5 + .75 x .5.
    (only,) = structures(labels, graph_of(distances), features)
    assert only.rows.tolist() == [0, 1, 2, 3]
    assert only.score == pytest.approx(0.875)
    # Cluster 2: medoid 7 and another; with 5: group 5 alone, and 6 7: 1 x .125 + .875 x .125.
    both = structures(labels, graph_of(distances), features, min_size=3)
    assert [one.rows.tolist() for one in both] == [[0, 1, 2, 3], [5, 6, 7]]
    assert both[1].score == pytest.approx(0.234375)
    assert structures(labels, graph_of(distances), features, rule="literal") == []


def test_cosines_are_those_of_the_features_and_never_below_zero():
    features = np.array([[1, 0], [0.8, 0.6], [-1, 0], [-0.8, -0.6]], np.float32)
    (only,) = structures(np.zeros(4, np.int64), graph_of(np.ones((4, 4))), features, similarity="cosine")
    assert only.groups.tolist() == [0, 0, 1, 1]
    assert only.score == pytest.approx(1.6)  # compact by .8, independent by 1: the cosines across are negative
    assert only.pairs[0][2] == 0


def test_huge_clusters_are_measured_by_jaccard():
    distances = np.full((4, 4), 0.5)
    labels, features = np.zeros(4, np.int64), np.eye(4, dtype=np.float32)
    (only,) = structures(labels, graph_of(distances), features, similarity="cosine", most_dense=3)
    assert only.pairs[0][2] == 0.5


def test_a_cluster_splits_into_what_answers_leave_together():
    labels = np.array([3, 3, 3, 3, 3, 3, 1])
    cluster = structure(three_people(0.5), np.arange(6), 3)  # medoids 0, 2, 4

    def after(*answers):
        memory = LabelMemory()
        for a, b, verdict in answers:
            memory.skip(a, b) if verdict == "unsure" else memory.add(a, b, verdict == "same")
        return split(labels, [cluster], memory).tolist()

    whole = labels.tolist()
    assert after() == after((2, 4, "same")) == after((2, 4, "unsure")) == whole
    assert after((2, 4, "same"), (0, 2, "different")) == [3, 3, 4, 4, 4, 4, 1]  # 0 and 4 follow
    assert after((0, 4, "same"), (0, 2, "different")) == [3, 3, 4, 4, 3, 3, 1]
    assert after((2, 4, "different")) == [3, 3, 4, 4, 5, 5, 1]
    assert labels.tolist() == whole


def test_the_first_marked_fall_of_similarity_ends_the_list():
    lists_of = np.array([[0.9, 0.8, 0.4, 0.35], [0.9, 0.7, 0.5, 0.3]])
    gaps = normalised_gaps(lists_of)
    # Falls .1, .4, .05: (.1 - .05) / .35 = 1/7, 1, 0. The second list falls evenly.
    np.testing.assert_allclose(gaps, [[1 / 7, 1, 0], [0, 0, 0]], atol=1e-12)
    assert wanted_ranks(gaps, 0.3).tolist() == [3, 0]  # the two before the fall and the one behind it
    assert wanted_ranks(gaps, 0.3, include_next=False).tolist() == [2, 0]
    assert wanted_ranks(gaps, 0.1, include_next=False).tolist() == [1, 0]
    assert wanted_ranks(np.empty((2, 0)), 0.3).tolist() == [0, 0]
    assert normalised_gaps(np.ones((2, 1))).shape == (2, 0)


def towards(*degrees):
    return np.stack([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))], axis=1).astype(np.float32)


@pytest.mark.parametrize("block", [2, 1024])
def test_clusters_are_paired_with_the_most_similar_as_far_as_the_fall(block):
    # Clusters 0 1 2 at 0, 10, 20 degrees, 3 4 at 90, 100; the three most similar of each and the falls of the cosine:
    # 0: 1 2 3, .045 .940 -> 1 2. 1: 0 2 3, 0 .811 -> 0 2. 2: 1 0 3, .045 .598 -> 1 0. 3: 4 2 1, .643 .168 -> 4.
    # 4: 3 2 1, .811 .174 -> 3.
    centroids = towards(0, 10, 20, 90, 100) * np.array([[1], [0.5], [1], [2], [1]], np.float32)
    found = merges(centroids, l_max=3, include_next=False, block=block)
    assert sorted(map(tuple, found.clusters[:3].tolist())) == [(0, 1), (1, 2), (3, 4)]  # ties but for rounding
    assert found.clusters[3].tolist() == [0, 2]
    np.testing.assert_allclose(found.similarities, [0.9848, 0.9848, 0.9848, 0.9397], atol=1e-4)
    # The one behind the fall too: 3, 3, 3, 2, 2.
    more = merges(centroids, l_max=3, block=block)
    assert {(0, 3), (1, 3), (2, 3), (2, 4)} == set(map(tuple, more.clusters[4:].tolist()))
    assert (np.diff(more.similarities) <= 0).all()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_fewer_than_three_others_show_no_fall(count):
    assert len(merges(towards(*[0, 10, 90][:count])).clusters) == 0


# Angles in degrees. P holds two groups, 0 2 4 and 30 32 36. The distance of two images is their angle / 100.
ANGLES = [0, 2, 4, 30, 32, 36, 120, 121, 122, 124, 200, 201, 202, 206, 207, 208, 290, 291, 292]
P, Q, R, S, T = 0, 1, 2, 3, 4
LABELS = [P] * 6 + [Q] * 4 + [R] * 3 + [S] * 3 + [T] * 3
# P splits into 0 1 2 and 3 4 5, medoids 1 and 4: compact by .96 and .94, independent by .26, since 4 and 30 degrees
# are alike by .74. Q splits into 6 7 8 and 9, medoids 7 and 9: .98 x .02 + 1 x .02.
SPLITS = [(1, 4), (7, 9)]
# Centroids P 17, Q 122, R 201, S 207, T 291; shown are 3, 8, 11, 14, 17. The lists, as cosines, down to their fall:
# P: T .06 | Q. Q: R .19, S .08 | P. R: S .99 | Q. S: R .99 | T. T: S .10, P .06, R 0 | Q.
MERGES = [(11, 14), (8, 11), (14, 17), (8, 14), (3, 17), (11, 17)]
PLAIN = {"include_next": False, "merge_cap": 1.0}


def state_of(angles=ANGLES, labels=LABELS, *, budget=100, **fields):
    apart = np.abs(np.subtract.outer(np.array(angles, float), angles)) / 100
    return round_state(towards(*angles), labels, graph=graph_of(apart), budget=budget, **fields)


def play(config, state, verdict):
    """Return the pairs of each batch, the answers, and the labels after them."""
    played = sessions.play(UCAL(config).start(state), state, verdict)
    return played.batches, played.answers, UCAL(config).reassign(state, played.memory, played.answers).tolist()


def same_within(question):
    return "same" if question.kind == "within" else "different"


def test_a_round_asks_about_splits_and_then_about_merges_best_first():
    batches, answers, labels = play(UCALConfig(**PLAIN), state_of(), same_within)
    assert batches == [SPLITS, MERGES]
    kinds = ["within"] * 2 + ["between"] * 6
    assert [answer.question.kind for answer in answers] == kinds
    assert [answer.question.group for answer in answers] == [P, Q, R, Q, S, Q, P, R]
    assert answers[0].question.score == pytest.approx(0.26 * (0.96 + 0.94))
    assert answers[1].question.score == pytest.approx(0.0396)
    assert answers[2].question.score == pytest.approx(np.cos(np.deg2rad(6)))
    assert answers[0].question.reason == "groups of one cluster, similarity 0.700"
    assert answers[2].question.reason == "clusters like each other, similarity 0.995"
    assert labels == LABELS


def test_merges_are_chosen_among_the_clusters_that_splits_leave():
    def verdict(question):
        return "same" if (question.a, question.b) in [(7, 9), (1, 17)] else "different"

    batches, _, labels = play(UCALConfig(**PLAIN), state_of(), verdict)
    assert batches[0] == SPLITS
    merges_asked = [pair for batch in batches[1:] for pair in batch]
    # T: P's first part .33, S .10, R 0, P's second part -.20 | Q.
    assert [pair for pair in merges_asked if 17 in pair] == [(1, 17), (14, 17), (11, 17), (4, 17)]
    groups = {tuple(np.flatnonzero(np.array(labels) == label)) for label in set(labels)}
    assert groups == {(0, 1, 2, 16, 17, 18), (3, 4, 5), (6, 7, 8, 9), (10, 11, 12), (13, 14, 15)}


def test_parts_that_were_just_found_to_differ_are_not_compared_again():
    # The second group's medoid is 32 degrees, but nearest to its mean of 37 is 35: shown is the medoid.
    angles = [0, 2, 4, 30, 31, 32, 35, 60, *ANGLES[6:]]
    state = state_of(angles, [P] * 8 + LABELS[6:])
    batches, _, _ = play(UCALConfig(**PLAIN), state, lambda _: "different")
    assert batches[0][0] == (1, 5)
    merges_asked = [pair for batch in batches[1:] for pair in batch]
    assert [pair for pair in merges_asked if max(pair) < 8] == []
    assert {row for pair in merges_asked for row in pair if row < 8} == {1, 5}


@pytest.mark.parametrize(
    ("share", "budget", "expected"),
    [
        (1.0, 100, [SPLITS]),  # a module without a share asks nothing
        (0.0, 100, [MERGES]),
        (0.34, 3, [SPLITS[:1], MERGES[:2]]),
        (0.9, 3, [SPLITS, MERGES[:1]]),  # a share of 3, and only 2 splits
        (0.15, 7, [SPLITS[:1], MERGES]),
        (0.01, 8, [MERGES, SPLITS]),  # more than there are merges: the rest goes to splits
    ],
)
def test_the_budget_is_shared_and_rests_are_handed_over(share, budget, expected):
    assert play(UCALConfig(snps_share=share, **PLAIN), state_of(budget=budget), same_within)[0] == expected


def test_what_the_cap_leaves_goes_to_splits():
    config = UCALConfig(snps_share=0.2, include_next=False, merge_cap=0.2)
    batches, _, _ = play(config, state_of(budget=5), lambda _: "same")
    assert batches == [SPLITS[:1], MERGES[:1], SPLITS[1:]]


def test_free_answers_do_not_use_up_the_share():
    session = UCAL(UCALConfig(snps_share=0.25, **PLAIN)).start(state_of(budget=4))
    (first,) = session.ask()
    session.tell([Answer(first, "same", "closure")])
    assert [(question.a, question.b) for question in session.ask()] == SPLITS[1:]


def test_unions_stop_at_the_cap_and_batches_cannot_exceed_it():
    capped = UCALConfig(snps_share=0.0, include_next=False, merge_cap=0.4)  # of five clusters: two unions
    batches, answers, labels = play(capped, state_of(), lambda _: "same")
    assert batches == [MERGES[:2]]  # R = S, Q = R; that Q and S are one person follows, S and T would be a third union
    assert len(set(labels)) == 3
    assert all(answer.verdict == "same" for answer in answers)
    batches, _, _ = play(capped, state_of(), lambda _: "different")
    # R-S, Q-R | S-T, Q-S (S-P would be the third) | P-T, R-T
    assert batches == [MERGES[:2], MERGES[2:4], MERGES[4:]]
    batches, _, _ = play(capped.replace(merge_cap=0.6), state_of(), lambda _: "different")
    # With room for three, Q-S fits beside R-S and Q-R: it closes a triangle, at most three unions come of the four.
    assert batches == [MERGES[:4], MERGES[4:]]
    assert play(capped.replace(merge_cap=0.19), state_of(), lambda _: "same")[0] == []


def test_outliers_and_clusters_of_one_take_part_only_if_configured():
    labels = [P] * 6 + [Q] * 4 + [-1] * 3 + [S] + [T] * 5

    def images(outliers):
        config = UCALConfig(snps_share=0.0, outliers=outliers, merge_cap=1.0)
        _, answers, _ = play(config, state_of(labels=labels), lambda _: "different")
        return {(answer.question.kind, row) for answer in answers for row in (answer.question.a, answer.question.b)}

    assert images(outliers=False) == set()  # three clusters: no list with two falls
    with_them = images(outliers=True)
    assert {row for _, row in with_them} >= {10, 11, 12, 13}
    assert {kind for kind, row in with_them if row in (10, 11, 12)} == {"pool"}
    assert ("between", 13) in with_them


def test_pairs_that_come_up_again_keep_their_answers_where_answers_are_not_reused():
    memory = LabelMemory()
    memory.add(1, 4, same=False)  # a split of this round
    memory.add(11, 14, same=True)  # a merge of this round
    memory.add(2, 17, same=True)  # does not come up
    this_round = LabelMemory()
    labels = UCAL(UCALConfig(**PLAIN)).reassign(state_of(memory=memory), this_round, []).tolist()
    assert labels == [0, 0, 0, 1, 1, 1] + [2] * 4 + [3] * 6 + [4] * 3
