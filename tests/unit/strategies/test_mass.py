"""MASS-like by hand: centrality, impurity, the order and end of a cluster's questions, labels after them."""

import numpy as np
import pytest

from whosame.clustering import centrality
from whosame.memory import LabelMemory
from whosame.questions import Answer
from whosame.strategies.groups import Groups
from whosame.strategies.mass.mass import MASS, MASSConfig, impurity
from whosame.strategies.mass.scatter import purified
from whosame.testing import round_state, sessions

# A cluster of five and one of two, similarities in quarters; rows 3 and 4 only have one neighbour each in the first,
# row 6 is similar to row 0 of the other cluster as well.
SIMILAR = {(0, 1): 0.75, (0, 2): 0.75, (0, 3): 0.5, (1, 2): 0.5, (3, 4): 0.25, (5, 6): 0.5, (0, 6): 1.0}
LABELS = np.array([0, 0, 0, 0, 0, 1, 1, -1])


def state_of(similar, labels, **fields):
    fields.setdefault("features", np.arange(len(labels))[:, None])
    return round_state(labels=labels, graph={pair: 1 - value for pair, value in similar.items()}, **fields)


GRAPH = state_of(SIMILAR, LABELS).graph
# Means over the four others: 0: 2/4, 1: 1.25/4, 2: 1.25/4, 3: .75/4, 4: .25/4; over the one other: .5 twice.
CENTRALITY = [0.5, 0.3125, 0.3125, 0.1875, 0.0625, 0.5, 0.5, 0.0]


def by(people):
    return lambda question: "same" if people[question.a] == people[question.b] else "different"


def asked(state, verdict, **parameters):
    """Play a round; return its pairs in their order."""
    played = sessions.play(MASS(MASSConfig(**parameters)).start(state), state, verdict)
    return [pair for batch in played.batches for pair in batch]


def remembered(*answers):
    memory = LabelMemory()
    for a, b, same in answers:
        memory.add(a, b, same=same)
    return memory


def parts(labels):
    return {tuple(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels[labels >= 0])}


def test_centrality_is_the_mean_similarity_to_the_rest_of_the_cluster():
    assert centrality(GRAPH, LABELS).tolist() == CENTRALITY


def test_degree_counts_neighbours_within_the_cluster():
    # Of four others: 0 has 1, 2, 3; 1 has 0, 2; 2 has 0, 1; 3 has 0, 4; 4 has 3.
    assert centrality(GRAPH, LABELS, kind="degree").tolist() == [0.75, 0.5, 0.5, 0.5, 0.25, 1.0, 1.0, 0.0]


def test_centrality_is_that_of_a_dense_computation():
    draw = np.random.default_rng(0)
    dense = np.triu(draw.random((60, 60)) * (draw.random((60, 60)) < 0.4), 1).astype(np.float32)
    similar = {(int(a), int(b)): float(dense[a, b]) for a, b in zip(*np.nonzero(dense), strict=True)}
    labels = draw.integers(-1, 5, 60)
    expected = np.zeros(60)
    for row in np.flatnonzero(labels >= 0):
        others = (labels == labels[row]) & (np.arange(60) != row)
        expected[row] = (dense + dense.T)[row, others].mean()
    np.testing.assert_allclose(centrality(state_of(similar, labels).graph, labels), expected, atol=1e-6)


def test_impurity_looks_at_the_least_central_that_are_not_known_to_belong():
    groups, values, roots = Groups(LABELS), np.array(CENTRALITY), np.arange(8)
    centre = np.array([0, 5])
    # A quarter of five, rounded up, is two: (.9375 + .8125) / 2; a quarter of two is one: .5.
    np.testing.assert_allclose(impurity(values, groups, centre, roots, tail=0.25), [0.875, 0.5])
    roots[4] = 0  # known to be one with the centre: (.8125 + .6875) / 2
    np.testing.assert_allclose(impurity(values, groups, centre, roots, tail=0.25), [0.75, 0.5])
    # All five: 0 for the centre and row 4; .8125 + 2 * .6875 = 2.1875. Both of two: 0 and .5.
    np.testing.assert_allclose(impurity(values, groups, centre, roots, tail=1.0), [2.1875 / 5, 0.25])


