"""What a run has reached beside the same run without questions."""

import pytest

from whosame import artefacts
from whosame.reporting.base_run import base_run, beside_base
from whosame.runs import Run


@pytest.fixture
def make(tmp_path):
    """Return a function that writes a complete run of one round."""

    def make(name, strategy, *, mAP, asked=0, created="2026-01-01", digest="d", rounds=1, **parameters):
        run = Run(tmp_path / name)
        questions = {"strategy": strategy, "budget": asked, "annotator": "oracle", "strategies": {strategy: {"x": 1}}}
        about = {
            "created": created,
            "configuration": {"seed": 0, **questions, **parameters},
            "manifest": {"digest": digest},
        }
        artefacts.write(run.folder / artefacts.RUN, about)
        for number in range(rounds):
            metrics = {"retrieval/mAP": mAP, "clusters/ari": 0.5, "annotation/asked_total": asked}
            artefacts.write(run.round(number) / artefacts.METRICS, metrics)
        return run

    return make


def test_a_run_is_seen_beside_the_newest_that_asked_nothing_and_is_alike(make):
    run = make("a", "gain", mAP=0.625, asked=500)
    assert (base_run(run), beside_base(run)) == (None, "")
    make("old", "none", mAP=0.1)
    base = make("new", "none", mAP=0.5, created="2026-02-01")
    make("other seed", "none", mAP=0.9, created="2026-03-01", seed=1)
    make("other-seed", "none", mAP=0.9, created="2026-03-01", seed=1)
    make("other-images", "none", mAP=0.9, created="2026-03-01", digest="e")
    make("longer", "none", mAP=0.9, created="2026-03-01", rounds=2)
    make("asks", "random", mAP=0.9, created="2026-03-01")
    assert base_run(run) == base
    line = (
        "After 500 questions: mAP 62.5 (without questions 50.0), ARI 0.500 (without questions 0.500); base: run 'new'."
    )
    assert beside_base(run) == line


def test_a_run_without_questions_has_nothing_beside_it(make):
    make("new", "none", mAP=0.5)
    assert beside_base(make("a", "none", mAP=0.5)) == ""
