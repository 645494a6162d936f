"""Error rates from answers alone: by hand, as a fixed point, recovered from simulations, and where nothing can be said."""

from dataclasses import replace

import numpy as np
import pytest

from whosame.annotation.quality.dawid_skene import ErrorRates, dawid_skene
from whosame.annotation.quality.error_rates import annotator_quality
from whosame.annotation.store.store import AnswerEvent
from whosame.reporting.annotators import quality_report


def simulated(rates, *, pairs=600, share=0.6, positive=0.4, seed=0):
    """Answers of people who call two one person, and one two, at the given rates."""
    draw = np.random.default_rng(seed)
    truth = draw.random(pairs) < positive
    who, which = np.nonzero(draw.random((len(rates), pairs)) < share)
    error = np.where(truth[which], np.array(rates)[who, 1], np.array(rates)[who, 0])
    return truth, which, who, truth[which] ^ (draw.random(len(which)) < error)


def test_unanimous_answers_by_hand():
    # Three people, two pairs all call one and two all call two. Each has 2 expected answers of either kind (2T + 2(1-T)),
    # of which 2(1-T) wrong: x = (2(1-T) + 1) / (2 + 5), T = (1-x)³ / ((1-x)³ + x³). x: .1429, .14417, .14422; T: .9952.
    who, which = np.tile(np.arange(3), 4), np.repeat(np.arange(4), 3)
    found = dawid_skene(which, who, which < 2)
    np.testing.assert_allclose(found.posterior, [0.9952, 0.9952, 0.0048, 0.0048], atol=1e-4)
    for rates in (found.false_same, found.false_different):
        np.testing.assert_allclose(rates.rate, 0.1442, atol=1e-4)
        np.testing.assert_allclose(rates.asked, 2)


