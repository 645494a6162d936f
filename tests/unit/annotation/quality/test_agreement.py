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


@pytest.mark.parametrize(
    ("first", "second", "value", "alike"),
    [
        ("y" * 25 + "n" * 25, "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15, 0.4, 0.7),  # (0.7 - 0.5) / (1 - 0.5)
        ("sd", "ds", -1, 0),  # worse than chance
        ("ssss", "sdsd", 0, 0.5),  # one says the same to all
        (MEG, OWEN, (10 * 6 - (8 * 6 + 2 * 4)) / (100 - 56), 0.6),  # little from alpha below
    ],
)
def test_kappa_of_text_book_tables(first, second, value, alike):
    found = cohens_kappa(first, second)
    assert math.isclose(found.value, value)
    assert (found.units, found.alike) == (len(first), alike)


def test_alpha_of_krippendorffs_two_observers():
    found = krippendorffs_alpha(list(zip(MEG, OWEN, strict=True)))
    assert math.isclose(found.value, 1 - 19 * 4 / (14 * 6))  # his 0.095
    assert found.units == 10


def test_alpha_of_krippendorffs_four_observers_with_missing_answers():
    units = [[value for value in column if value != "."] for column in zip(*FOUR, strict=True)]
    found = krippendorffs_alpha(units)
    assert round(found.value, 3) == 0.743
    assert found.units == 11  # the twelfth was seen by one alone


@pytest.mark.parametrize(
    ("found", "reason", "compared"),
    [
        (cohens_kappa([], []), "no pair that both have answered", 0),
        (cohens_kappa(["same"] * 3, ["same"] * 3), "both said nothing but 'same'", 3),
        (krippendorffs_alpha([]), "no pair that two have answered", 0),
        (krippendorffs_alpha([["same"], ["different"]]), "no pair that two have answered", 0),
        (krippendorffs_alpha([["same", "same"], ["same", "same", "same"]]), "all said nothing but 'same'", 2),
    ],
)
def test_a_coefficient_that_is_not_defined_says_why(found, reason, compared):
    assert (found.value, found.units) == (None, compared)
    assert reason in found.reason


def test_two_answerers_get_kappa_and_three_alpha_without_unsure():
    two = by_pair([(0, "a", "same"), (0, "b", "same"), (1, "a", "different"), (1, "b", "same"), (2, "b", "same")])
    assert agreement(two) == cohens_kappa(["same", "different"], ["same", "same"])
    three = by_pair([(k, who, "same" if k else "different") for k in range(2) for who in "abc"])
    three[0]["c"] = "unsure"
    assert agreement(three) == krippendorffs_alpha([["different"] * 2, ["same"] * 3])
    found = agreement(by_pair([(0, "a", "same"), (0, "b", "unsure")]))
    assert (found.value, found.units) == (None, 0)


def test_the_last_answer_of_one_to_a_pair_counts():
    assert by_pair([(0, "a", "same"), (0, "a", "different")]) == {0: {"a": "different"}}


def test_each_is_held_against_what_most_others_say():
    said = [(k, who, "same" if k % 2 else "different") for k in range(6) for who in "abc"]
    said += [(k, "contrary", "different" if k % 2 else "same") for k in range(6)]
    found = agreement_with_others(by_pair(said))
    assert found["contrary"].value == -1
    assert (found["a"].value, found["a"].units) == (1, 6)  # b and c outvote the contrary one
    tied = agreement_with_others(by_pair([(0, "a", "same"), (0, "b", "same"), (0, "c", "different")]))
    assert [tied[who].units for who in "abc"] == [0, 0, 1]  # others that tie say nothing
