"""SPAL by hand: decided pairs, the farthest pair inside, the nearest image outside, the order of a round's questions."""

import numpy as np
import pytest

from whosame.memory import LabelMemory
from whosame.strategies.budget import allowance
from whosame.strategies.groups import Groups, distances
from whosame.strategies.pairs import decided_pairs
from whosame.strategies.spal.extremes import SKETCH, farthest_inside, nearest_outside, projected
from whosame.strategies.spal.spal import SPAL, SPALConfig
from whosame.testing import round_state, sessions


def on_line(*values):
    return np.array(values, np.float32)[:, None]


def listed(pairs):
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.clusters.tolist(), strict=True))


def nothing_decided(n):
    return decided_pairs(LabelMemory(), n)


# Cluster 2 at 0, 1, 4 (rows 0, 1, 3), cluster 5 at 6, 9 (rows 2, 4), outliers at 4.5 and 20.
LINE, LABELS = on_line(0, 1, 6, 4, 9, 4.5, 20), np.array([2, 2, 5, 2, 5, -1, -1])


def test_decided_pairs_are_those_that_the_memory_settles():
    draw = np.random.default_rng(0)
    people, memory = draw.integers(0, 5, 30), LabelMemory()
    for number, (a, b) in enumerate(draw.integers(0, 28, (60, 2)).tolist()):
        if a != b:
            memory.skip(a, b) if number % 9 == 0 else memory.add(a, b, same=bool(people[a] == people[b]))
    decided = decided_pairs(memory, 30)
    assert decided.dtype == bool
    dense = decided.toarray()
    expected = [[a != b and memory.settled(a, b) for b in range(30)] for a in range(30)]
    np.fill_diagonal(dense, False)
    assert dense.tolist() == expected
    assert 100 < dense.sum() < 870
    assert decided_pairs(LabelMemory(), 4).nnz == 0
    with pytest.raises(ValueError, match="only 9 rows"):
        decided_pairs(memory, 9)


def test_the_farthest_pair_inside_and_the_nearest_image_outside():
    groups = Groups(LABELS)
    inside = farthest_inside(LINE, groups, nothing_decided(7))
    assert listed(inside) == [(0, 3, [0, 0]), (2, 4, [1, 1])]
    assert inside.distances.tolist() == [4, 3]
    outside = nearest_outside(LINE, groups, nothing_decided(7))
    assert listed(outside) == [(3, 5, [0, -1]), (2, 5, [1, -1])]
    assert outside.distances.tolist() == [0.5, 1.5]


def test_decided_pairs_give_way_to_the_next():
    memory = LabelMemory()
    memory.add(0, 3, same=True)  # 0 and 4: next is 1 to 4
    memory.add(2, 4, same=True)  # nothing left in the second cluster
    memory.skip(3, 5)  # 4 to 4.5: next is 4 to 6
    memory.add(2, 5, same=False)  # parts the component 6, 9 from 4.5: next is 6 to 4
    decided, groups = decided_pairs(memory, 7), Groups(LABELS)
    assert listed(farthest_inside(LINE, groups, decided)) == [(1, 3, [0, 0])]
    assert listed(nearest_outside(LINE, groups, decided)) == [(3, 2, [0, 1]), (2, 3, [1, 0])]


def test_no_pair_where_there_is_none():
    alone = Groups(np.array([0]))
    assert len(farthest_inside(on_line(1), alone, nothing_decided(1))) == 0
    assert len(nearest_outside(on_line(1), alone, nothing_decided(1))) == 0
    none = Groups(np.array([-1, -1]))
    assert len(farthest_inside(on_line(1, 2), none, nothing_decided(2))) == 0
    assert len(nearest_outside(on_line(1, 2), none, nothing_decided(2))) == 0


@pytest.mark.parametrize("loose", [0.0, 1.0])
def test_ties_go_to_the_smaller_rows(loose):
    # A square: both diagonals tie inside; outside, row 4 is as near to row 1 as rows 5 and 6 are to row 0.
    features = np.array([[0, 0], [0, 1], [1, 1], [1, 0], [0, 2], [0, -1], [-1, 0]], np.float32)
    groups = Groups(np.array([0, 0, 0, 0, -1, -1, -1]))
    assert listed(farthest_inside(features, groups, nothing_decided(7))) == [(0, 2, [0, 0])]
    assert listed(nearest_outside(features, groups, nothing_decided(7), loose=loose)) == [(0, 5, [0, -1])]


