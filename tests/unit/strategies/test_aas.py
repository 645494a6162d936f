"""AAS by hand: regions, medoids, the two pools, the draw, and a round, on a circle where cosine is nearness of angles."""

from collections import Counter

import numpy as np
import pytest

from whosame.clustering import neighbours
from whosame.clustering.approximate_neighbours import Search
from whosame.memory import LabelMemory
from whosame.strategies.aas.aas import AAS, AASConfig
from whosame.strategies.aas.disagreement import medoids, near_medoids, regions, separated_pairs
from whosame.strategies.budget import allowance
from whosame.strategies.groups import Groups, singletons
from whosame.testing import round_state


def circle(*degrees):
    radians = np.radians(np.array(degrees, float))
    return np.column_stack([np.cos(radians), np.sin(radians)]).astype(np.float32)


def cosines(*degrees):
    return pytest.approx(np.cos(np.radians(degrees)), abs=1e-6)


def listed(pairs):
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        # Sets of one: 012, 34, 56, of the other: 01, 234, 56, 7. 012 meets 01 and 234, which meets 34: one region of
        # five. 56 is the same set twice, and 7 is an outlier.
        ([0, 0, 0, 1, 1, 2, 2, -1], [5, 5, 6, 6, 6, 7, 7, 8], [0, 0, 0, 0, 0, -1, -1, -1]),
        ([3, 3, 3, 3, 9, 9], [0, 0, 1, 1, 2, 2], [0, 0, 0, 0, -1, -1]),  # a cluster inside another
        ([4, 4, -1, -1], [0, 0, 0, 1], [-1, -1, -1, -1]),  # an outlier is in no region,
        ([4, 4, 5, 6], [0, 0, 0, 1], [0, 0, 0, -1]),  # and as a cluster of one in that of whom it is united with
        ([1, 1, 0], [0, 0, 7], [-1, -1, -1]),  # no disagreement
        ([-1, -1], [0, 0], [-1, -1]),  # outliers alone
    ],
)
def test_regions_are_components_of_clusters_that_overlap_in_part(one, other, expected):
    assert regions(np.array(one), np.array(other)).tolist() == expected
    assert regions(np.array(other), np.array(one)).tolist() == expected


def test_medoids_by_hand_and_by_brute_force():
    # Angles 0, 10, 12, 80: sums of cosines 3.137, 3.326, 3.352, 1.891.
    assert medoids(circle(0, 10, 12, 80), Groups(np.array([0, 0, 0, 0]))).tolist() == [2]
    assert medoids(circle(5, 5), Groups(np.array([0, 0]))).tolist() == [0]
    draw = np.random.default_rng(0)
    features = draw.normal(size=(3000, 5)).astype(np.float32)  # more rows than a block
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    labels = draw.integers(-1, 20, 3000)
    for label, medoid in enumerate(medoids(features, Groups(labels))):
        rows = np.flatnonzero(labels == label)
        assert medoid == rows[(features[rows] @ features[rows].T).sum(axis=1).argmax()]


def test_medoids_are_paired_with_their_nearest_if_similar_enough():
    # Rows 1, 3, 5, 7 at 0, 10, 75, 180. Nearest: 1-3, 5 to 3 (65 degrees, .42), 7 to 5 (105 degrees, below 0).
    features = circle(200, 0, 200, 10, 200, 75, 200, 180)
    chosen = np.array([1, 3, 5, 7])
    pairs = near_medoids(features, chosen, nearest=1, least=0.3)
    assert listed(pairs) == [(1, 3), (3, 5)]
    assert pairs.similarity == cosines(10, 65)
    assert listed(near_medoids(features, chosen, nearest=1, least=0.5)) == [(1, 3)]
    assert listed(near_medoids(features, chosen, nearest=3, least=0.2)) == [(1, 3), (1, 5), (3, 5)]
    for few in (np.empty(0, np.int64), np.array([3])):
        assert listed(near_medoids(features, few, nearest=5, least=0.3)) == []


ONE, OTHER = np.array([0, 0, 0, 1, 1]), np.array([5, 5, 6, 6, 6])
ANGLES = (0, 2, 20, 24, 40)


