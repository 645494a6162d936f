"""The native comparison: every method with its own base clustering, loss, schedule and budget."""

from collections.abc import Mapping
from typing import Any

from whosame.errors import ParameterError, unknown_name
from whosame.strategies import registry


def native_changes(parameters: Mapping[str, Any], strategy: str) -> dict[str, Any]:
    """Return what the paper of a strategy trains with, as changes to the parameters of a run.

    Parameters
    ----------
    parameters : mapping
        As read from the configuration; its group ``native`` holds by strategy what is changed. A strategy that is not
        named there takes the changes of the one whose parameter group it reads (an ablation), or none (a control).
    strategy : str

    Raises
    ------
    ParameterError
        There is no group ``native``, it names a strategy that there is not, or there is no such strategy.

    Examples
    --------
    >>> native_changes({"native": {"dcps": {"clustering": {"eps": 0.4}}}}, "dcps-no-intra")
    {'clustering': {'eps': 0.4}}
    """
    group = parameters.get("native")
    if not isinstance(group, Mapping):
        raise ParameterError("--mode=native takes each method's own setting from the group 'native', which is missing")
    known = registry.names()
    problems = [str(unknown_name("strategy in 'native'", name, known)) for name in group if name not in known]
    if strategy not in known:
        problems.append(str(unknown_name("strategy", strategy, known)))
    if problems:
        raise ParameterError("\n".join(problems))
    return dict(group.get(strategy) or group.get(registry.group_of(strategy)) or {})
