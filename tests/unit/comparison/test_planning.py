"""The plan of a comparison: what is played, under which names, and everything that is wrong with it at once."""

import numpy as np
import pytest

from whosame.app.comparison_loop import play_all
from whosame.comparison.plan import SavedPlan
from whosame.comparison.planning import fit_to_images, make_plan
from whosame.configuration import Configuration
from whosame.data.manifest import UNKNOWN, TrainSet, Truth
from whosame.errors import ParameterError, ResumeError
from whosame.parameters import merge, parse
from whosame.strategies import registry
from whosame.strategies.baselines import NoQuestions, RandomConfig, RandomPairs
from whosame.strategies.dcps.dcps import DCPSConfig
from whosame.strategies.registry import Preset

PARAMETERS = {
    "rounds": 4,
    "strategies": {"dcps": {"schedule": "gaussian"}, "random": {"schedule": "gaussian"}},
    "compare": {"schedule": "early"},
}


def plan(typed=None, parameters=None, **options):
    chosen = {"strategies": ["random", "dcps", "supervised"], "budgets": ["20", "40"], "seeds": ["0", "1"]}
    everything = merge(PARAMETERS, parameters or {}, typed or {})
    return make_plan("c", everything, typed or {}, **{**chosen, **options})


def images(count=20, camera=1):
    rows = np.arange(count, dtype=np.int64)
    return TrainSet(rows, np.full(count, camera, np.int64), ("",) * count), Truth(rows % 5)


def test_strategies_by_budgets_by_seeds_beside_the_weaker_baselines():
    names = [run.name for run in plan().runs]
    assert names == [
        *("c-none-s0", "c-none-s1", "c-none-plain-s0", "c-none-plain-s1", "c-none-centred-s0", "c-none-centred-s1"),
        *("c-random-20-s0", "c-random-20-s1", "c-random-40-s0", "c-random-40-s1"),
        *("c-dcps-20-s0", "c-dcps-20-s1", "c-dcps-40-s0", "c-dcps-40-s1"),
        *("c-supervised-s0", "c-supervised-s1"),  # never asks: once a seed
    ]
    runs = {run.name: run for run in plan(strategies=["none", "dcps"]).runs}
    assert len(runs) == 10
    used = [
        (found.distance, found.centre_cameras)
        for name in ("none", "none-plain", "none-centred", "dcps-20")
        for found in [parse(Configuration, merge(PARAMETERS, runs[f"c-{name}-s1"].parameters)).clustering]
    ]
    assert used == [("auto", True), ("jaccard", False), ("jaccard", True), ("auto", True)]
    assert runs["c-dcps-40-s1"].parameters.items() >= {"strategy": "dcps", "budget": 40, "seed": 1}.items()
    assert runs["c-none-s0"].budget == 0


def test_in_mode_selection_only_the_questions_differ():
    typed = {"clustering": {"eps": 0.7, "centre_cameras": False}, "strategies": {"dcps": {"gamma": 0.1}}}
    settings = {}
    for run in plan(typed).runs:
        configuration = parse(Configuration, merge(PARAMETERS, typed, run.parameters))
        result_parameters = configuration.result_parameters()
        assert result_parameters["clustering"]["eps"] == 0.7
        own_group = {"dcps": DCPSConfig(schedule="early", gamma=0.1), "random": RandomConfig(schedule="early")}
        own = {name: group.model_dump() for name, group in own_group.items() if name == configuration.strategy}
        assert result_parameters["strategies"] == own
        for own in ("strategy", "budget", "seed", "strategies"):
            result_parameters.pop(own)
        settings[run.name] = result_parameters
    asking = [settings[name] for name in settings if "none" not in name]
    assert all(found == asking[0] for found in asking)
    assert settings["c-none-s0"]["clustering"] == asking[0]["clustering"]
    beside = {
        name: found["clustering"]
        for name, found in settings.items()
        if name.startswith("c-none-") and name.count("-") > 2
    }
    assert {name: (found["distance"], found["centre_cameras"]) for name, found in beside.items()} == {
        f"c-none-{use}-s{seed}": values
        for use, values in {
            "plain": ("jaccard", False),
            "centred": ("jaccard", True),
            "camera-aware": ("auto", True),  # the strongest, though another was typed
        }.items()
        for seed in (0, 1)
    }


def test_a_plain_base_is_compared_with_the_stronger_ones():
    plain = {"clustering": {"distance": "jaccard", "centre_cameras": False}}  # as for the papers' data sets
    names = [run.name for run in plan(parameters=plain, seeds=[0], strategies=["dcps"], budgets=[20]).runs]
    assert names == ["c-none-s0", "c-none-centred-s0", "c-none-camera-aware-s0", "c-dcps-20-s0"]


