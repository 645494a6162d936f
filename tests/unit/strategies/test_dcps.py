"""DCPS by hand: Eq. 5, 6 and 11, the stages of a round, and labels after it."""

import math

import numpy as np
import pytest
from scipy.linalg import sqrtm

from whosame.memory import LabelMemory
from whosame.questions import Answer
from whosame.strategies.dcps.chaotic import chaotic_degrees, chaotic_pairs
from whosame.strategies.dcps.dcps import DCPS, DCPSConfig
from whosame.strategies.dcps.greedy import rarity
from whosame.strategies.dcps.stage import scale_of
from whosame.strategies.dcps.wasserstein import gaussian_points, nearest_pairs
from whosame.strategies.groups import Groups
from whosame.testing import round_state


def floats(*rows):
    return np.array(rows, np.float32)


def test_chaotic_degree_adds_the_vertical_deviation_in_parts_of_the_height():
    features = floats([1, 0], [0, 1])  # both sqrt(1/2) from their mean
    vertical = np.array(
        [[0, 0, 0, 0], [4, 4, 4, 0]], np.uint8
    )  # of rows 0..4: from the mean .5, .5, .5, 0 of the height
    groups = Groups(np.array([0, 0]))
    distances = groups.dispersion(features, groups.mean(features))[0]
    degrees = chaotic_degrees(distances, groups, vertical, map_height=5, gamma=0.4)
    np.testing.assert_allclose(degrees, math.sqrt(0.5) + 0.4 * math.sqrt(3 * 0.25 / 4), rtol=1e-6)
    for without in (
        chaotic_degrees(distances, groups, vertical, map_height=5, gamma=0),
        chaotic_degrees(distances, groups, None, map_height=5, gamma=0.4),
        chaotic_degrees(distances, groups, vertical, map_height=1, gamma=0.4),
    ):
        np.testing.assert_allclose(without, math.sqrt(0.5), rtol=1e-6)


def test_w2_is_the_full_matrix_formula_on_diagonal_covariances():
    draw = np.random.default_rng(1)
    labels = np.repeat(np.arange(6), 5)
    features = (draw.normal(size=(30, 4)) * draw.lognormal(size=(30, 1))).astype(np.float32)
    features[25:] = features[25]  # a cluster without spread
    groups = Groups(labels)
    means = groups.mean(features)
    pairs = nearest_pairs(
        gaussian_points(means, groups.dispersion(features, means)[1]), np.arange(6) * 5, neighbours=10
    )
    assert len(pairs) == 15
    for (one, other), distance in zip(pairs.clusters, pairs.distances, strict=True):
        mu, nu = (features[labels == c].astype(float).mean(0) for c in (one, other))
        S, T = (np.diag(features[labels == c].astype(float).var(0)) for c in (one, other))
        cross = 2 * sqrtm(sqrtm(S) @ T @ sqrtm(S)).real if other < 5 else 0  # sqrtm warns of the singular one
        trace = np.trace(S + T - cross)
        assert distance == pytest.approx(math.sqrt(((mu - nu) ** 2).sum() + trace), rel=1e-4)


def test_nearest_pairs_keep_each_clusters_nearest_once():
    points, rows = floats([0, 0], [1, 0], [3, 0], [7, 0]), np.array([10, 11, 12, 13])
    pairs = nearest_pairs(points, rows, neighbours=1)
    assert list(zip(pairs.first, pairs.second, strict=True)) == [(10, 11), (11, 12), (12, 13)]
    assert pairs.distances.tolist() == [1, 2, 4]
    assert nearest_pairs(points, rows, neighbours=1, squared=True).distances.tolist() == [1, 4, 16]
    assert len(nearest_pairs(points[:1], rows[:1], neighbours=3)) == 0


def test_nearest_pairs_across_blocks_are_those_of_brute_force():
    points = np.random.default_rng(2).normal(size=(30, 3)).astype(np.float32)
    full = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(full, np.inf)
    expected = {tuple(sorted((i, int(j)))) for i in range(30) for j in np.argsort(full[i])[:4]}
    pairs = nearest_pairs(points, np.arange(30), neighbours=4, block=7)
    assert set(map(tuple, pairs.clusters.tolist())) == expected
    np.testing.assert_allclose(pairs.distances, full[pairs.first, pairs.second], rtol=1e-5)