def test_the_closest_pair_that_one_unites_and_the_other_parts():
    # United by the one: 0 offers 2 (20 degrees), 1 offers 2 (18), 2 offers 1; all between clusters 5 and 6: 1-2 stays.
    pairs = separated_pairs(circle(*ANGLES), ONE, OTHER)
    assert listed(pairs) == [(1, 2)]
    assert pairs.similarity == cosines(18)
    # United by the other: 2 offers 3 (4 degrees), 3 offers 2, 4 offers 2 (20): 2-3 stays.
    pairs = separated_pairs(circle(*ANGLES), OTHER, ONE)
    assert listed(pairs) == [(2, 3)]
    assert pairs.similarity == cosines(4)
    assert listed(separated_pairs(circle(*ANGLES), ONE, ONE)) == []


def test_each_pair_of_clusters_has_its_own_closest_pair():
    # One cluster is three elsewhere, at 0 1, at 10 and at 30 32: 1-2 (9 degrees) and 2-3 (20).
    pairs = separated_pairs(circle(0, 1, 10, 30, 32), np.array([0, 0, 0, 0, 0]), np.array([0, 0, 1, 2, 2]))
    assert listed(pairs) == [(1, 2), (2, 3)]


def test_outliers_take_no_part_in_pairs_unless_they_are_clusters():
    together, apart = np.array([0, 0, 0]), np.array([1, -1, 2])
    assert listed(separated_pairs(circle(0, 1, 30), together, apart)) == [(0, 2)]
    assert listed(separated_pairs(circle(0, 1, 30), together, singletons(apart))) == [(0, 1), (1, 2)]


def test_pairs_across_blocks_are_those_of_brute_force():
    draw = np.random.default_rng(1)
    features = draw.normal(size=(120, 4)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    together, apart = draw.integers(0, 3, 120), draw.integers(0, 6, 120)
    cosine = np.where((together[:, None] == together) & (apart[:, None] != apart), features @ features.T, -np.inf)
    best = {}
    for row in range(120):
        mate = int(cosine[row].argmax())
        key = tuple(sorted((apart[row], apart[mate])))
        best[key] = max(best.get(key, (-2,)), (float(cosine[row, mate]), tuple(sorted((row, mate)))))
    assert set(listed(separated_pairs(features, together, apart, block=7))) == {pair for _, pair in best.values()}


# Two copies of the five images above, 60 degrees apart. FINCH: 01, 234, 56, 789 (four, as many clusters as there are),
# then 0-4 and 5-9. Regions 0-4 and 5-9; medoids 2 (4.828 of 5; the next is 3 with 4.800) and 7: over 2-7, cosine .5.
# Under: 1-2 and 6-7, which FINCH parts; 2-3 and 7-8, which it unites.
TEN = circle(*ANGLES, *(angle + 60 for angle in ANGLES))
CLUSTERS = [0, 0, 0, 1, 1, 2, 2, 2, 3, 3]
OVER, UNDER = {(2, 7)}, {(1, 2), (2, 3), (6, 7), (7, 8)}


def state_of(*, features=TEN, labels=CLUSTERS, budget=100, **fields):
    return round_state(features, labels, budget=budget, **fields)


def asked(config=None, **state):
    return [(question.a, question.b) for question in AAS(config).start(state_of(**state)).ask()]


def test_a_round_asks_both_pools():
    questions = AAS().start(state_of()).ask()
    assert {(question.a, question.b) for question in questions} == OVER | UNDER
    kinds = {(question.a, question.b): question.kind for question in questions}
    assert kinds == {(2, 7): "between", (1, 2): "within", (2, 3): "between", (6, 7): "within", (7, 8): "between"}
    reasons = {(question.a, question.b): question.reason for question in questions}
    assert reasons[2, 7] == "regions near each other, similarity 0.500"
    assert reasons[1, 2] == "DBSCAN and FINCH disagree, similarity 0.951"
    assert [question.score for question in questions] == sorted((q.score for q in questions), reverse=True)


def test_pairs_are_drawn_in_proportion_to_their_chances():
    first = Counter(asked(budget=1, seed=seed)[0] for seed in range(150))  # .6 for the one over, .1 each under
    assert first[2, 7] / 150 == pytest.approx(0.6, abs=0.1)
    for pair in UNDER:
        assert first[pair] / 150 == pytest.approx(0.1, abs=0.07)


def test_over_segmentation_pairs_are_drawn_by_their_similarity():
    # Three regions 60 degrees apart: medoids 2, 7, 12; 2-7 and 7-12 have cosine .5, 2-12 (120 degrees) is left out.
    # A fourth region 35 degrees on: 12-17 has .82, 7-17 (95 degrees) is left out.
    features = circle(*(angle / 3 + turn for turn in (0, 60, 120, 155) for angle in ANGLES))
    labels = [label + 2 * turn for turn in range(4) for label in (0, 0, 0, 1, 1)]
    config = AASConfig(over_fraction=1.0)
    state = {"features": features, "labels": labels}
    assert set(asked(config, **state)) == {(2, 7), (7, 12), (12, 17)}
    first = Counter(asked(config, budget=1, seed=seed, **state)[0] for seed in range(150))
    assert first[12, 17] / 150 == pytest.approx(0.82 / 1.82, abs=0.1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"over_fraction": 0.0}, UNDER), ({"over_fraction": 1.0}, OVER), ({"least_similarity": 0.6}, UNDER)],
)
def test_a_pool_without_a_share_or_similar_medoids_asks_nothing(options, expected):
    assert set(asked(AASConfig(**options))) == expected


