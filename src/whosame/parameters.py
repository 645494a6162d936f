"""Parameters as models: what is misspelt, mistyped or out of range is an error before work starts."""

from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Self, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from whosame.errors import ParameterError, unknown_name

OWN = "own choice"
NOUNS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", NoneType: "null"}
QUOTES = "a text that YAML reads as a number, true, false or null takes quotes there"
RANGES = {
    ("ge",): ", {ge} or more",
    ("gt",): " above {gt}",
    ("ge", "le"): " from {ge} to {le}",
    ("ge", "lt"): " from {ge} to below {lt}",
    ("gt", "le"): " above {gt} and up to {le}",
    ("gt", "lt"): " above {gt} and below {lt}",
}

P = TypeVar("P", bound="Parameters")
T = TypeVar("T")

Share = Annotated[float, Field(ge=0, le=1)]
Listed = Annotated[tuple[T, ...], Strict(strict=False)]  # YAML has lists, no tuples


class Parameters(BaseModel):
    """A group of parameters: unchangeable, with no other names than its own, and with values of the declared types.

    A field is declared with :func:`parameter`, or with its default alone; the docstring below it says what it means.
    Lists are :data:`Listed`. A whole number is taken where a number is declared, but no number where text is.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some values changed, checked as by :func:`parse`."""
        return parse(type(self), {**dict(self), **changes})


def parameter(
    default: Any, *, source: str = OWN, unit: str = "", takes: str = "", results: bool = True, **bounds: Any
) -> Any:
    """Return a field of a group of parameters.

    Parameters
    ----------
    default
        Its value where none is given.
    source : str
        Where the default comes from: a paper with its section, a row of a table in ``docs/methods.md``.
    unit : str
        What is counted or measured: ``pixels``, ``seconds``.
    takes : str
        What it takes, in words, where the type and the bounds do not say it.
    results : bool
        Whether results depend on it. What they do not depend on may change while a run is continued.
    **bounds
        ``ge``, ``gt``, ``le``, ``lt``, ``validate_default`` and what else :func:`pydantic.Field` takes.
    """
    extra: dict[str, Any] = {"source": source, "unit": unit, "takes": takes, "results": results}
    return Field(default, json_schema_extra=extra, **bounds)


def parse(into: type[P], values: Mapping[str, Any], where: str = "") -> P:
    """Build a group of parameters from a mapping, checking every name, type and range.

    Parameters
    ----------
    into : type
        A subclass of :class:`Parameters`. A validator of its own raises ``ValueError``: on a field with words that
        continue "parameter 'x' is 5, but …", on the whole with whole sentences, one a line.
    values : mapping
        Names and values as read from YAML or a command line. A missing name takes the field's default.
    where : str
        The name of the group, for messages: ``"training"``.

    Returns
    -------
    into
        The filled model.

    Raises
    ------
    ParameterError
        Unknown names (near ones are offered), wrong types, values out of range, missing values: all of them at once.

    Examples
    --------
    >>> class Clustering(Parameters):
    ...     eps: float = parameter(0.5, gt=0, lt=1)
    >>> parse(Clustering, {"epss": 0.5}, "clustering")
    Traceback (most recent call last):
        ...
    whosame.errors.ParameterError: unknown parameter 'clustering.epss': did you mean 'clustering.eps'?
    >>> parse(Clustering, {"eps": 1.5}, "clustering")
    Traceback (most recent call last):
        ...
    whosame.errors.ParameterError: parameter 'clustering.eps' is 1.5, but takes a number above 0 and below 1
    """
    try:
        return into.model_validate(dict(values))
    except ValidationError as error:
        problems = [_problem(each, into, where) for each in error.errors(include_url=False)]
    raise ParameterError("\n".join(problems))