def test_every_cluster_asks_its_hardest_member_first_the_least_pure_cluster_before_others():
    questions = MASS().start(state_of(SIMILAR, LABELS, budget=9)).ask()
    assert [(question.a, question.b, question.group) for question in questions] == [(0, 4, 0), (5, 6, 1)]
    assert [question.score for question in questions] == [0.875, 0.5]
    assert {question.kind for question in questions} == {"within"}
    assert questions[0].reason == "least central of its cluster, centrality 0.062"
    assert len(MASS().start(state_of(SIMILAR, LABELS, budget=1)).ask()) == 1


STAR = {(0, i): s for i, s in enumerate([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], start=1)}  # hardest first: 7, 6, ..., 1


def star(people, *, memory=None, **parameters):
    return asked(state_of(STAR, [0] * 8, budget=100, memory=memory or LabelMemory()), by(people), **parameters)


@pytest.mark.parametrize(
    ("people", "options", "count"),
    [
        ("aaaaaaaa", {}, 2),  # a cluster that looks pure is left alone
        ("aaaaaaaa", {"patience": 3}, 3),
        ("aaaaaaab", {"depth": 0}, 3),  # one different, then two the same in a row
        ("aaaaaaba", {"patience": 2, "share": 1, "depth": 0}, 4),
        ("aaaaaaaa", {"patience": 9, "share": 0.5}, 4),  # a share of the members is enough
        ("aaaaaaaa", {"patience": 9, "share": 0.51}, 5),  # rounded up
        ("aaabbbbb", {"patience": 9, "share": 0.5, "depth": 0}, 6),  # 7, 6, 5, 4, 3 differ, 2 does not
        ("abcdefgh", {"patience": 1, "share": 0.1, "depth": 0}, 7),  # but not while the answer is "different"
    ],
)
def test_a_clusters_questions_end(people, options, count):
    assert star(people, **options) == [(0, row) for row in range(7, 7 - count, -1)]


def test_unsure_is_a_question_but_no_sign_of_purity():
    assert len(asked(state_of(STAR, [0] * 8, budget=100), lambda _: "unsure", patience=1)) == 4


def test_what_is_known_is_not_asked_and_no_new_evidence():
    memory = remembered((0, 7, True), (0, 6, True))
    assert star("aaaaaaaa", memory=memory) == [(0, 5), (0, 4)]


def test_free_answers_do_not_end_the_questions():
    session = MASS(MASSConfig(patience=1)).start(state_of(STAR, [0] * 8, budget=100))
    (first,) = session.ask()
    session.tell([Answer(first, "same", "closure")])
    (second,) = session.ask()
    assert (second.a, second.b) == (0, 6)
    session.tell([Answer(second, "same", "memory")])
    assert session.ask() == []


# Rows 4..7 do not belong; among themselves 6 is the most central: similarities 6-4 .5, 6-5 .25, 6-7 .5, 4-7 .25.
MIXED = {(0, 1): 0.75, (0, 2): 0.75, (0, 3): 0.75, (1, 2): 0.75, (0, 6): 0.75, (0, 4): 0.5, (0, 5): 0.25, (0, 7): 0.25}
MIXED |= {(4, 6): 0.5, (5, 6): 0.25, (6, 7): 0.5, (4, 7): 0.25}


def test_what_does_not_belong_is_purified_around_its_own_centre():
    # Sums: 0: 4, 1: 1.5, 2: 1.5, 3: .75, 4: 1.25, 5: .5, 6: 2, 7: 1. Hardest first: 5, 3, 7, 4, 1, 2, 6.
    # In the residual 4, 5, 6, 7: .75, .25, 1.25, .75. Centre 6, hardest first: 5, 4, 7.
    state, options = state_of(MIXED, [0] * 8, budget=100), {"patience": 4, "share": 1}
    within, residual = [(0, 5), (0, 3), (0, 7), (0, 4), (0, 1), (0, 2), (0, 6)], [(5, 6), (4, 6), (6, 7)]
    assert asked(state, by("aaaabcbb"), **options) == within + residual
    assert asked(state, by("aaaabcbb"), **options, depth=0) == within
    # Where all four differ: of 4, 5, 7 the centre is 4 (4-7 .25 is all there is), and two more questions; then 5-7.
    for depth, count in ((0, 7), (1, 10), (2, 12), (3, 13), (4, 13)):
        assert len(asked(state, by("aaaabcde"), **options, depth=depth)) == count


