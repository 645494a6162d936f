"""The native comparison: every method with its own base clustering, loss, schedule and budget."""

from collections.abc import Mapping
from typing import Any

from whosame.errors import ParameterError, unknown_name
from whosame.strategies import registry


def native_parameters(parameters: Mapping[str, Any], strategy: str) -> dict[str, Any]:
    """Return the parameters of a run in which a strategy has what its paper trains with.

    Parameters
    ----------
    parameters : mapping
        As read from the configuration; its group ``native`` holds by strategy what is changed. A strategy that is not
        named there takes the changes of the one whose parameter group it reads (an ablation), or none.
    strategy : str

    Returns
    -------
    dict
        ``parameters`` with the changes merged in and the strategy set. Nothing that was passed in is changed.

    Raises
    ------
    ParameterError
        There is no such strategy, or the group names one that there is not.

    Examples
    --------
    >>> presets = {"dcps": {"clustering": {"eps": 0.4}}}
    >>> made = native_parameters({"clustering": {"eps": 0.6, "k1": 30}, "native": presets}, "dcps-no-intra")
    >>> made["strategy"], made["clustering"]
    ('dcps-no-intra', {'eps': 0.4, 'k1': 30})
    """
    known = registry.names()
    if strategy not in known:
        raise unknown_name("strategy", strategy, known)
    presets = parameters.get("native") or {}
    if unknown := [str(unknown_name("strategy in 'native'", name, known)) for name in presets if name not in known]:
        raise ParameterError("\n".join(unknown))
    group = registry.PRESETS[strategy].group if strategy in registry.PRESETS else None
    changes = presets.get(strategy) or presets.get(group) or {}
    return {**_merged(parameters, changes), "strategy": strategy}


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for name, change in changes.items():
        before = merged.get(name)
        if isinstance(before, Mapping) and isinstance(change, Mapping):
            merged[name] = _merged(before, change)
        else:
            merged[name] = change
    return merged
