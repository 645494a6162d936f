"""Before a round: the run is locked, then looked at; what cannot be played is refused and the run given back."""

from types import SimpleNamespace

import pytest

from whosame import artefacts
from whosame.app.hooks import RoundHooks
from whosame.errors import ParameterError, ResumeError
from whosame.pipelines.active_round import create_pipeline
from whosame.runs import Run


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Run(tmp_path / "data" / "runs" / "a")


def begin(**parameters):
    started = RoundHooks()
    started.after_context_created(SimpleNamespace(params={"run": "a", **parameters}))
    pipeline = create_pipeline()
    started.before_pipeline_run({}, pipeline, dict.fromkeys(pipeline.inputs(), "a file"))
    return started


def complete(run, number):
    artefacts.write(run.round(number) / artefacts.METRICS, {"round": number})


def test_a_run_is_played_by_one_process_and_given_back(run):
    first = begin(rounds=2, round=0)
    with pytest.raises(ResumeError, match="is being continued by process"):
        begin(rounds=2, round=0)
    first.on_pipeline_error()
    begin(rounds=2, round=0).on_pipeline_error()


def test_a_round_that_another_process_has_just_completed_is_not_played_again(run, monkeypatch):
    lock = Run.lock

    def late(locked):
        complete(run, 0)  # by the process that held the lock until now
        return lock(locked)

    monkeypatch.setattr(Run, "lock", late)
    with pytest.raises(ResumeError, match="round 0 of run 'a' was asked for, and 1 is the next one"):
        begin(rounds=2, round=0)
    monkeypatch.undo()
    monkeypatch.chdir(run.folder.parents[2])
    begin(rounds=2, round=1).on_pipeline_error()  # the refused one left no lock


def test_after_the_last_round_there_is_none(run):
    complete(run, 0)
    complete(run, 1)
    for number in (1, 2):
        with pytest.raises(
            ResumeError,
            match=r"(?s)run 'a' is complete: 2 rounds, 0 questions asked.*--params=run=a,rounds=4,budget=1000",
        ):
            begin(rounds=2, round=number)


def test_what_the_machine_lacks_is_said_first_and_leaves_the_run_free(run):
    with pytest.raises(ParameterError, match=r"nowhere\.pt"):
        begin(rounds=2, round=0, network={"weights": "nowhere.pt"})
    begin(rounds=2, round=0).on_pipeline_error()
