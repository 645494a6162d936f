"""The configuration: conf/base names defaults only; environments and native settings are those of the papers."""

import copy
from pathlib import Path
from typing import get_args

import pytest
import yaml

from whosame.app.config.loader import ConfigLoader
from whosame.comparison.native import native_changes
from whosame.comparison.planning import make_plan
from whosame.configuration import Configuration
from whosame.data.readers import READERS, Layout
from whosame.errors import ParameterError
from whosame.features.pooling import POOLINGS
from whosame.parameters import Parameters, merge, parse
from whosame.settings import CONFIG_LOADER_ARGS
from whosame.strategies import registry
from whosame.strategies.budget import SCHEDULES, Schedule, spread
from whosame.strategies.dcps.dcps import DCPSConfig

pytestmark = pytest.mark.filterwarnings("ignore:.*register_new_resolver:UserWarning")  # Kedro's own

CONF = Path(__file__).parents[2] / "conf"
PUBLISHED = ["market1501", "dukemtmc", "msmt17"]
FOLDERS = ["photos", "people", "cpu", "gpu", "features", "groceries"]
ENVIRONMENTS = ["base", *PUBLISHED, "omniglot", *FOLDERS]


@pytest.fixture(autouse=True)
def _a_project_without_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def loader(environment, **typed):
    return ConfigLoader(str(CONF), env=environment, runtime_params=typed, **CONFIG_LOADER_ARGS)


def configured(environment, **typed):
    """Return the parameters as Kedro reads them; a layout other than synthetic is given a folder."""
    parameters = loader(environment, **typed)["parameters"]
    return parameters if parameters["layout"] == "synthetic" else parameters | {"images": "images"}


def native(parameters, strategy):
    return merge(parameters, native_changes(parameters, strategy), {"strategy": strategy})


def groups(config, name=""):
    """Return every class of parameters by its dotted name."""
    found = {name: config}
    for field, info in config.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, Parameters):
            found |= groups(info.annotation, f"{name}.{field}".lstrip("."))
    return found


def test_base_names_every_group_and_defaults_only():
    """What it leaves out has the class's default therefore too; a node can take every group as ``params:GROUP``."""
    (path,) = (CONF / "base").glob("parameters*")
    written = yaml.safe_load(path.read_text())
    assert written.keys() == Configuration.model_fields.keys()
    assert parse(Configuration, written) == Configuration()
    chosen = {"layout": "synthetic", "annotator": "oracle"}
    assert configured("base") == written | chosen | {"round": 0, "env": "base"}


@pytest.mark.parametrize(("name", "config"), groups(Configuration).items())
def test_defaults_are_within_their_ranges_and_explained(name, config):
    assert parse(config, config().model_dump()) == config()
    assert all(info.description for info in config.model_fields.values()), f"{name} does not say what it means"


def test_choices_are_the_names_of_what_there_is():
    assert set(get_args(Layout)) == set(READERS)
    assert set(get_args(Schedule)) == set(SCHEDULES)
    assert set(get_args(Configuration.model_fields["network"].annotation.model_fields["pooling"].annotation)) == set(
        POOLINGS
    )
    strategies = {preset.group for preset in registry.PRESETS.values() if preset.group}
    assert set(registry.StrategiesConfig.model_fields) == strategies


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_a_configuration_of_its_own_name(environment):
    configuration = parse(Configuration, configured(environment))
    layout = "folder" if environment in FOLDERS else environment
    assert environment == "base" or (configuration.run, configuration.layout) == (environment, layout)


def test_a_misspelt_environment_offers_near_ones(tmp_path):
    with pytest.raises(ParameterError, match="unknown environment 'marke1501': did you mean 'market1501'"):
        loader("marke1501")
    for name, extended in (("base", ""), ("mine", "extends: publishd")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "parameters.yml").write_text(f"run: {name}\n{extended}")
    with pytest.raises(ParameterError, match="unknown environment 'publishd'"):
        ConfigLoader(str(tmp_path), env="mine", **CONFIG_LOADER_ARGS)["parameters"]