def test_clusters_take_turns_where_free_answers_leave_the_budget():
    similar, labels = {(0, 1): 0.1, (2, 3): 0.2, (4, 5): 0.3}, [0, 0, 1, 1, 2, 2]
    session = MASS().start(state_of(similar, labels, budget=2))
    first = session.ask()
    assert [(question.a, question.b) for question in first] == [(0, 1), (2, 3)]
    session.tell([Answer(first[0], "same", "closure"), Answer(first[1], "same")])
    assert [(question.a, question.b) for question in session.ask()] == [(4, 5)]


def reassigned(memory, features, *, similar=STAR, labels=(0,) * 8, **parameters):
    state = state_of(similar, labels, features=features)
    return MASS(MASSConfig(**parameters)).reassign(state, memory, [])


def test_unasked_members_follow_whom_they_are_nearer_to():
    # The centre at 0; 7 at 10 is rejected. 4.9 stays, 5.1 goes; 9.0 was confirmed and stays.
    features = [[0.0], [1.0], [4.9], [5.1], [9.0], [2.0], [8.0], [10.0]]
    memory = remembered((0, 7, False), (0, 4, True))
    assert parts(reassigned(memory, features)) == {(0, 1, 2, 4, 5), (3, 6, 7)}


def test_must_link_groups_follow_as_a_block_and_nothing_follows_whom_it_differs_from():
    features = [[0.0], [4.0], [8.0], [7.0], [6.0], [1.0], [2.0], [10.0]]
    memory = remembered((0, 7, False), (1, 2, True), (3, 7, False))
    # Block 1, 2 at 6 goes to 7 although 1 is nearer to 0; 3 at 7 may not, though nearer to 7.
    expected = {(0, 3, 5, 6), (1, 2, 4, 7)}
    assert parts(reassigned(memory, features)) == expected
    # Before enforcement, too, which would bring a torn block together again, and clusters with it.
    options = {"roots": memory.must_link_roots(8), "kind": "closeness", "depth": 3}
    divided = purified(np.arange(8), state_of(STAR, [0] * 8).graph, np.array(features, np.float32), memory, **options)
    assert {tuple(part.tolist()) for part in divided} == expected


def test_residuals_become_clusters_of_their_own_and_their_residuals_too():
    # 0 rejects 4, 5, 6, 7; of them 6 is the centre and rejects 5. Row 3 looks like 5, row 2 like 7.
    features = [[0.0], [1.0], [21.0], [39.0], [19.0], [40.0], [18.0], [20.0]]
    memory = remembered((0, 4, False), (0, 5, False), (0, 6, False), (0, 7, False), (5, 6, False), (6, 7, True))
    assert parts(reassigned(memory, features, similar=MIXED)) == {(0, 1), (2, 4, 6, 7), (3, 5)}
    # With depth 0 the residual is one group, which enforcement then divides by the answer within it.
    assert parts(reassigned(memory, features, similar=MIXED, depth=0)) == {(0, 1), (2, 4, 6, 7), (3, 5)}
    unpurified = remembered((0, 4, False), (0, 5, False), (0, 6, False), (0, 7, False))
    assert parts(reassigned(unpurified, features, similar=MIXED)) == {(0, 1), (2, 3, 4, 5, 6, 7)}


def test_other_clusters_and_outliers_keep_their_labels():
    features = [[0.0], [1.0], [2.0], [9.0], [9.0], [5.0], [5.0], [5.0]]
    similar = {(0, 1): 0.9, (0, 2): 0.8, (0, 3): 0.7, (4, 5): 0.5}
    labels = reassigned(remembered((0, 3, False)), features, similar=similar, labels=[4, 4, 4, 4, 7, 7, -1, -1])
    assert labels.tolist() == [0, 0, 0, 1, 2, 2, -1, -1]
