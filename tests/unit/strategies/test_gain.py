"""``gain``: what a question is worth, in what order they come, what may be asked together, what is learnt."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit

from whosame.memory import LabelMemory
from whosame.questions import Answer
from whosame.strategies import registry
from whosame.strategies.gain.candidates import COLUMNS, HOME, MERGE, PAIR, SPLIT, Candidates
from whosame.strategies.gain.gain import ANSWERS, CHECKS, Gain, GainConfig, GainSession
from whosame.strategies.gain.value import PRIORS, QuestionValue
from whosame.testing import round_state, sessions

NO_ANSWERS = np.empty((0, 2 + COLUMNS))


UNKNOWN = [-1] * 96  # cameras


def candidates(*rows):
    """Make candidates of (kind, rows shown, groups, sizes, pairs across cameras)."""
    kind, shown, groups, sizes, across = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    evidence = np.zeros((len(rows), COLUMNS))
    evidence[:, 0] = 1
    return Candidates(kind, shown[:, 0], shown[:, 1], groups, sizes, across, evidence)


def value_of(found, same, config, **state):
    value = QuestionValue(round_state(**state), config, NO_ANSWERS)
    value.candidates, value.p_same = found, np.array(same)
    return value


SOME = candidates(
    (MERGE, (0, 1), (0, 1), (2, 6), 6),
    (SPLIT, (2, 3), (2, 2), (4, 1), 3),
    (HOME, (4, 5), (3, 9), (3, 1), 3),
    (PAIR, (6, 7), (8, 9), (1, 1), 1),
)


def test_change_for_labels_by_hand():
    value = value_of(SOME, [0.5, 0.2, 0.4, 0.1], GainConfig(aim="labels", split_power=0.5))
    # 2 · 2 · 6 / 8 = 3 images, half probable. A split moves 2 · 4 / 5 = 1.6 and parts 4: sqrt(1.6 · 4), .8 probable.
    # 2 · 3 / 4 = 1.5 and 2 · 1 / 2 = 1 for the outliers.
    np.testing.assert_allclose(value.expected_change, [1.5, 0.8 * np.sqrt(6.4), 0.6, 0.1])


def test_change_for_the_model_counts_what_is_across_cameras_and_no_outlier():
    config = GainConfig(split_power=0.0)
    value = value_of(SOME, [0.5, 0.2, 0.4, 0.1], config)
    np.testing.assert_allclose(value.expected_change, [0.5 * 2 * 6 / 8, 0.8 * 1.6, 0, 0])
    unknown = value_of(SOME, [0.5, 0.2, 0.4, 0.1], config, cameras=UNKNOWN)
    np.testing.assert_allclose(unknown.expected_change, [1.5, 0.8 * 1.6, 0, 0])


@pytest.mark.parametrize("aim", ["model", "labels"])
@pytest.mark.parametrize(
    ("switch", "asked"),
    [("merges", {"within", "pool"}), ("splits", {"between", "pool"}), ("outliers", {"within", "between"})],
)
def test_a_kind_that_is_switched_off_is_not_asked_about(aim, switch, asked):
    config = GainConfig(aim=aim, worth=0, **{switch: False})
    questions = Gain(config).start(round_state(budget=100)).ask()
    assert {question.kind for question in questions} == asked - ({"pool"} if aim == "model" else set())


MIXED = candidates(
    (MERGE, (0, 1), (0, 1), (1, 1), 1),  # change .9 · 1
    (SPLIT, (2, 3), (2, 2), (2, 2), 4),  # .9 · 2
    (MERGE, (4, 5), (3, 4), (60, 60), 3600),  # .02 · 60 = 1.2
    (MERGE, (6, 7), (5, 6), (2, 2), 4),  # .5 · 2
    (SPLIT, (8, 9), (7, 7), (1, 1), 1),  # .01 · 1
)
SAME = [0.9, 0.1, 0.02, 0.5, 0.99]


@pytest.mark.parametrize(
    ("options", "order"),
    [
        ({"aim": "labels", "worth": 0.0}, [1, 2, 3, 0, 4]),  # by expected change
        ({"aim": "labels", "first": 0}, [1, 2, 3, 0]),  # what is not worth a question is left out
        ({"aim": "labels", "first": 0, "worth": 1.1}, [1, 2]),
        ({"aim": "labels", "first": 3, "worth": 1.1}, [1, 2, 3]),  # but not before the first answers
        ({"worth": 0.0}, [3, 0, 1, 2, 4]),  # for the model: probable merges first
        ({"worth": 0.0, "improbable": 0.0}, [2, 3, 0, 1, 4]),
        ({"worth": 0.0, "improbable": 0.6}, [0, 1, 2, 3, 4]),
    ],
)
def test_the_order_of_questions(options, order):
    value = value_of(MIXED, SAME, GainConfig(split_power=0.0, **options))
    np.testing.assert_allclose(value.expected_change, [0.9, 1.8, 1.2, 1.0, 0.01])
    assert value.order.tolist() == order


def test_a_round_leaves_budget_where_nothing_is_worth_it():
    state = round_state(budget=100)
    many = Gain(GainConfig(aim="labels", worth=0)).start(state).ask()
    few = Gain(GainConfig(aim="labels", worth=0.5, first=0)).start(state).ask()
    assert 0 < len(few) < len(many) < 100
    assert min(question.score for question in few) > 0.5
    assert Gain(GainConfig(worth=1e6, first=0)).start(state).ask() == []


def test_a_run_without_answers_asks_whatever_it_expects():
    """With few images p(same) may be sure of everything; a run that asked nothing would never learn that it errs."""
    state = round_state(budget=100)
    first = Gain(GainConfig(worth=1e6)).start(state).ask()
    assert 0 < len(first) <= GainConfig().first
    answered = replace(state, previous_state={ANSWERS: np.zeros((20, 2 + COLUMNS)), CHECKS: np.zeros(2, np.int64)})
    assert Gain(GainConfig(worth=1e6, refit=False)).start(answered).ask() == []


def session_of(found, config=None, *, alone=(), p_same=0.5, expected_change=1.0, images_moved=1.0, **fields):
    """Return a session that takes the candidates in the order given."""
    n = len(found.kind)
    value = SimpleNamespace(
        candidates=found,
        p_same=np.broadcast_to(p_same, n),
        expected_change=np.broadcast_to(expected_change, n),
        images_moved=np.broadcast_to(images_moved, n),
        order=np.arange(n),
        plda=SimpleNamespace(is_outlier=np.isin(np.arange(96), list(alone))),
    )
    return GainSession(round_state(**{"budget": 100} | fields), config or GainConfig(aim="labels"), value)


def asked(session):
    return [(question.a, question.b) for question in session.ask()]


def joins(kind, *groups):
    return candidates(*((kind, pair, pair, (2, 2), 4) for pair in groups))


def stacked(*parts):
    return candidates(*(row for part in parts for row in rows_of(part)))


def rows_of(part):
    return zip(part.kind, zip(part.first, part.second, strict=True), part.groups, part.sizes, part.across, strict=True)


@pytest.mark.parametrize("cap", [1, 2, 3])
def test_a_cluster_goes_into_so_many_merges(cap):
    star = joins(MERGE, (0, 1), (0, 2), (0, 3), (0, 4), (5, 6))
    assert asked(session_of(star, GainConfig(merge_cap=cap))) == [*[(0, 1), (0, 2), (0, 3)][:cap], (5, 6)]


def split_of(group, shown):
    return candidates((SPLIT, shown, (group, group), (2, 2), 4))


SPLIT_0, MERGES_1 = split_of(0, (20, 30)), joins(MERGE, (0, 1), (1, 2))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (stacked(SPLIT_0, MERGES_1), [(20, 30), (1, 2)]),  # a split and merges of a cluster exclude each other
        (stacked(MERGES_1, SPLIT_0), [(0, 1), (1, 2)]),
        (stacked(SPLIT_0, split_of(0, (21, 31))), [(20, 30)]),  # a cluster is split once a round
        (
            # An outlier is shown once, a cluster may be home to many.
            stacked(
                joins(HOME, (0, 10), (0, 11), (0, 12), (1, 10)),
                joins(PAIR, (12, 13), (13, 14), (14, 15)),
                joins(MERGE, (0, 2), (0, 3)),
            ),
            [(0, 10), (0, 11), (0, 12), (13, 14), (0, 2), (0, 3)],
        ),
    ],
)
def test_what_may_be_asked_together(found, expected):
    assert asked(session_of(found, alone=range(10, 16))) == expected


def test_a_refused_merge_takes_nothing_from_the_other_cluster():
    chain = joins(MERGE, (0, 1), (0, 2), (2, 3))  # the second is refused for cluster 0
    assert asked(session_of(chain, GainConfig(merge_cap=1))) == [(0, 1), (2, 3)]


def test_a_pair_answered_unsure_does_not_use_up_its_cluster():
    memory = LabelMemory()
    memory.skip(20, 30)
    found = stacked(split_of(0, (20, 30)), split_of(0, (21, 31)), joins(MERGE, (1, 2)))
    assert asked(session_of(found, memory=memory)) == [(21, 31), (1, 2)]
    memory.skip(0, 10)
    assert asked(session_of(joins(HOME, (0, 10), (1, 10)), alone=[10], memory=memory)) == [(1, 10)]


def test_the_next_state_holds_the_evidence_of_the_answers():
    state = round_state(budget=6)
    config = GainConfig(aim="labels")
    session = Gain(config).start(state)
    questions = session.ask()
    value = QuestionValue(state, config, NO_ANSWERS)
    given = ["same", "different", "unsure", "different", "same"]
    answers = [Answer(question, verdict) for question, verdict in zip(questions, given, strict=False)]
    answers[3] = replace(answers[3], source="closure")
    answers[4] = replace(answers[4], source="memory")
    session.tell(answers)
    previous_state = session.next_state()[ANSWERS]
    assert previous_state.shape == (3, 2 + COLUMNS)
    assert previous_state[:, 1].tolist() == [1, 0, 1]
    found = value.candidates
    shown = {(min(a, b), max(a, b)): i for i, (a, b) in enumerate(zip(found.first, found.second, strict=True))}
    for row, question in zip(previous_state, [questions[0], questions[1], questions[4]], strict=True):
        index = shown[question.a, question.b]
        assert row[0] == found.kind[index]
        np.testing.assert_array_equal(row[2:], found.evidence[index])


def test_answers_add_up_over_rounds():
    def play(state, verdict):
        session = Gain().start(state)
        return session, len(sessions.play(session, state, lambda _: verdict).answers)

    first, asked = play(round_state(budget=4), "different")
    state = round_state(budget=3, previous_state=first.next_state(), seed=1)
    second, more = play(state, "same")
    answers = second.next_state()[ANSWERS]
    assert answers[:, 1].tolist() == [0] * asked + [1] * more
    np.testing.assert_array_equal(answers[:asked], first.next_state()[ANSWERS])
    assert Gain().start(state).next_state()[ANSWERS].tolist() == first.next_state()[ANSWERS].tolist()


def test_before_any_answer_p_is_the_curve_it_begins_with():
    for refit in (True, False):
        value = QuestionValue(round_state(), GainConfig(refit=refit), NO_ANSWERS)
        for kind, prior in PRIORS.items():
            its = value.candidates.kind == kind
            assert its.any()
            np.testing.assert_allclose(value.p_same[its], expit(value.candidates.evidence[its] @ prior))


def test_answers_pull_p_of_their_kind_and_of_no_other():
    config, state = GainConfig(), round_state()
    before = QuestionValue(state, config, NO_ANSWERS)
    found = before.candidates
    merges = found.evidence[found.kind == MERGE]
    told = np.column_stack([np.full(len(merges), MERGE), np.zeros(len(merges)), merges])  # all of them "different"
    after = QuestionValue(state, config, told)
    its = found.kind == MERGE
    probable = its & (before.p_same > 0.01)
    assert probable.sum() == 4
    assert (after.p_same[probable] < before.p_same[probable]).all()
    np.testing.assert_array_equal(after.p_same[~its], before.p_same[~its])
    np.testing.assert_array_equal(QuestionValue(state, config.replace(refit=False), told).p_same, before.p_same)


def doubting(same, price, config, **fields):
    """Return whether a session asks again: its question has this p(same) and moves 10 images, another has this price."""
    session = session_of(
        joins(MERGE, (0, 1), (2, 3)),
        config,
        p_same=[same, 0.5],
        images_moved=[10, 1.0],
        expected_change=[1e3, price],
        **fields,
    )
    first, _ = session.ask()
    return lambda verdict: session.should_reask(Answer(first, verdict))


@pytest.mark.parametrize(
    ("same", "price", "options", "verdict", "doubted"),
    [
        # p(same) .9, "different", errors .03: wrong with .03 · .9 / (.03 · .9 + .97 · .1) = .218, of 10 images 2.18.
        (0.9, 2.1, {"price": 1.0}, "different", True),
        (0.9, 2.2, {"price": 1.0}, "different", False),
        (0.9, 7.2, {"price": 0.3}, "different", True),
        (0.9, 7.3, {"price": 0.3}, "different", False),
        (0.9, 2.1, {"price": 1.0}, "same", False),
        (0.9, 2.1, {"price": 1.0}, "unsure", False),
        (0.1, 2.1, {"price": 1.0}, "same", True),
        (0.9, 2.1, {"price": 1.0, "doubt": 0.22}, "different", False),
        (0.9, 2.1, {"price": 1.0, "repair": False}, "different", False),
    ],
)
def test_an_unlikely_answer_that_matters_is_doubted_by_hand(same, price, options, verdict, doubted):
    assert doubting(same, price, GainConfig(**options))(verdict) == doubted


def test_the_more_answers_were_contested_the_more_is_doubted():
    # After 100 answers, 28 contested: (28 + 3) / 200 = .155. p(same) .6, "different".
    wrong = 0.155 * 0.6 / (0.155 * 0.6 + 0.845 * 0.4)
    whole, contested = GainConfig(price=1.0), {CHECKS: np.array([100, 28])}
    assert doubting(0.6, 10 * wrong - 0.01, whole, previous_state=contested)("different")
    assert not doubting(0.6, 10 * wrong + 0.01, whole, previous_state=contested)("different")
    assert not doubting(0.6, 10 * wrong - 0.01, whole)("different")


def test_a_batch_leaves_some_of_the_budget_for_asking_again():
    many = joins(MERGE, *((2 * i, 2 * i + 1) for i in range(15)))
    session = session_of(many, budget=14)
    batch = session.ask()
    assert len(batch) == 12  # 14 less 15 %, rounded down
    session.tell([replace(Answer(question, "same"), asked=1) for question in batch])
    assert len(session.ask()) == 2
    assert len(session_of(many, GainConfig(repair=False), budget=14).ask()) == 14


def test_what_a_cluster_has_taken_part_in_counts_over_batches():
    star = joins(MERGE, *((0, i) for i in range(1, 10)))
    session = session_of(star, GainConfig(merge_cap=8), budget=8)
    batch = session.ask()
    assert len(batch) == 7
    session.tell([Answer(question, "different") for question in batch])
    assert len(session.ask()) == 1


def test_checks_count_answers_and_those_of_whom_one_was_wrong():
    session = Gain().start(round_state(budget=4, previous_state={CHECKS: np.array([10, 2])}))
    asked = [Answer(question, "different") for question in session.ask()]
    session.tell(
        [replace(asked[0], asked=3), replace(asked[1], asked=2), replace(asked[2], source="closure"), asked[3]]
    )
    assert session.next_state()[CHECKS].tolist() == [13, 3]


def test_questions_are_chosen_on_centred_features_where_cameras_are_known():
    def points(state, **config):
        return QuestionValue(state, GainConfig(**config), NO_ANSWERS).plda.points

    known, unknown = round_state(), round_state(cameras=UNKNOWN)
    assert not np.array_equal(points(known), points(known, centre=False))
    np.testing.assert_array_equal(points(unknown), points(unknown, centre=False))


@pytest.mark.parametrize("aim", ["model", "labels"])
def test_unknown_cameras_are_no_obstacle(aim):
    questions = Gain(GainConfig(aim=aim)).start(round_state(cameras=UNKNOWN)).ask()
    assert len(questions) > 5
    assert "between" in {question.kind for question in questions}
    assert all(np.isfinite(question.score) for question in questions)


def test_gain_labels_is_gain_with_another_aim():
    assert registry.make("gain").config == GainConfig()
    assert registry.make("gain-labels").config == GainConfig(aim="labels")
    assert registry.make("gain-labels", {"gain": {"worth": 0.5}}).config == GainConfig(aim="labels", worth=0.5)
