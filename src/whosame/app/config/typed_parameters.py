"""Parameters as they are typed: ``name=value,name=value``, each value read as its parameter's declared type."""

import csv
import re
from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from whosame.errors import ParameterError
from whosame.parameters import Parameters, merge

NAME = r"[\w-]+(?:\.[\w-]+)*"
ITEM = re.compile(
    rf"""\s*(?P<name>{NAME})\s*=(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<plain>.*?))(?:,(?=\s*{NAME}\s*=)|\Z)""",
    re.DOTALL,
)
WORDS = {"null": None, "true": True, "false": False}
REFERENCE = "${"  # Kedro's configuration would put another parameter in its place


def read_typed(typed: str, into: type[Parameters]) -> dict[str, Any]:
    """Return typed parameters as nested values.

    Text stays as it is typed: ``1.10``, ``0123``, ``yes``, a path with ``#``, an expression with ``:`` or a comma. A
    comma ends a value only where another ``name=`` follows. Quotes around a value hold it together and are not part of
    it. ``null`` is null where a parameter takes text or null. Lists are written ``[a,b]``.

    Parameters
    ----------
    typed : str
    into : type
        The class that declares the parameters.

    Raises
    ------
    ParameterError
        A part has no name, a value is empty, or it is one that Kedro's configuration would replace.

    Examples
    --------
    >>> from whosame.configuration import Configuration
    >>> read_typed("run=1.10,rounds=5,folder.train=^cam[0-9]{1,3} #", Configuration)
    {'run': '1.10', 'rounds': 5, 'folder': {'train': '^cam[0-9]{1,3} #'}}
    """
    values: dict[str, Any] = {}
    position = 0
    while typed[position:].strip():
        item = ITEM.match(typed, position)
        if item is None:
            raise ParameterError(f"{typed[position:]!r} is no parameter: write name=value, and a comma before the next")
        position = item.end()
        names, plain = item["name"].split("."), item["plain"]
        text = item[item.lastgroup or ""]
        _refuse_what_would_change(item["name"], text, plain)
        nested: Any = text if plain is None else _value(plain, declared(into, names))
        for name in reversed(names):
            nested = {name: nested}
        values = merge(values, nested)
    return values


def declared(into: type[Parameters], names: Sequence[str]) -> Any:
    """Return the declared type of a parameter, by the names of its groups and its own; None where there is none."""
    hint: Any = into
    for name in names:
        field = hint.model_fields.get(name) if isinstance(hint, type) and issubclass(hint, Parameters) else None
        hint = field.annotation if field else None
    return hint


def takes_text(hint: Any) -> bool:
    """Return whether a declared type is text, or text or null."""
    return str in _options(hint)


def _value(typed: str, hint: Any) -> Any:
    """Return a value that is not in quotes."""
    options = _options(hint)
    if str in options:
        return None if NoneType in options and typed == "null" else typed
    typed = typed.strip()
    if typed.startswith("[") and typed.endswith("]"):
        inside = next((get_args(option)[0] for option in options if get_origin(option) is tuple), None)
        (items,) = csv.reader([typed[1:-1]], skipinitialspace=True)
        return [_value(each.strip(), inside) for each in items]
    return _scalar(typed)


def _scalar(typed: str) -> Any:
    if typed.lower() in WORDS:
        return WORDS[typed.lower()]
    for kind in (int, float):
        try:
            return kind(typed)
        except ValueError:
            pass
    return typed


def _options(hint: Any) -> list[Any]:
    """Return the types among which a declared type chooses."""
    if get_origin(hint) is Annotated:
        return _options(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return [option for each in get_args(hint) for option in _options(each)]
    return [hint]


def _refuse_what_would_change(name: str, text: str, plain: str | None) -> None:
    if plain == "":
        raise ParameterError(f"{name}= has no value: type {name}=null for none, or leave it out for its default")
    if REFERENCE in text:
        raise ParameterError(
            f"{name}={text}: Kedro's configuration takes what begins with '{REFERENCE}' for the name of another "
            "parameter, so that no value can have it. A variable of the shell is replaced between double quotes, not "
            "between single ones"
        )
    if text == "???":
        raise ParameterError(f"{name}={text}: Kedro's configuration takes it for a missing value")
