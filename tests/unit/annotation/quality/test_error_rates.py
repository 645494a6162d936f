"""Who answers carelessly, as far as the answers can tell."""

from dataclasses import replace

import pytest

from whosame.annotation.quality.error_rates import annotator_quality
from whosame.annotation.store.store import AnswerEvent
from whosame.reporting.annotators import quality_report


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


@pytest.fixture
def events_of(simulated):
    """The answers of simulated people with these rates."""

    def make(rates, **simulation):
        _, which, who, same = simulated(rates, **simulation)
        said = {True: "same", False: "different"}
        return [event(NAMES[k], 2 * p, 2 * p + 1, said[s]) for p, k, s in zip(which, who, same.tolist(), strict=True)]

    return make


NAMES = ("ada", "ben", "cleo", "dora")
GOOD = (0.02, 0.04)


@pytest.mark.parametrize("bad", [(0.3, 0.04), (0.02, 0.35), (0.5, 0.5)])
def test_a_careless_annotator_is_seen(bad, events_of):
    for seed in range(5):
        found = annotator_quality(events_of([GOOD, GOOD, bad, GOOD], pairs=200, seed=seed))
        assert [one.annotator for one in found if one.careless] == ["cleo"]
    report = quality_report(found, "run demo")
    assert [line.split()[0] for line in report.splitlines() if line.endswith("careless?")] == ["cleo"]


def test_nobody_is_called_careless_among_equals(events_of):
    for rate in (GOOD, (0.1, 0.15)):
        for seed in range(10):
            found = annotator_quality(events_of([rate] * 4, pairs=200, seed=seed))
            assert not any(one.careless for one in found)


def test_the_report_has_a_line_for_everybody_with_rates_and_intervals(events_of):
    qualities = annotator_quality(events_of([GOOD] * 3, pairs=100, share=1.0))
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


def test_an_annotator_who_shares_nothing_has_no_rate(events_of):
    qualities = annotator_quality([*events_of([GOOD] * 3, pairs=50), event("zoe", 998, 999, "same")])
    zoe = qualities[-1]
    assert (zoe.annotator, zoe.answers, zoe.shared, zoe.false_same) == ("zoe", 1, 0, None)
    assert "zoe" in quality_report(qualities, "run demo")


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], "no answers yet"),
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