def test_rarity_counts_one_image_of_two_clusters_or_two_of_one():
    counts = np.array([0.0, 3.0])
    assert rarity(counts, 0, 1, 1.0) == pytest.approx(math.log(2) + math.log(5 / 4))
    assert rarity(counts, 1, 1, 1.0) == pytest.approx(math.log(6 / 4))


def test_scale_is_the_spread_of_the_pairs():
    assert scale_of(np.array([1.0, 3.0]), "std") == 1
    assert scale_of(np.array([0.0, 1.0, 2.0, 3.0, 100.0]), "iqr") == 2
    assert scale_of(np.array([5.0, 5.0]), "std") == 1  # nothing to scale


# Three clusters on a line: 0 at 0..1, 1 at 2..4, 2 at 10..13. Representatives: rows 1, 4, 7.
LINE = [[0.0], [0.4], [1.0], [2.0], [3.0], [4.1], [10.0], [11.0], [13.0]]
LABELS = [0, 0, 0, 1, 1, 1, 2, 2, 2]
PLAIN = {"diversity": 0.0, "gamma": 0.0}


def asked(session):
    return [(question.kind, question.a, question.b) for question in session.ask()]


def test_a_round_asks_half_within_and_half_between_best_first():
    questions = DCPS(DCPSConfig(**PLAIN)).start(round_state(LINE, LABELS, budget=4)).ask()
    pairs = [(question.kind, question.a, question.b) for question in questions]
    assert pairs == [("within", 7, 8), ("within", 4, 5), ("between", 1, 4), ("between", 4, 7)]
    assert [question.group for question in questions[:2]] == [2, 1]
    assert questions[0].reason == "least like its cluster, distance 1.667"


def test_the_vertical_term_can_decide_which_member_is_most_chaotic():
    vertical = np.zeros((9, 4), np.uint8)
    vertical[6] = 15
    state = round_state(LINE, LABELS, budget=1, vertical=vertical, map_height=16)
    assert asked(DCPS(DCPSConfig(intra_fraction=1, gamma=0.0)).start(state)) == [("within", 7, 8)]
    assert asked(DCPS(DCPSConfig(intra_fraction=1, gamma=3.0)).start(state)) == [("within", 6, 7)]


def test_a_decided_pair_gives_way_to_the_next_most_chaotic_member():
    groups = Groups(np.array(LABELS))
    distances = groups.dispersion(floats(*LINE), groups.mean(floats(*LINE)))[0]
    memory = LabelMemory()
    memory.add(7, 8, same=True)
    memory.skip(3, 4)
    memory.skip(4, 5)
    pairs = chaotic_pairs(
        distances.astype(float), groups.argmin(distances), groups, lambda a, b: not memory.settled(a, b)
    )
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(1, 2), (7, 6)]


@pytest.mark.parametrize(
    ("labels", "budget", "fraction", "within", "between"),
    [
        ([0] * 9, 6, 0.5, 1, 0),  # nothing between: one pair within
        (range(9), 6, 0.5, 0, 6),
        (LABELS, 6, 0.01, 3, 3),  # three pairs of clusters
        (LABELS, 100, 0.0, 0, 3),  # a stage without a share asks nothing
        (LABELS, 100, 1.0, 3, 0),
    ],
)
def test_a_stage_that_runs_out_hands_over(labels, budget, fraction, within, between):
    config = DCPSConfig(intra_fraction=fraction, **PLAIN)
    questions = DCPS(config).start(round_state(LINE, labels, budget=budget)).ask()
    kinds = sorted(question.kind for question in questions)
    assert kinds == ["between"] * between + ["within"] * within


@pytest.mark.parametrize(
    ("verdict", "options", "expected"),
    [
        ("same", {}, []),  # 1 = 4 and 4 != 7 decide the third pair
        ("different", {}, [("between", 1, 7)]),
        ("different", {"replace_implied": False}, []),
    ],
)
def test_a_free_answer_makes_room_for_the_next_best(verdict, options, expected):
    session = DCPS(DCPSConfig(intra_fraction=0, **options, **PLAIN)).start(round_state(LINE, LABELS, budget=2))
    first = session.ask()
    assert [(question.a, question.b) for question in first] == [(1, 4), (4, 7)]
    session.tell([Answer(first[0], verdict, "closure"), Answer(first[1], "different")])
    assert asked(session) == expected


def test_the_search_between_clusters_widens_when_near_pairs_run_out():
    points = [[float(2**i)] for i in range(12)]
    config = DCPSConfig(intra_fraction=0, neighbours=1, **PLAIN)
    assert len(DCPS(config).start(round_state(points, range(12), budget=1000)).ask()) == 12 * 11 // 2