@pytest.mark.parametrize("loose", [0.0, 1.0])  # compare all dimensions always, never
@pytest.mark.parametrize("dim", [3, 40])
def test_blocks_and_projection_find_what_brute_force_finds(dim, loose):
    draw = np.random.default_rng(dim)
    features = (draw.normal(size=(120, 10)) @ draw.normal(size=(10, dim)) + draw.normal(size=(120, dim))).astype("f4")
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    labels = draw.integers(-1, 5, 120)
    memory = LabelMemory()
    for a, b in draw.integers(0, 120, (300, 2)).tolist():
        if a != b:
            memory.add(a, b, same=bool(a % 20 == b % 20))
    decided, groups = decided_pairs(memory, 120), Groups(labels)
    full = np.linalg.norm(features[:, None].astype(float) - features[None], axis=2)
    closed = decided.toarray() | np.eye(120, dtype=bool)
    inside = farthest_inside(features, groups, decided, block=7)  # clusters of 20 span blocks
    outside = nearest_outside(features, groups, decided, block=7, sketch=8, loose=loose)
    assert len(inside) == len(outside) == 5
    for label in range(5):
        mine = labels == label
        within = np.where(np.outer(mine, mine) & ~closed, full, -np.inf)
        between = np.where(np.outer(mine, ~mine) & ~closed, full, np.inf)
        assert listed(inside)[label][:2] == np.unravel_index(within.argmax(), within.shape)
        first, second, clusters = listed(outside)[label]
        assert (first, second) == np.unravel_index(between.argmin(), between.shape)
        assert clusters == [label, labels[second]]
    np.testing.assert_allclose(outside.distances, full[outside.first, outside.second], rtol=1e-5)


def test_the_projection_makes_no_distance_larger():
    features = np.random.default_rng(0).normal(size=(50, 200)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    shorter = projected(features)
    assert shorter.shape == (50, SKETCH + 1)
    first, second = np.triu_indices(50, 1)
    truth, lower = distances(features, first, second), distances(shorter, first, second)
    assert (lower <= truth + 1e-6).all()
    assert lower.mean() > 0.5 * truth.mean(), "a projection that tells nothing apart"


def test_a_round_takes_one_inside_and_one_outside_in_turn_the_most_extreme_first():
    questions = SPAL().start(round_state(LINE, LABELS, budget=9)).ask()
    # The second cluster is nearest to the same image as the first, but from another member.
    assert [(question.a, question.b, question.kind, question.group) for question in questions] == [
        (0, 3, "within", 2),
        (3, 5, "pool", 2),
        (2, 4, "within", 5),
        (2, 5, "pool", 5),
    ]
    assert [question.score for question in questions] == [4, -0.5, 3, -1.5]
    assert questions[0].reason == "farthest pair of its cluster, distance 4.000"
    assert questions[1].reason == "nearest image outside the cluster, distance 0.500"
    assert len(SPAL().start(round_state(LINE, LABELS, budget=3)).ask()) == 3


def test_a_round_is_one_pass_or_as_many_as_configured():
    def ask(passes):
        state = round_state(LINE, LABELS, budget=99)
        played = sessions.play(SPAL(SPALConfig(passes=passes)).start(state), state, lambda _: "unsure")
        return [pair for batch in played.batches for pair in batch]

    assert len(ask(1)) == 4
    assert ask(2)[4:] == [(1, 3), (2, 3)]  # 1 to 4 inside; 4 to 6 outside, from both sides; nothing in the second
    assert ask(1) == ask(2)[:4]


def test_decided_pairs_are_replaced_or_leave_their_cluster_silent():
    memory = LabelMemory()
    memory.add(0, 3, same=True)
    memory.skip(3, 5)
    replaced = SPAL().start(round_state(LINE, LABELS, budget=9, memory=memory)).ask()
    assert {(question.a, question.b) for question in replaced} == {(1, 3), (2, 3), (2, 4), (2, 5)}
    silent = SPAL(SPALConfig(replace_decided=False)).start(round_state(LINE, LABELS, budget=9, memory=memory)).ask()
    assert {(question.a, question.b) for question in silent} == {(2, 4), (2, 5)}


def test_spent_at_once_every_round_asks_all_clusters_until_nothing_is_left():
    strategy = SPAL(SPALConfig(schedule="at-once"))
    schedule = strategy.schedule(10, 5)
    assert schedule == [10, 0, 0, 0, 0]
    spent, asks = 0, []
    for number in range(5):
        budget = allowance(schedule, number, spent)
        asks.append(len(strategy.start(round_state(LINE, LABELS, budget=budget)).ask()))
        spent += asks[-1]
    assert asks == [4, 4, 2, 0, 0]
