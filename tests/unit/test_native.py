"""What each method trains with: presets that parse in every environment, merged over whatever was configured."""

import copy
from pathlib import Path

import pytest
import yaml

from whosame.configuration import Configuration
from whosame.errors import ParameterError
from whosame.native import native_parameters
from whosame.parameters import parse
from whosame.strategies import registry
from whosame.strategies.dcps import DCPSConfig

CONF = Path(__file__).parents[2] / "conf"
ENVIRONMENTS = ["base", "market1501", "dukemtmc", "msmt17", "omniglot"]


def merged(a, b):
    both = {name: merged(a[name], b[name]) for name in a.keys() & b.keys() if isinstance(b[name], dict)}
    return {**a, **b, **both}


def configured(environment):
    """Return the parameters of an environment over those of base, without what only Kedro resolves."""
    values = {}
    for folder in dict.fromkeys(("base", environment)):
        for path in sorted((CONF / folder).glob("parameters*.yml")):
            values = merged(values, yaml.safe_load(path.read_text()))
    return {name: value for name, value in values.items() if name not in ("run", "round")}


def played(parameters):
    """Parse parameters; a method that is not built in trains as it would, but random asks."""
    known = {preset.group for preset in registry.PRESETS.values()}
    strategies = {name: group for name, group in parameters["strategies"].items() if name in known}
    strategy = parameters["strategy"] if parameters["strategy"] in registry.PRESETS else "random"
    images = None if parameters["layout"] == "synthetic" else "images"
    return parse(Configuration, {**parameters, "strategies": strategies, "strategy": strategy, "images": images})


@pytest.fixture
def every_name(monkeypatch):
    """Let every method of the group be a strategy by name."""
    names = [*registry.names(), *configured("base")["native"]]
    monkeypatch.setattr(registry, "names", lambda: names)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_presets_are_those_of_the_papers(environment, every_name):
    parameters = configured(environment)
    made = {name: played(native_parameters(parameters, name)) for name in parameters["native"]}
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
def test_budgets_and_recipes_of_the_published_data_sets(environment, images, eps, iterations, every_name):
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
    assert native_parameters(before, "dcps") == {**before, "strategy": "dcps"}


def test_an_unknown_strategy_is_named():
    with pytest.raises(ParameterError, match="did you mean 'dcps'"):
        native_parameters(configured("base"), "dcsp")


def test_a_run_does_not_depend_on_the_group():
    parameters = configured("base")
    run, other = (parse(Configuration, {**parameters, "native": group}) for group in (parameters["native"], {}))
    assert run != other
    assert run.lasting() == other.lasting()
