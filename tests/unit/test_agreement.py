"""Kappa and alpha against the published worked examples, and where they are not defined."""

import math

import pytest

from whosame.annotation.quality.agreement import (
    agreement,
    agreement_with_others,
    by_pair,
    cohens_kappa,
    krippendorffs_alpha,
)

# Krippendorff 2011. A: two observers, binary data; C: four observers, nominal data, answers missing (".").
MEG, OWEN = "0100000010", "1110010000"
FOUR = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]


def test_kappa_of_a_text_book_table():
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: (0.7 - 0.5) / (1 - 0.5)
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = cohens_kappa(first, second)
    assert math.isclose(found.value, 0.4)
    assert (found.units, found.alike) == (50, 0.7)


def test_kappa_worse_than_chance_is_below_zero():
    assert cohens_kappa(["same", "different"], ["different", "same"]).value == -1


def test_alpha_of_krippendorffs_two_observers():
    found = krippendorffs_alpha(list(zip(MEG, OWEN, strict=True)))
    assert math.isclose(found.value, 1 - 19 * 4 / (14 * 6))  # his 0.095
    assert found.units == 10


def test_alpha_of_krippendorffs_four_observers_with_missing_answers():
    units = [[value for value in column if value != "."] for column in zip(*FOUR, strict=True)]
    found = krippendorffs_alpha(units)
    assert round(found.value, 3) == 0.743
    assert found.units == 11  # the twelfth was seen by one alone


def test_alpha_and_kappa_differ_by_little_on_the_same_two():
    # alpha takes both for draws from one distribution, and corrects for a small sample
    assert math.isclose(cohens_kappa(MEG, OWEN).value, (10 * 6 - (8 * 6 + 2 * 4)) / (100 - 56))


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ([], [], "no pair that both have answered"),
        (["same"] * 3, ["same"] * 3, "both said nothing but 'same'"),
    ],
)
def test_kappa_that_is_not_defined_says_why(first, second, reason):
    found = cohens_kappa(first, second)
    assert found.value is None
    assert reason in found.reason


def test_kappa_is_zero_where_one_says_the_same_to_all():
    assert cohens_kappa(["same"] * 4, ["same", "different"] * 2).value == 0


@pytest.mark.parametrize(
    ("units", "reason", "compared"),
    [
        ([], "no pair that two have answered", 0),
        ([["same"], ["different"]], "no pair that two have answered", 0),
        ([["same", "same"], ["same", "same", "same"]], "all said nothing but 'same'", 2),
    ],
)
def test_alpha_that_is_not_defined_says_why(units, reason, compared):
    found = krippendorffs_alpha(units)
    assert found.value is None
    assert reason in found.reason
    assert found.units == compared


def test_two_answerers_get_kappa_and_three_alpha_without_unsure():
    two = by_pair([(0, "a", "same"), (0, "b", "same"), (1, "a", "different"), (1, "b", "same"), (2, "b", "same")])
    assert agreement(two) == cohens_kappa(["same", "different"], ["same", "same"])
    three = by_pair([(k, who, "same" if k else "different") for k in range(2) for who in "abc"])
    three[0]["c"] = "unsure"
    assert agreement(three) == krippendorffs_alpha([["different"] * 2, ["same"] * 3])


def test_unsure_alone_is_no_overlap():
    found = agreement(by_pair([(0, "a", "same"), (0, "b", "unsure")]))
    assert found.value is None
    assert found.units == 0


def test_the_last_answer_of_one_to_a_pair_counts():
    assert by_pair([(0, "a", "same"), (0, "a", "different")]) == {0: {"a": "different"}}


def test_each_is_held_against_what_most_others_say():
    said = [(k, who, "same" if k % 2 else "different") for k in range(6) for who in "abc"]
    said += [(k, "contrary", "different" if k % 2 else "same") for k in range(6)]
    found = agreement_with_others(by_pair(said))
    assert found["contrary"].value == -1
    assert found["a"].value == 1  # b and c outvote the contrary one
    assert found["a"].units == 6


def test_others_that_tie_say_nothing():
    found = agreement_with_others(by_pair([(0, "a", "same"), (0, "b", "same"), (0, "c", "different")]))
    assert [found[who].units for who in "abc"] == [0, 0, 1]