def test_the_partition_compared_is_the_nearest_in_number_or_the_first():
    merged = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert asked(labels=merged) == []  # FINCH's second partition is the same
    assert set(asked(AASConfig(partition="first"), labels=merged)) == {(1, 2), (6, 7), (2, 7)}


def test_outliers_are_clusters_of_one_or_take_no_part():
    labels = [0, 0, -1, 1, 1, 2, 2, 2, 3, 3]  # four clusters still; FINCH unites 2 with 3 and 4
    kinds = {(question.a, question.b): question.kind for question in AAS().start(state_of(labels=labels)).ask()}
    assert kinds[2, 3] == "pool"
    without = asked(AASConfig(outliers=False), labels=labels)
    assert set(without) == {(6, 7), (7, 8)}  # 01 and 34 are now the same sets, so there is one region and no 2-7


def test_without_any_cluster_the_finest_partition_is_compared():
    # FINCH's four clusters are four regions, with medoids 0, 3, 5, 8 at 0, 24, 60, 84 degrees: all but 0-8 are near.
    alone = {(0, 1), (2, 3), (3, 4), (5, 6), (7, 8), (8, 9)}
    assert set(asked(labels=[-1] * 10)) == alone | {(0, 3), (0, 5), (3, 5), (3, 8), (5, 8)}


def test_what_answers_decide_is_no_disagreement():
    memory = LabelMemory()
    memory.add(0, 2, same=True)  # not the pair that would be asked
    assert set(asked(memory=memory)) == {(2, 7), (2, 3), (6, 7), (7, 8)}
    memory = LabelMemory()
    memory.add(2, 4, same=False)  # FINCH unites them; 3 (at 24 degrees) stays with 2 (at 20), 4 (at 40) leaves
    assert set(asked(memory=memory)) == OVER | UNDER | {(3, 4)}


def test_nearest_images_that_the_clustering_found_are_not_searched_again(monkeypatch):
    searched = []

    def search(self, features, k):
        searched.append(len(features))
        return neighbours(features, k), None

    monkeypatch.setattr(Search, "neighbours", search)
    alone = asked()
    assert searched == [10, 4, 2]  # images, then the clusters of either partition
    searched.clear()
    assert asked(nearest=neighbours(TEN, 8).nearest) == alone
    assert searched == [4, 2]


@pytest.mark.parametrize(
    ("cycles", "budget", "rounds", "expected"),
    [
        (5, 100, 50, ([20] + [0] * 9) * 5),
        (2, 7, 6, [4, 0, 0, 3, 0, 0]),
        (1, 7, 3, [7, 0, 0]),
        (5, 7, 3, [3, 2, 2]),
        (None, 7, 3, [3, 2, 2]),
    ],
)
def test_the_schedule_leaves_rounds_out(cycles, budget, rounds, expected):
    assert AAS(AASConfig(schedule="uniform", cycles=cycles)).schedule(budget, rounds) == expected


def test_what_a_cycle_leaves_of_the_budget_waits_for_the_next():
    config = AASConfig(schedule="uniform", cycles=2)
    schedule = AAS(config).schedule(100, 4)
    spent, asks = 0, []
    for number in range(4):
        budget = allowance(schedule, number, spent)
        asks.append(len(asked(config, budget=budget, round=number, rounds=4)))
        spent += asks[-1]
    assert schedule == [50, 0, 50, 0]
    assert asks == [len(OVER | UNDER), 0, len(OVER | UNDER), 0]  # five pairs each time, with 45 left for round 1