def test_the_result_is_a_fixed_point_of_the_two_steps():
    _, which, who, same = simulated([(0.1, 0.2), (0.02, 0.1), (0.3, 0.05), (0.1, 0.1)], pairs=60)
    prior = (0.5, 3.0)
    found = dawid_skene(which, who, same, prior=prior)
    T = found.posterior
    for k in range(4):
        mine = [(which[a], same[a]) for a in range(len(who)) if who[a] == k]
        false_same = (sum((1 - T[p]) * s for p, s in mine) + 0.5) / (sum(1 - T[p] for p, _ in mine) + 3.5)
        false_different = (sum(T[p] * (not s) for p, s in mine) + 0.5) / (sum(T[p] for p, _ in mine) + 3.5)
        assert found.false_same.rate[k] == pytest.approx(false_same, abs=1e-6)
        assert found.false_different.rate[k] == pytest.approx(false_different, abs=1e-6)
    share = (T.sum() + 1) / (len(T) + 2)
    for p in range(60):
        one, two = share, 1 - share
        for a in np.flatnonzero(which == p):
            e, d = found.false_same.rate[who[a]], found.false_different.rate[who[a]]
            one *= 1 - d if same[a] else d
            two *= e if same[a] else 1 - e
        assert T[p] == pytest.approx(one / (one + two), abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_error_rates_and_truth_are_recovered(seed):
    rates = [(0.02, 0.05), (0.05, 0.15), (0.3, 0.1), (0.01, 0.02), (0.1, 0.4)]
    truth, which, who, same = simulated(rates, seed=seed)
    found = dawid_skene(which, who, same)
    np.testing.assert_allclose(found.false_same.rate, [e for e, _ in rates], atol=0.06)
    np.testing.assert_allclose(found.false_different.rate, [d for _, d in rates], atol=0.08)
    votes = np.bincount(which, same, len(truth)) / np.maximum(1, np.bincount(which, minlength=len(truth)))
    answered = np.bincount(which, minlength=len(truth)) > 0
    believed = ((found.posterior > 0.5) == truth)[answered].mean()
    assert believed > 0.95
    assert believed >= ((votes > 0.5) == truth)[answered].mean(), "no better than counting votes"


def test_intervals_hold_the_rates_about_as_often_as_they_say():
    rates = np.array([(0.05, 0.1), (0.1, 0.05), (0.02, 0.2), (0.15, 0.15), (0.05, 0.05)])
    inside = []
    for seed in range(20):
        _, which, who, same = simulated(rates, pairs=300, share=0.9, seed=seed)
        found = dawid_skene(which, who, same)
        for kind, estimate in enumerate((found.false_same, found.false_different)):
            low, high = estimate.interval(0.95)
            inside.append((low <= rates[:, kind]) & (rates[:, kind] <= high))
    assert 0.87 <= np.mean(inside) <= 0.99


def test_intervals_are_those_of_the_beta_distribution():
    # Prior one wrong and one right, nothing seen: uniform. Ten of ten wrong: Beta(11, 1), quantile q at q^(1/11).
    low, high = ErrorRates(np.array([0.0, 10.0]), np.array([0.0, 10.0]), (1.0, 1.0)).interval(0.9)
    np.testing.assert_allclose(low, [0.05, 0.05 ** (1 / 11)])
    np.testing.assert_allclose(high, [0.95, 0.95 ** (1 / 11)])


def test_nobody_is_perfect_or_hopeless_after_few_answers():
    for said in (True, False):
        found = dawid_skene(np.zeros(2, int), np.arange(2), np.array([said, not said]))
        for rates in (found.false_same, found.false_different):
            assert ((rates.rate > 0) & (rates.rate < 0.5)).all()


def test_no_answer_at_all():
    nothing = np.empty(0, np.int64)
    found = dawid_skene(nothing, nothing, np.empty(0, bool))
    assert len(found.posterior) == len(found.false_same.rate) == 0


def test_columns_and_prior_are_checked():
    with pytest.raises(ValueError, match="2 pairs, 1 annotators and 2 verdicts"):
        dawid_skene(np.array([0, 1]), np.array([0]), np.array([True, False]))
    with pytest.raises(ValueError, match="both numbers are above 0"):
        dawid_skene(np.array([0]), np.array([0]), np.array([True]), prior=(0.0, 4.0))


# --- from the label store's answers ----------------------------------------------------------------------------------


def event(annotator, a, b, verdict, **others):
    fields = {"run_uid": "uid", "run": "demo", "round": 0, "kind": "pool", "source": "human", "seconds": 1.0}
    return AnswerEvent(
        image_a=a,
        image_b=b,
        digest_a=f"d{a}",
        digest_b=f"d{b}",
        annotator=annotator,
        verdict=verdict,
        **fields | others,
    )


def events_of(rates, names, **simulation):
    _, which, who, same = simulated(rates, **simulation)
    said = {True: "same", False: "different"}
    return [event(names[k], 2 * p, 2 * p + 1, said[s]) for p, k, s in zip(which, who, same.tolist(), strict=True)]


NAMES = ("ada", "ben", "cleo", "dora")
GOOD = (0.02, 0.04)


@pytest.mark.parametrize("bad", [(0.3, 0.04), (0.02, 0.35), (0.5, 0.5)])
def test_a_careless_annotator_is_seen(bad):
    for seed in range(5):
        found = annotator_quality(events_of([GOOD, GOOD, bad, GOOD], NAMES, pairs=200, seed=seed))
        assert [one.annotator for one in found if one.careless] == ["cleo"]
    report = quality_report(found, "run demo")
    assert [line.split()[0] for line in report.splitlines() if line.endswith("careless?")] == ["cleo"]


def test_nobody_is_called_careless_among_equals():
    for rate in (GOOD, (0.1, 0.15)):
        for seed in range(10):
            found = annotator_quality(events_of([rate] * 4, NAMES, pairs=200, seed=seed))
            assert not any(one.careless for one in found)


def test_the_report_has_a_line_for_everybody_with_rates_and_intervals():
    qualities = annotator_quality(events_of([GOOD] * 3, NAMES, pairs=100, share=1.0))
    lines = quality_report(qualities, "run demo").splitlines()
    assert lines[0] == "run demo"
    assert lines[1].split("  ")[0] == "annotator"
    for name, line, one in zip(NAMES, lines[3:6], qualities, strict=False):
        assert line.split()[:4] == [name, "100", "0", "100"]
        assert f"{100 * one.false_same.value:.1f} ({100 * one.false_same.low:.1f}–" in line
        assert one.false_different.low < one.false_different.value < one.false_different.high
    assert "above 2 times what the others err" in lines[-2] + lines[-1]


def test_pairs_are_the_pictures_not_the_numbers_of_a_run():
    one = event("ada", 1, 2, "same")
    turned = replace(event("ben", 1, 2, "same", run_uid="other"), digest_a="d2", digest_b="d1")
    elsewhere = replace(event("cleo", 1, 2, "same", run_uid="third"), digest_a="x", digest_b="y")
    assert [quality.shared for quality in annotator_quality([one, turned, elsewhere])] == [1, 1, 0]


def test_the_last_attempt_counts_and_unsure_is_no_answer():
    events = [
        event("ada", 1, 2, "same"),
        event("ben", 1, 2, "different"),
        event("ben", 1, 2, "same", attempt=2),
        event("ada", 3, 4, "same"),
        event("ben", 3, 4, "unsure"),
        event("ada", 5, 6, "different"),
        event("ada", 5, 6, "unsure", attempt=2),
    ]
    ada, ben = annotator_quality(events)
    assert (ada.answers, ada.unsure, ada.shared) == (2, 1, 1)
    assert (ben.answers, ben.unsure, ben.shared) == (1, 1, 1)
    assert ada.false_different == ben.false_different, "they agree"


def test_an_annotator_who_shares_nothing_has_no_rate():
    qualities = annotator_quality([*events_of([GOOD] * 3, NAMES, pairs=50), event("zoe", 998, 999, "same")])
    zoe = qualities[-1]
    assert (zoe.annotator, zoe.answers, zoe.shared, zoe.false_same) == ("zoe", 1, 0, None)
    assert "zoe" in quality_report(qualities, "run demo")


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], "nobody has answered anything yet"),
        ([event("ada", 1, 2, "same")], "Only ada has answered"),
        ([event("ada", 1, 2, "unsure"), event("ben", 1, 2, "unsure")], "Every answer is unsure"),
        ([event("ada", 1, 2, "same"), event("ben", 3, 4, "same")], "from two annotators: how often they err cannot"),
        ([event("ada", 1, 2, "same"), event("ben", 1, 2, "unsure")], "from two annotators: how often they err cannot"),
        ([event("ada", 1, 2, "same"), event("ben", 1, 2, "different")], "Only ada and ben share pairs"),
    ],
)
def test_what_cannot_be_said_is_said(events, said):
    report = quality_report(annotator_quality(events), "run demo")
    assert said in report
    assert "careless?" not in report


def test_of_two_who_disagree_neither_is_blamed():
    # Ben says "same" of everything, Ada of every second pair: taken for themselves, the figures blame one of them.
    events = [event("ben", 2 * pair, 2 * pair + 1, "same") for pair in range(60)]
    events += [event("ada", 2 * pair, 2 * pair + 1, ("same", "different")[pair % 2]) for pair in range(60)]
    ada, ben = annotator_quality(events)
    assert max(ada.false_different.low, ben.false_same.low) > 0.3
    assert [one.careless for one in (ada, ben)] == [False, False]