def merge(*nested: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested parameters with later ones over earlier ones, group by group."""
    merged: dict[str, Any] = {}
    for values in nested:
        for key, value in values.items():
            both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
            merged[key] = merge(merged[key], value) if both else value
    return merged


def one_of(value: str, known: Iterable[str]) -> str:
    """Return the value, for a validator whose names are not those of a ``Literal``; others are an error of parse."""
    if value not in (names := list(known)):
        raise PydanticCustomError("literal_error", "unknown name", {"known": names})
    return value


def takes(field: FieldInfo) -> str:
    """Return in words what a field takes: ``a whole number of pixels from 8 to 2048``."""
    return _extra(field, "takes") or _words(field.annotation, field.metadata, _extra(field, "unit"))


def source(field: FieldInfo) -> str:
    """Return where a field's default comes from."""
    return _extra(field, "source") or OWN


def without_effect(group: type[Parameters]) -> dict[str, Any]:
    """Return the names of the parameters that no result depends on, nested as ``model_dump(exclude=…)`` takes them.

    Examples
    --------
    >>> class Page(Parameters):
    ...     port: int = parameter(8765, results=False)
    ...     people: int = 1
    >>> class All(Parameters):
    ...     page: Page = Page()
    >>> without_effect(All)
    {'page': {'port': True}}
    """
    found: dict[str, Any] = {}
    for name, field in group.model_fields.items():
        kind, extra = field.annotation, field.json_schema_extra
        if isinstance(extra, dict) and extra.get("results") is False:
            found[name] = True
        elif isinstance(kind, type) and issubclass(kind, Parameters) and (inside := without_effect(kind)):
            found[name] = inside
    return found


def _extra(field: FieldInfo, name: str) -> str:
    extra = field.json_schema_extra
    return str(extra.get(name, "")) if isinstance(extra, dict) else ""


def _problem(error: ErrorDetails, into: type[Parameters], where: str) -> str:
    """Return one of pydantic's errors in our words, with the dotted name of the parameter."""
    name, field = where, None
    group: Any = into
    for step in error["loc"]:
        if field and get_origin(field.annotation) is tuple:
            name, field = f"{name}[{step}]", FieldInfo.from_annotation(get_args(field.annotation)[0])
            continue
        prefix = f"{name}." if name else ""
        fields, name = getattr(group, "model_fields", {}), f"{prefix}{step}"
        field = fields.get(step)
        group = field.annotation if field else None
    found = error["input"]
    match error["type"]:
        case "extra_forbidden" | "invalid_key":  # a key that is a number
            return str(unknown_name("parameter", step, fields, prefix))
        case "missing":
            return f"parameter '{name}' is missing: it takes {takes(field) if field else 'a value'}"
        case "literal_error":
            known = error.get("ctx", {}).get("known") or get_args(field and field.annotation)
            return str(unknown_name(name, found, map(str, known)))
        case "value_error":
            reason = str(error["ctx"]["error"])
            if isinstance(found, Mapping | BaseModel):  # of a group as a whole
                return "\n".join(f"{name}: {line}" if name else line for line in reason.splitlines())
            return f"parameter '{name}' is {found!r}, but {reason}"
        case "string_type" if isinstance(found, bool | int | float | NoneType):
            return f"parameter '{name}' is {found!r}, but takes {takes(field) if field else 'text'}: {QUOTES}"
        case _:
            return f"parameter '{name}' is {found!r}, but takes {takes(field) if field else 'a group of parameters'}"


def _words(hint: Any, metadata: list[Any], unit: str = "") -> str:
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _words(inside[0], [*metadata, *inside[1:]], unit)
    if origin in (Union, UnionType):
        return " or ".join(
            _words(option, metadata, unit) for option in sorted(inside, key=lambda option: option is not NoneType)
        )
    if origin is Literal:
        return " | ".join(map(str, inside))
    if origin is tuple:
        return f"a list, each {_words(inside[0], [], unit)}"
    noun = NOUNS.get(hint, "a group of parameters")
    return (f"{noun} of {unit}" if unit else noun) + _range(metadata) if hint in (int, float) else noun


def _range(metadata: list[Any]) -> str:
    each = [bound for item in metadata for bound in getattr(item, "metadata", [item])]
    bounds = {name: getattr(bound, name) for bound in each for name in ("ge", "gt", "le", "lt") if hasattr(bound, name)}
    return RANGES.get(tuple(sorted(bounds)), "").format(**bounds)
