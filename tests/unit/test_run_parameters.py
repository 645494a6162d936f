"""Parameters of a run: fixed when something was computed, in force afterwards; only budget and rounds may be raised."""

from dataclasses import dataclass

import pytest

from whosame import artefacts
from whosame.app.config.run_parameters import configuration_of, continued
from whosame.app.forks import fork
from whosame.app.run_record import configuration_at, open_run, schedule_of
from whosame.configuration import OF_THE_COMMAND, Configuration
from whosame.errors import ParameterError, ResumeError
from whosame.parameters import merge, parse, without_effect
from whosame.reporting.run_text import completion
from whosame.runs import Run
from whosame.strategies.budget import respread, spread

PLAYED = {
    "run": "mine",
    "layout": "folder",
    "images": "crops",
    "strategy": "random",
    "budget": 40,
    "rounds": 4,
    "clustering": {"eps": 0.7},
    "database": "sqlite:///other.db",
    "annotator_options": {"serve": False},
}


@dataclass
class Images:
    digest: str = "0123456789abcdef"

    def __len__(self):
        return 3


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data" / "runs"


def opened(runs, parameters, *, env=None, images=None):
    images = images or Images()
    configuration = parse(Configuration, {**parameters, "env": env})
    kept = {"digest": images.digest, "images": 3, "root": "/data/crops", "dataset": "crops"}
    return open_run(Run(runs / configuration.run), configuration, images, kept)


def complete(run, *numbers):
    for number in numbers:
        for name in (artefacts.FEATURES, artefacts.CHECKPOINT, artefacts.METRICS):
            (run.round(number)).mkdir(exist_ok=True, parents=True)
            (run.round(number) / name).write_bytes(b"{}")


@pytest.fixture
def mine(runs):
    """A run of which one round is complete."""
    opened(runs, PLAYED, env="market1501")
    complete(run := Run(runs / "mine"), 0)
    return run


def test_a_run_continues_with_the_parameters_it_was_started_with(mine):
    env, parameters = continued(None, {"run": "mine"})
    before, now = (parse(Configuration, {**values, "env": env}) for values in (PLAYED, parameters))
    assert env == "market1501"
    assert now == before.replace(images="/data/crops", run="mine")
    assert configuration_of(mine) == now


@pytest.mark.parametrize(
    "typed",
    [
        {"images": "/moved"},
        {"device": "cpu"},
        {"database": "sqlite:///third.db"},
        {"storage": {"keep_every": 5}},
        {"annotator_options": {"serve": True, "port": 9000}},
        {"clustering": {"eps": 0.7}, "budget": 40},  # as they are
    ],
)
def test_what_changes_no_result_may_be_typed(mine, typed):
    _, parameters = continued("market1501", {"run": "mine", **typed})
    before = parse(Configuration, {**PLAYED, "images": "/data/crops"})
    assert parse(Configuration, parameters) == parse(Configuration, merge(before.model_dump(), typed))


def test_anything_else_is_one_error_with_both_values(mine):
    typed = {"run": "mine", "seed": 7, "clustering": {"eps": 0.5}, "budget": 39, "layout": "market1501"}
    with pytest.raises(ResumeError) as refused:
        continued(None, typed)
    assert str(refused.value).splitlines()[:5] == [
        "run 'mine' was started with other parameters:",
        "  budget: 40 in the run, 39 now",
        "  clustering.eps: 0.7 in the run, 0.5 now",
        "  layout: 'folder' in the run, 'market1501' now",
        "  seed: 0 in the run, 7 now",
    ]


@pytest.mark.parametrize(
    ("started", "typed", "message"),
    [("market1501", "omniglot", "with --env=market1501, not with --env=omniglot"), (None, "omniglot", "without --env")],
)
def test_an_environment_that_is_not_the_runs_is_refused(runs, started, typed, message):
    opened(runs, PLAYED, env=started)
    complete(Run(runs / "mine"), 0)
    with pytest.raises(ResumeError, match=message):
        continued(typed, {"run": "mine"})


def test_nothing_is_fixed_before_something_was_computed(runs):
    opened(runs, {**PLAYED, "network": {"weights": "wrong"}})
    (Run(runs / "mine").round(0)).mkdir()
    assert continued("omniglot", {"run": "mine", "seed": 7}) == ("omniglot", {"run": "mine", "seed": 7})
    about = opened(runs, {**PLAYED, "seed": 7}, images=Images("f" * 16))
    assert (about["configuration"]["seed"], about["configuration"]["network"]["weights"]) == (7, "warmup")
    complete(Run(runs / "mine"), 0)
    with pytest.raises(ResumeError, match="images of run 'mine' have changed since it was started"):
        opened(runs, {**PLAYED, "seed": 7})


def test_a_run_without_its_record_is_not_started_anew(mine):
    (mine.folder / artefacts.RUN).unlink()
    with pytest.raises(ResumeError, match=r"run.json is gone"):
        opened(mine.folder.parent, PLAYED)


def test_a_run_of_another_version_names_it(mine):
    about = mine.about()
    about["configuration"]["clustering"]["epz"] = 1
    artefacts.write(mine.folder / artefacts.RUN, about)
    with pytest.raises(ResumeError, match=r"(?s)started by whosame .*did you mean 'clustering.eps'.*with that version"):
        continued(None, {"run": "mine"})


