"""What answers cost and changed, added up over rounds and through metrics.json."""

import json

import numpy as np
import pytest

from whosame.evaluation import (
    AnnotationCost,
    changes_partition,
    round_cost,
    selection_diversity,
)
from whosame.memory import LabelMemory
from whosame.questions import Answer, Question

LABELS = np.array([0, 0, 0, 1, 1, -1, -1])


def answer(a, b, verdict, kind="within", source="oracle", seconds=2.0):
    return Answer(Question(a, b, kind), verdict, source, seconds=seconds)


ROUND = [
    answer(0, 1, "same"),
    answer(0, 2, "different", seconds=4.0),  # changes: splits cluster 0
    answer(0, 3, "same", "between", "human", seconds=300.0),  # changes; away from the desk
    answer(1, 4, "different", "between", "memory", seconds=0.0),  # found again after a crash: was paid for
    answer(3, 5, "unsure", "between"),
    answer(5, 6, "same", "pool"),  # changes: two outliers are in no cluster
    answer(1, 3, "same", "between", "closure", seconds=0.0),  # free
]


def test_which_answers_change_the_partition():
    np.testing.assert_array_equal(changes_partition(ROUND, LABELS), [0, 1, 1, 0, 0, 1, 1])
    assert changes_partition([], LABELS).shape == (0,)


def test_the_cost_of_a_round():
    figures = round_cost(ROUND, LABELS).to_dict(images=7)
    expected = {
        "asked": 6,
        "same": 3,
        "different": 2,
        "unsure": 1,
        "free": 1,
        "conflicts": 0,
        "changed": 3,
        "reasked": 0,
        "overturned": 0,
        "timed": 5,
        "seconds": 2 + 4 + 60 + 2 + 2,
        "seconds_per_pair": 14.0,
        "hours": 6 * 14 / 3600,
        "cost_percent": 100 * 6 / 21,
        "answers_found_again": 0,
        "share_same": 3 / 5,
    }
    names = ("same", "different", "unsure", "reasked", "found_again", "same_share", "different_share")
    for kind, values in {
        "within": (1, 1, 0, 0, 0, 1 / 2, 1 / 2),
        "between": (1, 1, 1, 0, 0, 1 / 3, 1 / 3),
        "pool": (1, 0, 0, 0, 0, 1, 0),
    }.items():
        expected |= {f"{kind}_{name}": value for name, value in zip(names, values, strict=True)}
    assert figures == pytest.approx({f"annotation/{name}": value for name, value in expected.items()})


def test_every_attempt_costs_and_every_pair_is_answered_once():
    again = [
        Answer(Question(0, 1, "within"), "same", seconds=7.0, asked=2),
        Answer(
            Question(0, 2, "within"), "different", seconds=400.0, asked=3, overturned=True
        ),  # once away from the desk
        Answer(Question(1, 4, "between"), "unsure", "memory", seconds=6.0, asked=3, overturned=True),
        Answer(Question(1, 3, "between"), "same", "closure"),
    ]
    cost = round_cost(again, LABELS)
    figures = cost.to_dict(images=7)
    expected = {
        "asked": 8,  # 2 + 3 + 3
        "reasked": 5,
        "overturned": 2,
        "same": 1,
        "different": 1,
        "unsure": 1,
        "free": 1,
        "changed": 1,
        "timed": 8,
        "seconds": 7 + 3 * 60 + 6,
        "seconds_per_pair": 193 / 8,
        "hours": 193 / 3600,
        "cost_percent": 100 * 8 / 21,
        "within_reasked": 3,
        "between_reasked": 2,
        "within_same_share": 0.5,  # of two pairs, not of five attempts
    }
    assert {name: figures[f"annotation/{name}"] for name in expected} == pytest.approx(expected)
    total = AnnotationCost.from_dict(cost.to_dict(7, suffix="_total")) + cost
    assert total == cost + cost
    assert total.to_dict(7, suffix="_total")["annotation/overturned_total"] == 4