def test_a_run_is_the_same_whatever_the_comparison_is_called_in_the_parameters():
    named, bare = (parse(Configuration, merge(PARAMETERS, {"compare": {"name": name}})) for name in ("x", None))
    assert named.result_parameters() == bare.result_parameters()


def test_every_problem_of_a_plan_is_reported_at_once():
    with pytest.raises(ParameterError) as error:
        plan(
            {"strategy": "dcps", "compare": {"schedule": "erly"}, "clustering": {"epss": 0.5}},
            strategies=["dcsp", "random", "random"],
            budgets=["0", "-5", "3", "many", "20"],
            seeds=["1", "1", "-1"],
            mode="selektion",
        )
    for said in (
        "unknown strategy 'dcsp': did you mean 'dcps'",
        "--strategies: random more than once",
        "--budgets: 0, but each is 1 or more",
        "--budgets: -5, but each is 1 or more",
        "--budgets: 3 is below one question a round: there are 4 rounds",
        "--budgets: 'many' is no whole number",
        "--seeds: 1 more than once",
        "--seeds: -1, but each is 0 or more",
        "unknown mode 'selektion': did you mean 'selection'",
        "unknown compare.schedule 'erly': did you mean 'early'",
        "unknown parameter 'clustering.epss': did you mean 'clustering.eps'",
        "'strategy' is set by the comparison itself",
    ):
        assert said in str(error.value)


def test_nothing_named_a_bad_name_and_a_bad_parameter_are_errors():
    with pytest.raises(ParameterError, match="--strategies: name at least one"):
        plan(strategies=[])
    with pytest.raises(ParameterError, match=r"did you mean 'clustering\.eps'"):
        plan({"clustering": {"epss": 0.5}})
    with pytest.raises(ParameterError, match=r"cannot be called '\.\./c'"):
        make_plan("../c", PARAMETERS, {}, strategies=["dcps"], budgets=[20], seeds=[0])
    with pytest.raises(ParameterError, match="choose a shorter --name"):
        make_plan("c" * 95, PARAMETERS, {}, strategies=["dcps"], budgets=[20], seeds=[0])


def test_two_runs_never_share_a_name(monkeypatch):
    monkeypatch.setitem(registry.PRESETS, "none-centred", Preset(None, lambda _: NoQuestions()))
    with pytest.raises(ParameterError, match="would both be called 'c-none-centred-s0'"):
        plan(strategies=["none-centred"])


def test_a_strategy_that_does_not_take_the_common_schedule_is_noted(monkeypatch):
    class Late(RandomPairs):
        def schedule(self, budget, rounds):
            return [0] * (rounds - 1) + [budget]

    monkeypatch.setitem(registry.PRESETS, "late", Preset(None, lambda _: Late()))
    assert plan().notes == ()
    assert plan(strategies=["random", "dcps", "late"]).notes == (
        "late has a schedule of its own and did not take the common one.",
    )


def test_the_native_comparison_takes_each_methods_own_setting():
    group = {"native": {"dcps": {"budget": 33, "clustering": {"eps": 0.4}}}}
    planned = plan(parameters=group, mode="native", seeds=[0], strategies=["random", "dcps"])
    runs = {run.name: run for run in planned.runs}
    assert runs["c-dcps-33-s0"].parameters["clustering"] == {
        "base": "dbscan",
        "distance": "jaccard",
        "centre_cameras": False,
        "eps": 0.4,
    }
    assert runs["c-dcps-33-s0"].parameters["strategies"] == {"dcps": {"schedule": "gaussian"}}
    assert "strategies" not in runs["c-random-20-s0"].parameters  # its own schedule
    assert {"c-random-20-s0", "c-random-40-s0"} < runs.keys()
    assert not [name for name in runs if name.startswith("c-dcps-20")]
    assert planned.notes == ("dcps was asked its own budget of 33 questions, not the comparison's.",)


def native_names(strategies, parameters=None, **options):
    return [run.name for run in plan(parameters=parameters, strategies=strategies, mode="native", **options).runs]


def test_every_native_base_has_one_floor_and_one_ceiling():
    names = native_names(["ucal", "random", "aas", "spal", "ucal-snps"], budgets=[20], seeds=[0])
    assert names == [
        *("c-none-s0", "c-none-ucal-s0", "c-none-spal-s0"),  # as configured: random; as ucal: aas, ucal-snps
        *("c-ucal-20-s0", "c-random-20-s0", "c-aas-20-s0", "c-spal-20-s0", "c-ucal-snps-20-s0"),
        *("c-supervised-s0", "c-supervised-ucal-s0", "c-supervised-spal-s0"),
    ]
    settings = {}
    for run in plan(strategies=["ucal"], mode="native", budgets=[20], seeds=[0]).runs:
        configuration = parse(Configuration, merge(PARAMETERS, run.parameters))
        settings[run.strategy] = configuration
        assert configuration.training.loss == "hybrid-memory"
        assert (configuration.clustering.base, configuration.network.pooling) == ("spcl", "average")
    assert settings.keys() == {"none", "ucal", "supervised"}


