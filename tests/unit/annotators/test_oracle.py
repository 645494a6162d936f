"""What the oracles say, and what they need."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from whosame.annotators.oracle import NoisyOracle, Oracle
from whosame.annotators.registry import AnnotatorConfig, make_annotator
from whosame.errors import ParameterError
from whosame.parameters import parse
from whosame.questions import Question
from whosame.seeding import stream

RATES = {"within": 0.0, "between": 0.0, "pool": 0.0}


def verdicts(annotator, questions):
    return [answer.verdict for answer in annotator.answer(questions, lambda _: False)]


def all_pairs(n, kind="within"):
    return [Question(a, b, kind) for a, b in itertools.combinations(range(n), 2)]


def test_the_oracle_tells_the_truth():
    oracle = Oracle(np.array([5, 5, 7]), seconds=4.0)
    answers = list(oracle.answer(all_pairs(3), lambda _: False))
    assert [answer.verdict for answer in answers] == ["same", "different", "different"]
    assert {(answer.source, answer.annotator, answer.seconds) for answer in answers} == {("oracle", "oracle", 4.0)}


def test_nobody_is_sure_about_junk_nor_whether_two_distractors_are_the_same():
    junk, other_junk, distractor, other_distractor, person = range(5)
    oracle = Oracle(np.array([-1, -1, 0, 0, 9]))
    assert oracle.verdict(Question(junk, other_junk, "within")) == "unsure"
    assert oracle.verdict(Question(junk, distractor, "within")) == "unsure"
    assert oracle.verdict(Question(junk, person, "within")) == "unsure"
    assert oracle.verdict(Question(distractor, other_distractor, "within")) == "unsure"
    assert oracle.verdict(Question(distractor, person, "within")) == "different"


def test_unknown_identities_are_refused_before_any_answer():
    with pytest.raises(ParameterError, match=r"2 of 4 training images have none \(rows 1, 3\).*annotator=human"):
        Oracle(np.array([1, -2, 2, -2]))
    with pytest.raises(ParameterError, match=r"annotator=noisy-oracle.*\(rows 0, .*19, …\)"):
        NoisyOracle(np.full(30, -2), RATES, seed=0)


@pytest.mark.parametrize("kind", ["within", "between", "pool"])
def test_noise_is_by_kind_and_at_the_rate_given(kind):
    identities = np.repeat(np.arange(1, 31), 2)
    noisy = NoisyOracle(identities, {**RATES, kind: 0.1}, seed=0)
    for asked in RATES:
        questions = all_pairs(60, asked)
        right = verdicts(Oracle(identities), questions)
        wrong = np.mean([said != true for said, true in zip(verdicts(noisy, questions), right, strict=True)])
        assert wrong == pytest.approx(0.1, abs=0.03) if asked == kind else wrong == 0


def test_always_wrong_is_the_contrary_and_unsure_stays():
    noisy = NoisyOracle(np.array([1, 1, 2, -1]), dict.fromkeys(RATES, 1.0), seed=0)
    assert verdicts(noisy, all_pairs(4)) == ["different", "same", "unsure", "same", "unsure", "unsure"]


def test_another_seed_errs_elsewhere_and_a_higher_rate_errs_there_too():
    identities, questions = np.arange(1, 41), all_pairs(40)
    said = {
        (seed, rate): np.array(verdicts(NoisyOracle(identities, dict.fromkeys(RATES, rate), seed=seed), questions))
        for seed, rate in [(0, 0.1), (0, 0.3), (1, 0.1)]
    }
    wrong = {key: verdict == "same" for key, verdict in said.items()}
    assert (wrong[0, 0.1] != wrong[1, 0.1]).any()
    assert wrong[0, 0.3][wrong[0, 0.1]].all()


def test_attempts_at_one_pair_err_independently():
    identities, questions = np.arange(1, 81), all_pairs(80)  # 3,160 pairs, all "different"
    noisy = NoisyOracle(identities, dict.fromkeys(RATES, 0.3), seed=4)
    wrong = [
        np.array(verdicts(noisy, [replace(question, attempt=attempt) for question in questions])) == "same"
        for attempt in (1, 2, 3)
    ]
    assert wrong[0].tolist() == [stream(4, "noise", q.a, q.b).random() < 0.3 for q in questions]  # as ever
    assert [rate.mean() for rate in wrong] == pytest.approx([0.3] * 3, abs=0.03)
    for one, other in itertools.combinations(wrong, 2):
        assert (one & other).mean() == pytest.approx(0.09, abs=0.02)


def test_the_configuration_reaches_the_annotator():
    config = parse(AnnotatorConfig, {"noise_between": 1, "noise_within": 0, "seconds_per_pair": 3})
    noisy = make_annotator("noisy-oracle", config, identities=np.array([1, 2]), seed=0)
    assert noisy.name == "noisy-oracle"
    (within,) = noisy.answer([Question(0, 1, "within")], lambda _: False)
    (between,) = noisy.answer([Question(0, 1, "between")], lambda _: False)
    assert (within.verdict, between.verdict, between.seconds) == ("different", "same", 3.0)


def test_an_unknown_annotator_offers_near_names():
    with pytest.raises(ParameterError, match="unknown annotator 'noisy_oracle': did you mean 'noisy-oracle'"):
        make_annotator("noisy_oracle", AnnotatorConfig(), identities=np.array([1, 2]), seed=0)