def test_the_cost_is_that_of_the_published_tables():
    """UCAL, Table 1: 0.075 % of Market's pairs are about 62.7 thousand; DCPS, 3,000 questions are 0.0036 %."""
    many = [answer(0, 1, "same")] * 3000
    assert round_cost(many, LABELS).cost_percent(12_936) == pytest.approx(0.0036, abs=5e-5)
    assert round_cost(many, LABELS).cost_percent(32_621) == pytest.approx(0.00056, abs=5e-6)


def test_an_answer_that_contradicts_changes_nothing():
    memory = LabelMemory()
    memory.add(0, 1, True)
    memory.add(1, 2, True)
    memory.add(0, 2, False)
    cost = round_cost(ROUND[:2], LABELS, conflicts=memory.conflicts)
    assert (cost.conflicts, cost.changed, cost.total.asked) == (1, 0, 2)


def test_stated_seconds_replace_the_measured():
    figures = round_cost(ROUND, LABELS).to_dict(7, seconds_per_pair=3.0)
    assert figures["annotation/hours"] == pytest.approx(6 * 3 / 3600)
    assert figures["annotation/seconds_per_pair"] == 3


def test_a_round_without_times_or_without_questions():
    untimed = round_cost([answer(0, 1, "same", seconds=0.0)], LABELS).to_dict(7)
    assert not {"annotation/hours", "annotation/seconds_per_pair"} & untimed.keys()
    figures = round_cost([], LABELS).to_dict(7)
    assert figures["annotation/asked"] == figures["annotation/hours"] == figures["annotation/cost_percent"] == 0
    assert "annotation/within_same_share" not in figures
    assert "annotation/cost_percent" not in round_cost([], LABELS).to_dict(1)


def test_rounds_add_up_through_the_metrics_file():
    first, second = round_cost(ROUND, LABELS), round_cost(ROUND[:3], LABELS)
    written = json.loads(json.dumps(first.to_dict(7, suffix="_total")))
    total = AnnotationCost.from_dict(written) + second
    assert total == first + second
    figures = total.to_dict(7, suffix="_total")
    assert figures["annotation/asked_total"] == 9
    assert figures["annotation/seconds_total"] == 70 + 66
    assert AnnotationCost.from_dict({}) == AnnotationCost()


def test_diversity_over_clusters():
    shown = np.array([2, 0, 0, 1, 1, 9, 0])  # outliers do not count
    even = selection_diversity(shown, LABELS)
    np.testing.assert_array_equal(even.shares, [0.5, 0.5])
    assert even.to_dict() == {"annotation/kl_to_uniform": 0.0, "annotation/clusters_asked_share": 1.0}
    uneven = selection_diversity(np.array([3, 0, 0, 0, 0, 0, 0]), LABELS)
    # Eq. 8 with q = 1/2 and p = (4/5, 1/5) after one more for each cluster
    assert uneven.kl == pytest.approx(0.5 * np.log(0.5 / 0.8) + 0.5 * np.log(0.5 / 0.2))
    assert uneven.to_dict()["annotation/clusters_asked_share"] == 0.5


def test_diversity_that_is_infinite_or_of_nothing_is_left_out():
    literal = selection_diversity(np.array([3, 0, 0, 0, 0, 0, 0]), LABELS, kappa=0)
    assert set(literal.to_dict()) == {"annotation/clusters_asked_share"}
    assert selection_diversity(np.array([1]), np.array([-1])).to_dict() == {"annotation/kl_to_uniform": 0.0}


def test_what_was_found_again_is_counted_and_costs_nothing():
    found = Answer(Question(0, 1, "within"), "same", "memory", "alice", asked=0, found_again=True)
    doubted = Answer(Question(0, 2, "within"), "same", "human", "bob", 6.0, asked=2, found_again=True)
    cost = round_cost([found, doubted, answer(3, 5, "unsure", "between")], LABELS)
    figures = cost.to_dict(images=7, suffix="_total")
    assert figures["annotation/asked_total"] == 3
    assert figures["annotation/answers_found_again_total"] == figures["annotation/within_found_again_total"] == 2
    assert (figures["annotation/same_total"], figures["annotation/reasked_total"]) == (2, 2)
    assert (figures["annotation/timed_total"], figures["annotation/seconds_total"]) == (3, 8.0)
    assert figures["annotation/between_found_again_total"] == 0
    assert AnnotationCost.from_dict(json.loads(json.dumps(figures))) == cost