def test_a_base_is_named_alike_whatever_else_is_compared():
    assert native_names(["aas"], budgets=[20], seeds=[0]) == ["c-none-ucal-s0", "c-aas-20-s0", "c-supervised-ucal-s0"]
    typed = native_names(["aas", "none", "supervised"], budgets=[20], seeds=[0])
    assert typed == [
        *("c-none-s0", "c-none-ucal-s0", "c-aas-20-s0"),
        *("c-supervised-s0", "c-supervised-ucal-s0"),  # those typed are on the configured base
    ]


def test_a_method_that_knows_of_no_cameras_has_a_floor_without_them():
    names = native_names(["random", "dcps"], budgets=[20], seeds=[0])
    assert names == ["c-none-s0", "c-none-dcps-s0", "c-random-20-s0", "c-dcps-20-s0", "c-supervised-s0"]


def test_bases_that_differ_in_their_clustering_only_share_the_ceiling():
    group = {"native": {"dcps": {"clustering": {"eps": 0.4}}}}  # as on Market-1501
    names = native_names(["random", "dcps"], group, budgets=[20], seeds=[0])
    assert [name for name in names if "none" in name] == ["c-none-s0", "c-none-dcps-s0"]
    assert [name for name in names if "supervised" in name] == ["c-supervised-s0"]


def test_a_variant_is_played_beside_the_authors_setting():
    runs = {
        run.name: run for run in plan(strategies=["ucal", "ucal-reuse"], mode="native", budgets=[20], seeds=[0]).runs
    }
    assert runs.keys() == {"c-none-ucal-s0", "c-ucal-20-s0", "c-ucal-reuse-20-s0", "c-supervised-ucal-s0"}
    reuse = {name: run.parameters["clustering"]["reuse"] for name, run in runs.items() if run.budget}
    assert reuse == {"c-ucal-20-s0": False, "c-ucal-reuse-20-s0": True}
    assert runs["c-ucal-reuse-20-s0"].strategy == "ucal"
    with pytest.raises(ParameterError, match="unknown strategy 'ucal-reuse'"):
        plan(strategies=["ucal-reuse"])


def test_without_identities_the_ceilings_are_left_out():
    whole = plan(strategies=["random"], mode="native", budgets=[20], seeds=[0])
    train_set, _ = images()
    parameters = merge(PARAMETERS, {"annotator": "human"})
    fitted = fit_to_images(whole, parameters, train_set, Truth(np.full(20, UNKNOWN, np.int64)))
    assert [run.name for run in fitted.runs] == ["c-none-s0", "c-random-20-s0"]
    assert "ceilings (supervised) were left out" in fitted.notes[0]


@pytest.mark.parametrize("typed", [{}, {"clustering": {"distance": "jaccard"}}])
def test_images_without_cameras_leave_the_baselines_out_that_differ_in_their_use(typed):
    whole = plan(typed)
    train_set, truth = images()
    of_two = TrainSet(train_set.image_ids, train_set.image_ids % 2, train_set.digests)
    assert fit_to_images(whole, PARAMETERS, of_two, truth) == whole
    for camera in (-1, 1):
        fitted = fit_to_images(whole, PARAMETERS, *images(camera=camera))
        names = [run.name for run in fitted.runs]
        assert [name for name in names if "none" in name] == ["c-none-s0", "c-none-s1"]
        assert len(names) == 2 + 10
        assert "fewer than two cameras of these images are known" in fitted.notes[0]


def test_a_budget_above_all_pairs_is_an_error_before_anything_is_played():
    with pytest.raises(ParameterError, match="budget=40, but 8 training images have only 28 pairs"):
        fit_to_images(plan(), PARAMETERS, *images(8))


def test_a_run_that_fails_is_noted_and_the_others_go_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    played = []

    def play(env, parameters):
        played.append((env, parameters["run"]))
        if parameters["run"] == "c-random-20-s0":
            raise RuntimeError("a node failed") from ResumeError("its round was removed")

    wanted = plan(strategies=["random"], budgets=[20])
    failed = play_all("env", wanted, PARAMETERS, play=play, log=lambda *_: None)
    assert played == [("env", run.name) for run in wanted.runs]
    assert failed == {"c-random-20-s0": "its round was removed"}
    record = SavedPlan.read(tmp_path / "data" / "08_reporting" / "c")
    assert record.failed == failed
    assert record.runs == tuple(run.name for run in wanted.runs)
    said = capsys.readouterr().err
    assert "run 8 of 8, c-random-20-s1, about 0 min left" in said
    assert "c-random-20-s0 failed and is excluded: its round was removed" in said
