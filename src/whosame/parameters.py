"""Parameters as typed data classes: what is misspelt, mistyped or out of range is an error before work starts."""

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from whosame.errors import ParameterError, unknown_name

C = TypeVar("C")


def parse(into: type[C], values: Mapping[str, Any], where: str = "") -> C:
    """Build a parameter data class from a mapping, checking every name and type.

    Parameters
    ----------
    into : type
        A data class whose fields are bool, int, float, str, tuples of these, other such data classes, dictionaries
        (taken as they are), or any of them ``| None``. Its ``__post_init__`` may raise :class:`ParameterError`.
    values : mapping
        Names and values as read from YAML or a command line. A missing name takes the field's default.
    where : str
        The name of the group, for messages: ``"training"``.

    Returns
    -------
    into
        The filled data class.

    Raises
    ------
    ParameterError
        Unknown names (near ones are offered), wrong types, missing values: all of them at once.

    Examples
    --------
    >>> @dataclasses.dataclass(frozen=True)
    ... class Clustering:
    ...     eps: float = 0.6
    >>> parse(Clustering, {"epss": 0.5}, "clustering")
    Traceback (most recent call last):
        ...
    whosame.errors.ParameterError: unknown parameter 'clustering.epss': did you mean 'clustering.eps'?
    """
    prefix = f"{where}." if where else ""
    hints = get_type_hints(into)
    fields = {field.name: field for field in dataclasses.fields(into)}  # type: ignore[arg-type]
    problems = [
        str(unknown_name("parameter", prefix + name, [prefix + known for known in fields]))
        for name in values
        if name not in fields
    ]
    filled: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in values:
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                problems.append(f"parameter '{prefix}{name}' is missing: it takes {_describe(hints[name])}")
            continue
        try:
            filled[name] = _convert(hints[name], values[name], prefix + name)
        except ParameterError as error:
            problems.append(str(error))
    if problems:
        raise ParameterError("\n".join(problems))
    return into(**filled)


def merge(*nested: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested parameters with later ones over earlier ones, group by group."""
    merged: dict[str, Any] = {}
    for values in nested:
        for key, value in values.items():
            both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
            merged[key] = merge(merged[key], value) if both else value
    return merged


def check_rules(group: str, values: object, rules: Mapping[str, bool]) -> None:
    """Raise :class:`ParameterError` naming every parameter that breaks its rule.

    Parameters
    ----------
    group : str
        Name of the group, for messages.
    values : object
        The data class.
    rules : mapping of str to bool
        Whether each rule is kept. A rule begins with the parameter's name: ``"share is from 0 to 1"``.
    """
    broken = [f"{group}.{rule}, not {getattr(values, rule.split()[0])!r}" for rule, kept in rules.items() if not kept]
    if broken:
        raise ParameterError("\n".join(broken))


def _convert(hint: Any, value: Any, name: str) -> Any:
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for option in options:
        if option is type(None) and value is None:
            return None
        if dataclasses.is_dataclass(option) and isinstance(value, Mapping):
            return parse(option, value, name)  # type: ignore[arg-type]
        if get_origin(option) is dict and isinstance(value, Mapping):
            return dict(value)  # checked by whoever owns it: a strategy's own parameters
        if get_origin(option) is tuple and isinstance(value, (list, tuple)):
            return tuple(_convert(get_args(option)[0], item, name) for item in value)
        if option is bool and isinstance(value, bool):
            return value
        if option is int and isinstance(value, int) and not isinstance(value, bool):
            return value
        if option is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        if option is str and isinstance(value, (str, int, float)) and not isinstance(value, bool):
            return str(value)  # a run may be called 7: YAML and the command line read that as a number
    raise ParameterError(f"parameter '{name}' is {value!r}, but takes {_describe(hint)}")


def _describe(hint: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(_describe(option) for option in get_args(hint))
    if get_origin(hint) is tuple:
        return f"a list of {_describe(get_args(hint)[0])}"
    return names.get(hint, "a group of parameters")
