"""The last audit, as the overview and the text of a run show it."""

import pytest

from whosame import artefacts
from whosame.annotation.quality.audit_figures import audit_figures, audit_of
from whosame.runs import Run

AUDIT = {
    "asked": 191,
    "confidence": 0.95,
    "rounds": 1,
    "estimates": {
        "individuals": {"value": 1234.4, "low": 900.0, "high": 1600.6},
        "precision": {"value": 0.695, "low": 0.5049, "high": 0.836},
        "recall": {"value": None, "low": None, "high": None},
        "bcubed_precision": {"value": 0.6, "low": 0.4, "high": 0.8},
        "bcubed_recall": {"value": 0.5, "low": 0.4, "high": 0.6},
    },
}


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "mine")
    artefacts.write(run.folder / artefacts.RUN, {"uid": "uid"})
    artefacts.write(run.folder / artefacts.AUDIT, AUDIT)
    for number in range(3):
        artefacts.write(run.round(number) / artefacts.METRICS, {})
    return run


def test_estimates_and_intervals_are_shown_and_how_old_they_are(run):
    found = audit_figures(run)
    assert found.rows[:3] == (
        ("Individuals", "1,234", "900 … 1,601"),
        ("Pairs of one name that are one individual", "69.5 %", "50.5 % … 83.6 %"),
        ("Pairs of one individual that have one name", "–", ""),
    )
    assert (found.asked, found.rounds, found.since) == (191, 1, 2)
    assert found.text.startswith(
        "after round 1, 2 rounds ago, 191 questions: individuals 1,234 (900 … 1,601); pairs of"
    )


def test_it_is_that_of_the_run_and_of_this_version(run, tmp_path):
    assert audit_of(tmp_path, "mine", "uid") == audit_figures(run)
    assert audit_of(tmp_path, "mine", "another") is None
    assert audit_of(None, "mine", "uid") is None
    assert audit_of(tmp_path, "mine (audit)", "uid") is None
    artefacts.write(run.folder / artefacts.AUDIT, {"asked": 3})
    assert audit_figures(run) is None
