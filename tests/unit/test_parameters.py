"""Parameters: what is misspelt, mistyped or out of range is named, with what is near."""

import math
from typing import Any

import pytest

from whosame.annotators.registry import AnnotatorConfig
from whosame.clustering import ClusteringConfig
from whosame.configuration import ComparisonConfig, Configuration, StorageConfig
from whosame.data.pixels import PixelsConfig
from whosame.data.source import SourceConfig
from whosame.errors import ParameterError
from whosame.evaluation import EvaluationConfig
from whosame.features import ExtractionConfig, NetworkConfig
from whosame.parameters import QUOTES, Listed, Parameters, merge, parameter, parse
from whosame.strategies.registry import StrategiesConfig
from whosame.synthetic import SyntheticConfig
from whosame.training import TrainingConfig, WarmupConfig


class Inner(Parameters):
    eps: float = parameter(0.6, gt=0, lt=1)
    names: Listed[str] = ()


class Outer(Parameters):
    budget: int
    run: str = "demo"
    images: str | None = None
    reuse: bool = True
    inner: Inner = Inner()
    free: dict[str, Any] = parameter({})


def test_values_are_taken_as_they_are_meant():
    values = {"budget": 5, "run": "7", "inner": {"eps": 0.5, "names": ["a", "1"]}, "free": {"x": [1]}}
    inner = Inner(eps=0.5, names=("a", "1"))
    assert parse(Outer, values) == Outer(budget=5, run="7", inner=inner, free={"x": [1]})
    assert isinstance(parse(PixelsConfig, {"disk_budget_gib": 1}).disk_budget_gib, float)


def test_every_problem_is_reported_at_once_with_near_names():
    with pytest.raises(ParameterError) as error:
        parse(Outer, {"budgt": 5, "reuse": "yes", "inner": {"epss": 0.5, "eps": 1, "names": ["a", True]}}, "outer")
    assert str(error.value).splitlines() == [
        "parameter 'outer.budget' is missing: it takes a whole number",
        "parameter 'outer.reuse' is 'yes', but takes true or false",
        "parameter 'outer.inner.eps' is 1, but takes a number above 0 and below 1",
        f"parameter 'outer.inner.names[1]' is True, but takes text: {QUOTES}",
        "unknown parameter 'outer.inner.epss': did you mean 'outer.inner.eps'?",
        "unknown parameter 'outer.budgt': did you mean 'outer.budget'?",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("budget", 5.5), ("budget", True), ("budget", "5"), ("budget", None), ("run", True), ("inner", 5), ("free", "x")],
)
def test_a_wrong_type_is_refused(name, value):
    with pytest.raises(ParameterError, match=f"'{name}' is {value!r}, but takes"):
        parse(Outer, {"budget": 1, name: value})


def test_a_changed_copy_is_checked_and_the_original_kept():
    outer = Outer(budget=1)
    assert (outer.replace(budget=2).budget, outer.budget) == (2, 1)
    with pytest.raises(ParameterError, match="did you mean 'budget'"):
        outer.replace(budgte=2)


def test_later_values_go_over_earlier_ones_group_by_group():
    assert merge({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 4}}, {"d": {"e": 5}}) == {
        "a": {"b": 4, "c": 2},
        "d": {"e": 5},
    }


SPLIT = "(?P<split>.)"