def test_raised_budget_and_rounds_are_spread_over_what_is_left(mine):
    complete(mine, 1)
    strategy = parse(Configuration, PLAYED).make_strategy()
    first, more = strategy.schedule(40, 4), strategy.schedule(100, 6)
    mine.round(2).mkdir()
    (mine.round(2) / artefacts.FEATURES).touch()  # this round has started: it keeps its allowance
    about = opened(mine.folder.parent, {**PLAYED, "budget": 100, "rounds": 6})
    assert [schedule_of(strategy, about, number) for number in range(3)] == [first] * 3
    for number in (3, 4, 5):
        schedule = schedule_of(strategy, about, number)
        assert schedule == [*first[:3], *respread(first[:3], more)[3:]]
        assert sum(schedule) == 100
    assert opened(mine.folder.parent, {**PLAYED, "budget": 100, "rounds": 6}) == about  # typed again
    assert [configuration_at(about, number)["budget"] for number in (2, 3)] == [40, 100]
    _, parameters = continued(None, {"run": "mine"})
    assert (parameters["budget"], parameters["rounds"]) == (100, 6)
    with pytest.raises(ResumeError, match="budget: 100 in the run, 40 now"):
        continued(None, {"run": "mine", "budget": 40})


def test_raised_twice_each_round_keeps_what_it_had(mine):
    strategy = parse(Configuration, PLAYED).make_strategy()
    opened(mine.folder.parent, {**PLAYED, "budget": 60})
    about = opened(mine.folder.parent, {**PLAYED, "budget": 80})  # before round 1 is played: the last one counts
    assert about["schedules"] == [{"from": 0, "budget": 40, "rounds": 4}, {"from": 1, "budget": 80, "rounds": 4}]
    second = schedule_of(strategy, about, 1)
    complete(mine, 1, 2)
    about = opened(mine.folder.parent, {**PLAYED, "budget": 80, "rounds": 8})
    assert schedule_of(strategy, about, 2) == second
    assert schedule_of(strategy, about, 3)[:3] == second[:3]
    assert (len(schedule_of(strategy, about, 3)), sum(schedule_of(strategy, about, 3))) == (8, 80)


def test_a_budget_without_a_round_to_ask_in_is_refused(mine):
    complete(mine, 1, 2)
    (mine.round(3)).mkdir()
    (mine.round(3) / artefacts.QUESTIONS).touch()
    with pytest.raises(ResumeError, match="no round left to ask in: raise rounds too"):
        opened(mine.folder.parent, {**PLAYED, "budget": 50})


@pytest.mark.parametrize(("budget", "wanted"), [(40, 80), (50, 50)])
def test_a_complete_run_says_what_to_type(mine, budget, wanted):
    complete(mine, 1, 2, 3)
    artefacts.write(mine.round(3) / artefacts.METRICS, {"annotation/asked_total": 39.0})
    said = completion(mine, parse(Configuration, {**PLAYED, "budget": budget}))
    assert "run 'mine' is complete: 4 rounds, 39 questions asked" in said
    assert f"kedro rounds --params=run=mine,rounds=8,budget={wanted}\n" in said


def test_a_fork_begins_with_its_origins_parameters_and_images(mine, runs):
    env, parameters = continued(None, {"run": "other", "strategy": "dcps"}, origin=mine)
    fork(mine, 0, Run(runs / "other"))
    assert continued(None, {"run": "other", "strategy": "dcps"}) == (env, parameters)  # before a round of its own
    forked = parse(Configuration, parameters)
    assert (env, forked.strategy, forked.clustering.eps, forked.images) == ("market1501", "dcps", 0.7, "/data/crops")
    with pytest.raises(ResumeError, match="images of run 'other' have changed"):
        opened(runs, parameters, images=Images("f" * 16))
    opened(runs, parameters, env=env)
    complete(Run(runs / "other"), 1)
    with pytest.raises(ResumeError, match="strategy: 'dcps' in the run, 'random' now"):
        continued(None, {"run": "other", "strategy": "random"})


def test_a_rest_is_spread_by_the_new_schedule_or_evenly():
    for schedule in ("early", "gaussian", "uniform", "uniform-after-warmup"):
        played, wanted = spread(500, 10, schedule)[:7], spread(1000, 20, schedule)
        raised = respread(played, wanted)
        assert (raised[:7], len(raised), sum(raised)) == (played, 20, 1000)
    assert respread([30, 10], [20, 0, 0, 0]) == [30, 10, 0, 0]  # spent already
    assert respread([10, 0], [30, 0, 0, 0]) == [10, 0, 10, 10]


def test_parameters_are_results_or_kept_beside_or_the_commands_own():
    names = set(Configuration().model_dump(include=without_effect(Configuration)))
    assert names >= OF_THE_COMMAND
    assert not {"seed", "budget", "clustering", "training", "network"} & names
    kept = Configuration().other_parameters()
    assert kept.keys() == names - OF_THE_COMMAND
    assert kept["annotator_options"].keys() == {
        *("undo_seconds", "serve", "host", "port"),
        *("question", "instruction", "examples"),
        *("guard", "guard_answers", "guard_share", "guard_confidence"),
    }
    parse(Configuration, merge(Configuration().result_parameters(), kept))
    with pytest.raises(ParameterError, match="budget"):
        parse(Configuration, {"budget": -1})
