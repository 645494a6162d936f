"""The rule by which answers are wasted: what was expected to be the same, against what is."""

import numpy as np
import pytest
from scipy.special import betainc

from whosame.evaluation.candidates import CandidateRule, expected_same, kept_below

RULE = CandidateRule()


def answered(same, different):
    return [True] * same + [False] * different


@pytest.mark.parametrize(("same", "fires"), [(0, True), (2, True), (3, False), (10, False)])
def test_without_probabilities_eighteen_different_of_twenty_fire(same, fires):
    expected = [expected_same("pool", None)] * 20
    assert RULE.fires(expected, answered(same, 20 - same)) is fires


def test_nothing_is_concluded_from_fewer_answers_than_the_rule_wants():
    assert not RULE.fires([0.9] * 19, answered(0, 19))
    assert RULE.fires([0.9] * 20, answered(0, 20))
    assert not RULE.fires([0.9] * 12, answered(0, 12))
    assert RULE.fires([0.9] * 12, answered(0, 12), [2] * 8 + [1] * 4)  # some pairs were asked again
    assert RULE._replace(answers=5).fires([0.9] * 5, answered(0, 5))


def test_later_answers_are_not_judged():
    useful, wasted = answered(12, 18), answered(0, 170)
    assert not RULE.fires([0.5] * 200, useful + wasted)
    assert RULE.fires([0.5] * 200, answered(0, 30) + answered(170, 0))  # however many came at once


def test_the_posterior_is_that_of_a_share_with_a_uniform_prior():
    # λ / 2 is the probability of "same": a Beta density, cut off at 1/2.
    of = betainc(4, 14, 0.25) / betainc(4, 14, 0.5)
    assert kept_below([0.5] * 16, answered(3, 13), 0.5) == pytest.approx(of, abs=0.003)
    assert kept_below([], [], 0.3) == pytest.approx(0.3, abs=0.003)


def test_a_question_that_doubts_a_cluster_expects_different():
    splits = [expected_same("within", p) for p in (0.05, 0.1, 0.02, 0.08)] * 6
    assert not RULE.fires(splits, answered(0, 24))  # asked in order to hear "different"
    assert RULE.fires([expected_same("within", 0.8)] * 20, answered(0, 20))  # here "same" was expected
    assert RULE.fires([expected_same("between", 0.02)] * 20, answered(0, 20))  # no candidates, and it knew


def test_certain_probabilities_may_be_wrong():
    assert 0 < kept_below([1.0] * 3 + [0.0] * 2, answered(2, 3), 0.5) < 1
    assert np.isfinite(kept_below([0.0], [True], 0.5))


def test_more_same_is_never_more_wasted():
    posterior = [kept_below([0.6] * 30, answered(same, 30 - same), 0.5) for same in range(31)]
    assert posterior == sorted(posterior, reverse=True)