WRONG = [
    (ClusteringConfig, {"k1": 0, "min_samples": -1, "eps": 1.5}, ["k1' is 0", "min_samples' is -1", "eps' is 1.5"]),
    (ClusteringConfig, {"base": "splc", "k2": 0}, ["base 'splc': did you mean 'spcl'", "k2"]),
    *(
        (ClusteringConfig, {"base": "spcl", "eps": eps, "eps_gap": gap}, ["eps_gap"])
        for eps, gap in ((0.6, 0.0), (0.6, 0.4), (0.1, 0.1))
    ),
    (ClusteringConfig, {"base": "spcl", "eps": 0.99}, ["eps_gap' is 0.02, but with base spcl and eps 0.99"]),
    (EvaluationConfig, {"seconds_per_pair": 0, "idle_cap": 0}, ["seconds_per_pair", "idle_cap"]),
    (EvaluationConfig, {"kappa": -1, "pairs_shown": -1}, ["kappa", "pairs_shown"]),
    (EvaluationConfig, {"idle_cap": math.inf}, ["idle_cap"]),
    (ExtractionConfig, {"batch_size": 0}, ["batch_size"]),
    (NetworkConfig, {"architecture": "resnet5", "pooling": "gme"}, ["mean 'resnet50'", "mean 'gem'"]),
    (NetworkConfig, {"widths": [4], "stem_stride": 3}, ["widths' is [4], but takes a list of at least 2", "known: 1, 2"]),
    (NetworkConfig, {"weights": "timm"}, ["weights' is 'timm', but needs a network.architecture timm/NAME"]),
    (TrainingConfig, {"iterations": 0, "temperature": 0.0, "step_rounds": 0}, ["iterations", "temperature", "step_rounds"]),
    (TrainingConfig, {"images_per_cluster": 1, "clusters_per_batch": 1}, ["images_per_cluster' is 1", "clusters_per_batch"]),
    (TrainingConfig, {"norm_chunk": 30}, ["norm_chunk' is 30, but takes a multiple of training.images_per_cluster (4)"]),
    (TrainingConfig, {"images_per_cluster": 7}, ["norm_chunk' is 64, but takes a multiple"]),
    (TrainingConfig, {"memory_momentum": 1.5}, ["memory_momentum' is 1.5, but takes a number from 0 to 1"]),
    (
        TrainingConfig,
        {"schedule": "cosin", "loss": "triplets", "outliers": "dorp"},
        ["schedule 'cosin': did you mean 'cosine'", "loss 'triplets': did you mean 'triplet'", "'drop'"],
    ),
    (TrainingConfig, {"margin": -0.1, "ranking_weight": -1.0, "weight_decay": -1}, ["margin", "ranking_weight", "decay"]),
    (TrainingConfig, {"learning_rate": math.nan, "step_factor": 0}, ["learning_rate' is nan", "step_factor"]),
    (TrainingConfig, {"augment": {"pad": -1, "shear": -0.1, "flip": 1.5}}, ["augment.pad", "augment.shear", "flip"]),
    (TrainingConfig, {"augment": {"erase": 2, "erase_aspect": 0.0}}, ["augment.erase'", "augment.erase_aspect"]),
    *((TrainingConfig, {"augment": {"erase_area": area}}, ["erase_area"]) for area in ([0.5, 0.4], [0.5], [0.0, 0.5])),
    (WarmupConfig, {"epochs": 0, "batch_size": 1}, ["epochs", "batch_size"]),
    (WarmupConfig, {"temperature": 0.0, "weight_decay": -1.0, "learning_rate": 0}, ["temperature", "decay", "rate"]),
    (PixelsConfig, {"height": 7, "width": 4096, "disk_budget_gib": -1.0}, ["height' is 7", "width", "disk_budget_gib"]),
    (SourceConfig, {"layout": "markt1501"}, ["unknown layout 'markt1501': did you mean 'market1501'"]),
    (SourceConfig, {"layout": "folder"}, ["layout=folder needs the folder of the images: images=PATH"]),
    (SourceConfig, {"layout": "synthetic", "images": "crops"}, ["layout=… one of"]),
    (SourceConfig, {"folder": {"pattern": "("}}, ["folder.pattern' is '(', but is no regular expression"]),
    (SourceConfig, {"folder": {"pattern": "(?P<identiy>.)", "query": "["}}, ["identity", "folder.query"]),
    (SourceConfig, {"folder": {"pattern": SPLIT, "query": "q"}}, ["folder: the pattern names a split, and so do train/query/gallery: take one way"]),
    (SourceConfig, {"folder": {"test_fraction": 1.0, "seed": -1}}, ["from 0 to below 1", "0 or more"]),
    (SourceConfig, {"folder": {"unmatched": "ignore", "patern": "x"}}, ["known: error, skip", "folder.pattern"]),
    (SourceConfig, {"omniglot": {"train": ["Greek"], "test": ["Greek"]}}, ["omniglot: train and test share Greek"]),
    (SourceConfig, {"max_megapixels": 0, "duplicates": "ignore"}, ["max_megapixels", "known: error, keep"]),
    (SyntheticConfig, {"size": "dem", "cameras": 10}, ["did you mean 'demo'", "takes a whole number of cameras from 1 to 9"]),
    (SyntheticConfig, {"look_alikes": 1.5, "noise": -1.0, "junk_images": -1}, ["look_alikes", "noise", "junk_images"]),
    (SyntheticConfig, {"train_images": 20}, ["'train_images' is 20 for 100 identities: at least one image each"]),
    (AnnotatorConfig, {"noise_within": 1.5, "noise_pool": -0.1}, ["noise_within' is 1.5", "noise_pool' is -0.1"]),
    (AnnotatorConfig, {"seconds_per_pair": math.nan, "overlap": 0}, ["seconds_per_pair' is nan", "overlap' is 0"]),
    (AnnotatorConfig, {"undo_seconds": -1, "port": 70000}, ["undo_seconds' is -1", "port' is 70000"]),
    (StorageConfig, {"keep_every": 0, "log_checkpoints": "evry"}, ["keep_every' is 0", "did you mean 'every'"]),
    (ComparisonConfig, {"name": "a b", "schedule": "unifrom"}, ["name' is 'a b', but takes letters", "mean 'uniform'"]),
    (StrategiesConfig, {"dpcs": {}, "mine": {}}, ["unknown group 'dpcs': did you mean 'dcps'", "unknown group 'mine'"]),
    *((StrategiesConfig, {name: {"schedule": "unifrom"}}, [f"{name}.schedule 'unifrom': did you mean 'uniform'"]) for name in StrategiesConfig.model_fields),
    (StrategiesConfig, {"aas": {"every": 0, "over_fraction": 1.5}}, ["aas.every", "aas.over_fraction"]),
    (StrategiesConfig, {"aas": {"nearest": 0, "least_similarity": 0}}, ["aas.nearest", "aas.least_similarity"]),
    (StrategiesConfig, {"aas": {"partition": "frist"}}, ["did you mean 'first'"]),
    (StrategiesConfig, {"dcps": {"intra_fraction": 1.5, "kappa": 0, "neighbours": 0}}, ["intra_fraction", "kappa", "neighbours"]),
    (StrategiesConfig, {"dcps": {"gamma": -1, "diversity": -0.1}}, ["dcps.gamma", "dcps.diversity"]),
    (StrategiesConfig, {"dcps": {"distance": "w2-square", "scale": "sd", "counts": "rond"}}, ["w2-squared", "std", "round"]),
    (StrategiesConfig, {"dral": {"pool": 0, "k_max": 0, "k": 0, "block": 0}}, ["dral.pool", "k_max", "dral.k'", "block"]),
    (StrategiesConfig, {"dral": {"margin": -1, "entropy": -1, "learning_rate": -1}}, ["margin", "entropy", "learning_rate"]),
    (StrategiesConfig, {"dral": {"threshold": 1.1, "gamma": -0.1, "anchor_order": "medoids"}}, ["threshold", "gamma", "'medoid'"]),
    (StrategiesConfig, {"mass": {"patience": 0, "share": 0, "depth": -1, "tail": 1.5}}, ["patience", "share", "depth", "tail"]),
    (StrategiesConfig, {"mass": {"centrality": "closenes"}}, ["did you mean 'closeness'"]),
    (StrategiesConfig, {"spal": {"passes": 0}}, ["spal.passes' is 0"]),
    (StrategiesConfig, {"ucal": {"snps_share": 1.5, "min_size": 1, "l_max": 2}}, ["snps_share", "min_size", "l_max"]),
    (StrategiesConfig, {"ucal": {"delta": 1.0, "merge_cap": -0.1}}, ["ucal.delta", "ucal.merge_cap"]),
    (StrategiesConfig, {"ucal": {"similarity": "jacard", "reduce": "means", "k_max": "litteral"}}, ["jaccard", "'mean'", "literal"]),
    (StrategiesConfig, {"uncertainty": {"per_image": 0, "prior": 0, "sure": 0.5}}, ["per_image", "prior", "sure"]),
    (StrategiesConfig, {"gain": {"neighbours": 0, "shared_view": -1, "precision": 0, "width": 0}}, ["neighbours", "view", "precision", "width"]),
    (StrategiesConfig, {"gain": {"trust": 0, "split_power": -0.1, "merge_cap": 0, "improbable": 2}}, ["trust", "power", "cap", "improbable"]),
    (StrategiesConfig, {"gain": {"doubt": 1.5, "price": -1, "worth": -1, "aim": "label"}}, ["doubt", "price", "worth", "'labels'"]),
    (Configuration, {5: 1, "training": {6: 1}}, ["unknown parameter '5'", "unknown parameter 'training.6'"]),
    (Configuration, {"budget": -1, "rounds": 0, "seed": -1}, ["'budget' is -1", "'rounds' is 0", "'seed' is -1"]),
    (
        Configuration,
        {"layout": "folder", "device": "gpu", "annotator": "huamn", "strategy": "dcp", "clustering": {"epss": 1}},
        ["images=PATH", "unknown device 'gpu'", "'human'", "unknown strategy 'dcp': did you mean 'dcps'", "clustering.eps"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("config", "values", "named"), WRONG)
def test_what_cannot_be_is_named(config, values, named):
    with pytest.raises(ParameterError) as error:
        parse(config, values)
    problems = str(error.value).splitlines()
    assert all(any(part in problem for problem in problems) for part in named)
    assert len(problems) == len(named)


def test_a_gap_of_no_concern_to_dbscan_is_not_checked_against_eps():
    assert ClusteringConfig(eps=0.99).eps_gap == 0.02
