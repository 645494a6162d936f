"""The native comparison: every method with its own clustering, loss, schedule and budget."""

from collections.abc import Mapping
from typing import Any

from whosame.errors import ParameterError, unknown_name
from whosame.parameters import merge
from whosame.strategies import registry

_PLAIN = {"distance": "jaccard", "centre_cameras": False}  # no paper's clusters know of cameras
_DBSCAN = {"base": "dbscan", **_PLAIN}
_RELIABLE = {"base": "spcl", **_PLAIN}

_SPCL = {
    "loss": "hybrid-memory",
    "outliers": "classes",
    "memory_momentum": 0.2,
    "clusters_per_batch": 16,
    "images_per_cluster": 4,
    "norm_chunk": 16,  # a batch of 64 on four GPUs
}
_TRIPLET = {"loss": "triplet", "clusters_per_batch": 16, "images_per_cluster": 4, "norm_chunk": 64}

_AVERAGE = {"pooling": "average"}

# What the paper of each strategy trains with, as changes to the other parameters (docs/methods.md, What each method
# trains with). The budgets are in the environments of the published data sets; elsewhere the run's own is kept.
NATIVE: dict[str, dict[str, Any]] = {
    "dcps": {
        "clustering": _DBSCAN,
        "training": {"loss": "cluster-nce", "outliers": "drop"},
        "strategies": {"dcps": {"schedule": "gaussian"}},
    },
    "ucal": {
        "network": _AVERAGE,
        "clustering": {**_RELIABLE, "reuse": False},  # an answer holds in its own epoch (section 3.3)
        "training": _SPCL,
        "strategies": {"ucal": {"schedule": "uniform-after-warmup"}},
    },
    "spal": {
        "network": _AVERAGE,
        "clustering": _DBSCAN,
        "training": {**_SPCL, "loss": "hybrid-memory-ranking", "margin": 0.5, "ranking_weight": 2.0},
        "strategies": {"spal": {"schedule": "at-once", "replace_decided": False}},
    },
    "aas": {
        "network": _AVERAGE,
        "clustering": _RELIABLE,
        "training": _SPCL,
        "strategies": {"aas": {"schedule": "uniform", "cycles": 5}},
    },
    "dral": {"clustering": _DBSCAN, "training": _TRIPLET, "strategies": {"dral": {"schedule": "uniform"}}},
    "mass": {
        "clustering": _DBSCAN,
        "training": {"loss": "purification", "outliers": "drop"},
        "strategies": {"mass": {"schedule": "uniform-after-short-warmup"}},
    },
}

# Presets of the native comparison that depart from the authors: the strategy, and what they change in its setting.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ucal-reuse": ("ucal", {"clustering": {"reuse": True}}),
}


def native_names() -> list[str]:
    """Return the names that a native comparison takes: all strategies, and the variants."""
    return sorted({*registry.names(), *VARIANTS})


def strategy_of(name: str) -> str:
    """Return the strategy that a name of a native comparison plays."""
    return VARIANTS[name][0] if name in VARIANTS else name


def native_changes(parameters: Mapping[str, Any], strategy: str) -> dict[str, Any]:
    """Return what the paper of a strategy trains with, as changes to the parameters of a run.

    Parameters
    ----------
    parameters : mapping
        As read from the configuration; its group ``native`` changes :data:`NATIVE`, by strategy. A strategy that is in
        neither takes the changes of the one whose group of parameters it reads (an ablation), or none (a baseline).
    strategy : str
        Or a variant (:data:`VARIANTS`).

    Raises
    ------
    ParameterError
        The group ``native`` names a strategy that there is not, or there is no such strategy.

    Examples
    --------
    >>> native_changes({"native": {"dcps": {"clustering": {"eps": 0.4}}}}, "dcps-no-intra")["clustering"]
    {'base': 'dbscan', 'distance': 'jaccard', 'centre_cameras': False, 'eps': 0.4}
    """
    group = merge(NATIVE, parameters.get("native", {}))
    known = native_names()
    problems = [str(unknown_name("strategy in 'native'", name, known)) for name in group if name not in known]
    if strategy not in known:
        problems.append(str(unknown_name("strategy", strategy, known)))
    if problems:
        raise ParameterError("\n".join(problems))
    if strategy in VARIANTS:
        of, more = VARIANTS[strategy]
        return merge(group.get(of, {}), more, group.get(strategy, {}))
    return dict(group.get(strategy) or group.get(registry.group_of(strategy) or "") or {})
