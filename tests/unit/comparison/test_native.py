"""What each method trains with: presets that parse in every environment, merged over whatever was configured."""

import copy
from pathlib import Path

import pytest
import yaml

from whosame.comparison.planning import make_plan
from whosame.configuration import Configuration
from whosame.errors import ParameterError
from whosame.native import native_changes
from whosame.parameters import merge, parse
from whosame.strategies import registry
from whosame.strategies.budget import spread
from whosame.strategies.dcps.dcps import DCPSConfig

CONF = Path(__file__).parents[3] / "conf"
ENVIRONMENTS = ["base", "market1501", "dukemtmc", "msmt17", "omniglot"]


def configured(environment):
    """Return the parameters of an environment over those of base, without what only Kedro resolves."""
    values = {}
    for folder in dict.fromkeys(("base", environment)):
        for path in sorted((CONF / folder).glob("parameters*.yml")):
            values = merge(values, yaml.safe_load(path.read_text()))
    return {name: value for name, value in values.items() if name not in ("run", "round")}


def native_parameters(parameters, strategy):
    return merge(parameters, native_changes(parameters, strategy), {"strategy": strategy})


def with_images(parameters):
    return {**parameters, "images": None if parameters["layout"] == "synthetic" else "images"}


def parsed(parameters):
    return parse(Configuration, with_images(parameters))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_presets_are_those_of_the_papers(environment):
    parameters = configured(environment)
    made = {name: parsed(native_parameters(parameters, name)) for name in registry.PRESETS}
    assert all(configuration.strategy == name for name, configuration in made.items())
    for name, preset in registry.PRESETS.items():
        ablated = name != preset.group and preset.group in made
        assert not ablated or made[name] == made[preset.group].replace(strategy=name)
    made = {name: made[name] for name in parameters["native"]}
    assert {name: (c.clustering.base, c.training.loss, c.training.outliers) for name, c in made.items()} == {
        "dcps": ("dbscan", "cluster-nce", "drop"),
        "ucal": ("spcl", "hybrid-memory", "classes"),
        "spal": ("spcl", "hybrid-memory", "classes"),
        "aas": ("spcl", "hybrid-memory", "classes"),
        "dral": ("dbscan", "triplet", "drop"),
        "mass": ("dbscan", "purification", "drop"),
    }
    for name in ("ucal", "spal", "aas"):
        training = made[name].training
        batch = (training.clusters_per_batch, training.images_per_cluster, training.norm_chunk)
        assert batch == (16, 4, 16)
        assert training.memory_momentum == 0.2
        assert made[name].clustering.reuse
    for method in ("dcps", "dral", "mass"):
        assert made[method].training.memory_momentum == 0.1


@pytest.mark.parametrize(
    ("environment", "images", "eps", "iterations"),
    [("market1501", 12_936, 0.4, 400), ("dukemtmc", 16_522, 0.7, 400), ("msmt17", 32_621, 0.7, 800)],
)
def test_budgets_and_recipes_of_the_published_data_sets(environment, images, eps, iterations):
    parameters = configured(environment)
    made = {name: native_parameters(parameters, name) for name in parameters["native"]}
    assert {name: made[name]["budget"] for name in ("dcps", "spal", "mass", "dral")} == {
        "dcps": 3000,
        "spal": 2 * images,
        "mass": 5 * images,
        "dral": 10 * images,
    }
    assert 4.8 < made["ucal"]["budget"] / images < 5.5
    assert made["aas"]["budget"] == round(0.001 * images * (images - 1) / 2)
    assert made["aas"]["strategies"]["aas"]["every"] == 10
    assert made["dcps"]["clustering"]["eps"] == eps
    assert made["ucal"]["clustering"]["eps"] == 0.6
    assert [made[name]["training"]["iterations"] for name in ("ucal", "spal", "aas")] == [iterations] * 3


def test_changes_go_over_what_was_configured_and_nothing_else_changes():
    parameters = configured("base")
    parameters["training"]["loss"] = "triplet"
    before = copy.deepcopy(parameters)
    made = native_parameters(parameters, "dcps-no-intra")  # an ablation has what its method has
    assert parameters == before
    assert made["strategy"] == "dcps-no-intra"
    assert made["training"] == {**before["training"], "loss": "cluster-nce"}
    assert made["strategies"]["dcps"] == vars(DCPSConfig(schedule="gaussian"))
    assert made["strategies"]["random"] == before["strategies"]["random"]
    assert native_parameters(before, "random") == {**before, "strategy": "random"}
    del before["native"]
    with pytest.raises(ParameterError, match="group 'native', which is missing"):
        native_changes(before, "dcps")


def test_unknown_names_are_named():
    parameters = configured("base")
    with pytest.raises(ParameterError, match="unknown strategy 'dcsp': did you mean 'dcps'"):
        native_parameters(parameters, "dcsp")
    parameters["native"] |= {"dcsp": {}, "ucla": {}}
    with pytest.raises(ParameterError, match=r"'native' 'dcsp': did you mean 'dcps'.*\n.*'ucla': did you mean 'ucal'"):
        native_parameters(parameters, "random")


@pytest.mark.parametrize("change", [{"trainin": {}}, {"training": {"los": "triplet"}}, {"strategies": {"dcsp": {}}}])
def test_a_misspelt_parameter_of_the_group_is_named(change):
    parameters = configured("base")
    parameters["native"]["dcps"] |= change
    with pytest.raises(ParameterError, match="did you mean"):
        parsed(native_parameters(parameters, "dcps"))


@pytest.mark.parametrize("environment", ["market1501", "dukemtmc", "msmt17"])
def test_schedules_of_the_published_data_sets_are_the_papers(environment):
    groups = configured(environment)["strategies"]
    schedules = {name: group["schedule"] for name, group in groups.items()}
    gaussian = dict.fromkeys(("random", "uncertainty", "dcps", "gain"), "gaussian")
    uniform = dict.fromkeys(("spal", "aas", "dral", "mass", "ucal"), "uniform")
    assert schedules == gaussian | uniform


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_comparison_of_selection_gives_every_strategy_one_schedule(environment):
    parameters = with_images(configured(environment))
    strategies = [name for name in registry.PRESETS if registry.make(name).asks]
    plan = make_plan("c", parameters, {}, strategies=strategies, budgets=[1000], seeds=[0])
    asking = [parse(Configuration, merge(parameters, run.parameters)) for run in plan.runs if run.budget]
    schedules = {made.strategy: made.make_strategy().schedule(1000, made.rounds) for made in asking}
    assert set(schedules) == set(strategies)
    shared = spread(1000, parameters["rounds"], parameters["compare"]["schedule"])
    assert all(schedule == shared for schedule in schedules.values())
    assert plan.notes == ()


def test_a_run_does_not_depend_on_the_group():
    parameters = configured("base")
    run, other = (parse(Configuration, {**parameters, "native": group}) for group in (parameters["native"], {}))
    assert run != other
    assert run.result_parameters() == other.result_parameters()