def test_an_environment_extends_others_one_over_the_other(tmp_path):
    for name, text in (("base", "run: b\nrounds: 1\nseed: 1\nbudget: 1"), ("a", "run: a\nrounds: 2\nseed: 2")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "parameters.yml").write_text(text)
    for name, text in (
        ("c", "extends: a\nrun: c\nrounds: 3"),
        ("d", "extends: c\nrun: d"),
        ("e", "extends: e\nrun: e"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "parameters.yml").write_text(text)
    found = ConfigLoader(str(tmp_path), env="d", runtime_params={"seed": 9}, **CONFIG_LOADER_ARGS)["parameters"]
    assert {name: found[name] for name in ("run", "rounds", "seed", "budget")} == {
        "run": "d",
        "rounds": 3,
        "seed": 9,
        "budget": 1,
    }
    with pytest.raises(ParameterError, match="in a ring"):
        ConfigLoader(str(tmp_path), env="e", **CONFIG_LOADER_ARGS)["parameters"]


@pytest.fixture
def crops(tmp_path):
    """Return a function that makes a folder of empty files of such names, beside one of the test split."""

    def make(*names):
        (tmp_path / "crops").mkdir()
        for name in names:
            (tmp_path / "crops" / name).touch()
        return {"images": str(tmp_path / "crops"), "folder": {"test_fraction": 0.0}}

    return make


def test_a_folder_of_images_needs_no_environment(crops):
    """Its layout, size, letterbox and pretrained network are those of ``photos``; what is typed is over them."""
    found = loader(None, **crops("a.jpg"), pixels={"area": 900}, run="mine")["parameters"]
    assert (found["layout"], found["run"], found["env"]) == ("folder", "mine", None)
    assert (found["pixels"]["height"], found["pixels"]["fit"], found["pixels"]["area"]) == (None, "letterbox", 900)
    assert found["network"] == loader("photos")["parameters"]["network"]
    assert found["network"]["architecture"] != "small"
    assert loader("base", layout="folder", images="x")["parameters"]["network"]["architecture"] == "small"


def test_who_answers_depends_on_who_is_known(crops):
    images = crops("a.jpg", "b.jpg")
    assert loader(None, **images)["parameters"]["annotator"] == "human"
    assert loader(None, **images, strategy="none")["parameters"]["annotator"] == "oracle"
    assert loader(None, **images, annotator="noisy-oracle")["parameters"]["annotator"] == "noisy-oracle"
    everybody = {**images, "folder": {"pattern": r"(?P<identity>\w)\.jpg$", "test_fraction": 0.0}}
    assert loader(None, **everybody)["parameters"]["annotator"] == "oracle"
    some = {**images, "folder": {"pattern": r"(?P<identity>a)?\w?\.jpg$", "test_fraction": 0.0}}
    assert loader(None, **some)["parameters"]["annotator"] == "auto"


@pytest.mark.parametrize("environment", PUBLISHED)
def test_the_published_data_sets_are_trained_as_in_the_papers(environment):
    configuration = parse(Configuration, configured(environment))
    training, augment = configuration.training, configuration.training.augment
    assert (configuration.budget, configuration.rounds) == (3000, 50)
    assert (configuration.pixels.height, configuration.pixels.width) == (256, 128)
    assert (configuration.network.architecture, configuration.extraction.batch_size) == ("resnet50", 512)
    assert (configuration.clustering.k1, configuration.clustering.eps) == (30, 0.6)
    assert training.iterations == (400 if environment == "msmt17" else 200)
    assert (training.clusters_per_batch, training.images_per_cluster, training.norm_chunk) == (16, 16, 64)
    assert (training.learning_rate, training.weight_decay, training.schedule) == (3.5e-4, 5e-4, "step")
    assert (training.step_rounds, training.step_factor) == (20, 0.1)
    assert (augment.flip, augment.pad, augment.erase) == (0.5, 10, 0.5)
    assert augment.colour == augment.channel_gain == 0
    assert (augment.pad_colour, augment.erase_shape, augment.erase_colour) == ("black", "redrawn", "light")
    assert (configuration.pixels.resize, configuration.precision) == ("bicubic", "float32")
    gaussian = dict.fromkeys(("random", "uncertainty", "dcps", "gain"), "gaussian")
    uniform = dict.fromkeys(("spal", "aas", "dral"), "uniform")
    late = {"ucal": "uniform-after-warmup", "mass": "uniform-after-short-warmup"}
    schedules = {name: group["schedule"] for name, group in configuration.strategies.model_dump().items()}
    assert schedules == gaussian | uniform | late
    spends = configuration.replace(strategy="ucal").make_strategy().schedule(3000, configuration.rounds)
    assert [number for number, share in enumerate(spends) if share] == list(range(15, 50))
    assert configuration.compare.schedule == "gaussian"
    assert (configuration.storage.keep_every, configuration.storage.log_checkpoints) == (10, "last")


def test_precision_is_a_parameter_that_results_depend_on():
    assert Configuration().result_parameters()["precision"] == "float32"


def test_characters_are_not_mirrored():
    configuration = parse(Configuration, configured("omniglot"))
    for augment in (configuration.training.augment, configuration.warmup.augment):
        assert augment.flip == augment.colour == augment.channel_gain == 0
        assert augment.rotation > 0


def test_what_is_typed_goes_over_every_environment():
    typed = configured("msmt17", training={"iterations": 7}, rounds=9)
    assert (typed["training"]["iterations"], typed["training"]["schedule"]) == (7, "step")
    assert (typed["rounds"], typed["budget"]) == (9, 3000)


def test_each_catalog_has_the_folders_of_its_own_run():
    loaders = [loader("base", run=run, round=2) for run in ("one", "other")]
    folders = [[loader["catalog"][name]["filepath"] for name in ("labels", "previous_memory")] for loader in loaders]
    for run, (labels, before) in zip(("one", "other"), folders, strict=True):
        assert labels.endswith(f"data/runs/{run}/round_002/labels.npy")
        assert before.endswith(f"data/runs/{run}/round_001/memory.parquet")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_native_settings_are_those_of_the_papers(environment):
    parameters = configured(environment)
    made = {name: parse(Configuration, native(parameters, name)) for name in registry.PRESETS}
    for name, preset in registry.PRESETS.items():
        ablated = name != preset.group and preset.group in made
        assert made[name].strategy == name
        assert not ablated or made[name] == made[preset.group].replace(strategy=name)
    losses = {name: (c.clustering.base, c.training.loss, c.training.outliers) for name, c in made.items()}
    assert losses["ucal"] == losses["aas"] == ("spcl", "hybrid-memory", "classes")
    assert losses["spal"] == ("dbscan", "hybrid-memory-ranking", "classes")
    assert (made["spal"].training.margin, made["spal"].training.ranking_weight) == (0.5, 2)
    assert losses["dcps"] == ("dbscan", "cluster-nce", "drop")
    assert losses["dral"] == ("dbscan", "triplet", "drop")
    assert losses["mass"] == ("dbscan", "purification", "drop")
    for name in ("ucal", "spal", "aas"):
        training = made[name].training
        assert (training.clusters_per_batch, training.images_per_cluster, training.norm_chunk) == (16, 4, 16)
        assert training.memory_momentum == 0.2
        assert made[name].network.pooling == "average"
    assert [name for name in made if not made[name].clustering.reuse] == ["ucal", "ucal-snps", "ucal-mpps"]
    again = parse(Configuration, merge(parameters, native_changes(parameters, "ucal-reuse"), {"strategy": "ucal"}))
    assert again == made["ucal"].replace(clustering=made["ucal"].clustering.replace(reuse=True))
    rounds, spal = made["aas"].rounds, made["spal"]
    assert [n for n, share in enumerate(made["aas"].make_strategy().schedule(rounds, rounds)) if share] == [
        cycle * rounds // 5 for cycle in range(5)
    ]
    assert spal.make_strategy().schedule(100, spal.rounds) == [100] + [0] * (spal.rounds - 1)
    assert all(made[name].training.memory_momentum == 0.1 for name in ("dcps", "dral", "mass"))


@pytest.mark.parametrize(
    ("environment", "images", "eps", "iterations"),
    [("market1501", 12_936, 0.4, 400), ("dukemtmc", 16_522, 0.7, 400), ("msmt17", 32_621, 0.7, 800)],
)
def test_native_budgets_of_the_published_data_sets(environment, images, eps, iterations):
    parameters = configured(environment)
    made = {name: native(parameters, name) for name in ("dcps", "spal", "mass", "dral", "ucal", "aas")}
    budgets = [made[name]["budget"] for name in ("dcps", "spal", "mass", "dral")]
    assert budgets == [3000, 2 * images, 5 * images, 10 * images]
    assert 4.8 < made["ucal"]["budget"] / images < 5.5
    assert made["aas"]["budget"] == round(0.00033 * images * (images - 1) / 2)
    assert [made[name]["clustering"]["eps"] for name in ("dcps", "ucal", "spal", "aas")] == [eps, 0.6, 0.6, 0.6]
    assert [made[name]["training"]["iterations"] for name in ("ucal", "spal", "aas")] == [iterations] * 3


def test_native_changes_go_over_what_was_configured_and_nothing_else_changes():
    parameters = configured("base", training={"loss": "triplet"})
    before = copy.deepcopy(parameters)
    made = native(parameters, "dcps-no-intra")  # an ablation has what its method has
    assert parameters == before
    assert made["strategy"] == "dcps-no-intra"
    assert made["training"] == {**before["training"], "loss": "cluster-nce", "outliers": "drop"}
    assert parse(Configuration, made).strategies.dcps == DCPSConfig(schedule="gaussian")
    assert native(before, "random") == {**before, "strategy": "random"}
    run, other = (parse(Configuration, {**parameters, "native": group}) for group in ({"dcps": {"budget": 5}}, {}))
    assert run != other
    assert run.result_parameters() == other.result_parameters()


@pytest.mark.parametrize(
    ("group", "strategy", "named"),
    [
        ({}, "dcsp", "unknown strategy 'dcsp': did you mean 'dcps'"),
        ({"dcsp": {}, "ucla": {}}, "random", r"'native' 'dcsp': did you mean 'dcps'.*\n.*'ucla': did you mean 'ucal'"),
        ({"dcps": {"trainin": {}}}, "dcps", "did you mean 'training'"),
        ({"dcps": {"training": {"los": "triplet"}}}, "dcps", r"did you mean 'training\.loss'"),
        ({"dcps": {"strategies": {"dcsp": {}}}}, "dcps", "unknown group 'dcsp': did you mean 'dcps'"),
    ],
)
def test_what_is_misspelt_in_a_native_setting_is_named(group, strategy, named):
    with pytest.raises(ParameterError, match=named):
        parse(Configuration, native(configured("base", native=group), strategy))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_comparison_of_selection_gives_every_strategy_one_schedule(environment):
    parameters = configured(environment)
    strategies = [name for name in registry.PRESETS if registry.make(name).asks]
    plan = make_plan("c", parameters, {}, strategies=strategies, budgets=[1000], seeds=[0])
    asking = [parse(Configuration, merge(parameters, run.parameters)) for run in plan.runs if run.budget]
    schedules = {made.strategy: made.make_strategy().schedule(1000, made.rounds) for made in asking}
    assert set(schedules) == set(strategies)
    shared = spread(1000, parameters["rounds"], parameters["compare"]["schedule"])
    assert all(schedule == shared for schedule in schedules.values())
    assert plan.notes == ()