def test_outliers_take_part_only_if_configured():
    labels = [0, 0, 0, -1, 1, 1, 2, 2, 2]
    config = {"intra_fraction": 0.0, **PLAIN}
    without = DCPS(DCPSConfig(**config)).start(round_state(LINE, labels, budget=100)).ask()
    assert 3 not in {row for question in without for row in (question.a, question.b)}
    with_them = DCPS(DCPSConfig(outliers=True, **config)).start(round_state(LINE, labels, budget=100)).ask()
    assert {(question.a, question.b) for question in with_them} >= {(1, 3), (3, 4), (3, 7)}


@pytest.mark.parametrize(("diversity", "shown"), [(0.0, {0, 1, 2, 3}), (3.0, set(range(8)))])
def test_diversity_spreads_questions_over_clusters(diversity, shown):
    # A tight clump of clusters at 0 and two far pairs: by distance alone, the clump takes all questions.
    points = [[0.0], [0.1], [0.2], [0.3], [5.0], [5.5], [9.0], [9.6]]
    config = DCPSConfig(intra_fraction=0, neighbours=7, diversity=diversity)
    questions = DCPS(config).start(round_state(points, range(8), budget=4)).ask()
    assert {row for question in questions for row in (question.a, question.b)} == shown


@pytest.mark.parametrize("scale", ["std", "iqr"])
def test_the_unit_of_distances_does_not_shift_the_balance_with_diversity(scale):
    points = np.random.default_rng(3).normal(size=(24, 4))
    config = DCPSConfig(diversity=2.0, scale=scale)
    labels = np.arange(24) // 3
    usual = asked(DCPS(config).start(round_state(points, labels, budget=8)))
    assert usual == asked(DCPS(config).start(round_state(32 * points, labels, budget=8)))
    assert usual != asked(DCPS(DCPSConfig(diversity=0.0)).start(round_state(points, labels, budget=8)))


@pytest.mark.parametrize(("counts", "expected"), [("cumulative", (2, 3)), ("round", (0, 1))])
def test_counts_are_of_all_rounds_or_of_this_one(counts, expected):
    state = round_state([[0.0], [1.0], [3.0], [4.1]], range(4), budget=1, query_counts=[50, 50, 0, 0])
    (question,) = DCPS(DCPSConfig(intra_fraction=0, diversity=2.0, counts=counts)).start(state).ask()
    assert (question.a, question.b) == expected


def test_tiny_kappa_touches_every_cluster_before_any_twice():
    points = [[float(i)] for i in range(10)]
    config = DCPSConfig(intra_fraction=0, kappa=1e-9, neighbours=9)
    questions = DCPS(config).start(round_state(points, range(10), budget=5)).ask()
    assert sorted(row for question in questions for row in (question.a, question.b)) == list(range(10))


def test_squared_distances_weigh_far_clusters_more():
    questions = {}
    for distance in ("w2", "w2-squared"):
        config = DCPSConfig(intra_fraction=0, distance=distance, **PLAIN)
        questions[distance] = DCPS(config).start(round_state(LINE, LABELS, budget=3)).ask()
    assert questions["w2"] == questions["w2-squared"]  # the same ranking without diversity
    ratios = {name: asked[2].score / asked[0].score for name, asked in questions.items()}
    assert ratios["w2-squared"] == pytest.approx(ratios["w2"] ** 2, rel=1e-5)


def test_needs_vertical_positions_only_where_they_count():
    assert DCPS().needs_vertical
    assert not DCPS(DCPSConfig(gamma=0)).needs_vertical
    assert not DCPS(DCPSConfig(intra_fraction=0)).needs_vertical


def test_reassign_splits_first_and_then_unites():
    state = round_state(LINE, LABELS, budget=4)
    session = DCPS(DCPSConfig(**PLAIN)).start(state)
    questions = session.ask()  # within 7-8 and 4-5, between 1-4 and 4-7
    memory = LabelMemory()
    verdicts = {(7, 8): "different", (4, 5): "different", (1, 4): "same", (4, 7): "different"}
    answers = [Answer(question, verdicts[question.a, question.b]) for question in questions]
    for answer in answers:
        memory.add(answer.question.a, answer.question.b, answer.verdict == "same")
    labels = DCPS().reassign(state, memory, answers)
    groups = {tuple(np.flatnonzero(labels == label)) for label in np.unique(labels)}
    assert groups == {(0, 1, 2, 3, 4), (5,), (6, 7), (8,)}
