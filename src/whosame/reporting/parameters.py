"""Parameters as text: value in force, default, range, source and meaning, by group."""

import inspect
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from whosame.errors import unknown_name
from whosame.parameters import Parameters, source, takes

WIDTH = 118  # characters of a line
COLUMN = 38  # where the default begins


@dataclass(frozen=True)
class Line:
    """One parameter, with its group's dotted name and meaning."""

    group: str
    group_meaning: str
    name: str
    value: object
    default: object
    takes: str
    source: str
    meaning: str

    @property
    def full_name(self) -> str:
        """Its dotted name."""
        return f"{self.group}.{self.name}".lstrip(".")


def parameters_text(values: Parameters, group: str | None = None) -> str:
    """Write down parameters, those that differ from their default marked with ``*``.

    Parameters
    ----------
    values : Parameters
        Those in force; the defaults are those of its class.
    group : str, optional
        Dotted name of a group, or of a parameter: ``training``, ``strategies.dcps``, ``training.augment.flip``.

    Raises
    ------
    ParameterError
        There is no such group; near names are offered.
    """
    lines = list(parameter_lines(values, type(values)()))
    if group is not None:
        chosen = [line for line in lines if f"{line.full_name}.".startswith(f"{group}.")]
        if not chosen:
            known = {part for line in lines for part in (line.group, line.full_name) if part}
            known |= {name.rpartition(".")[0] for name in known if "." in name}
            raise unknown_name("group of parameters", group, known)
        lines = chosen
    written, before = [], None
    for line in lines:
        if line.group != before:
            title = f"{line.group}: {line.group_meaning}" if line.group else line.group_meaning
            written += ["", textwrap.fill(title, WIDTH)]
            before = line.group
        written.append(_written(line))
    changed = sum(line.value != line.default for line in lines)
    return "\n".join([*written[1:], "", f"{len(lines)} listed; {changed} differ from their default (*)."])


def parameter_lines(values: Parameters, defaults: Parameters, group: str = "") -> Iterator[Line]:
    """Yield every parameter of a group, then those of the groups in it."""
    meaning = (inspect.getdoc(type(values)) or "").partition("\n\n")[0]
    inner: list[tuple[str, Any, Any]] = []
    for name, field in type(values).model_fields.items():
        value, default = getattr(values, name), getattr(defaults, name)
        if isinstance(value, Parameters):
            inner.append((name, value, default))
        else:
            yield Line(group, meaning, name, value, default, takes(field), source(field), field.description or "")
    for name, value, default in inner:
        yield from parameter_lines(value, default, f"{group}.{name}".lstrip("."))
    for name, value in (values.model_extra or {}).items():
        whole = f"{group}.{name}".lstrip(".")
        yield Line(
            group,
            meaning,
            name,
            value,
            {},
            "a group of parameters",
            "the package",
            f"Of {whole}, which another package has.",
        )


def _written(line: Line) -> str:
    mark = "*" if line.value != line.default else " "
    head = f"{mark} {line.name}: {yaml_text(line.value)}"
    facts = f"default {yaml_text(line.default)}; takes {line.takes}; source: {line.source}"
    if len(head) < COLUMN:
        return "\n".join([_fill(facts, f"{head:<{COLUMN}}", " " * COLUMN), _fill(line.meaning, " " * 6, " " * 6)])
    return "\n".join([head, _fill(facts, " " * COLUMN, " " * COLUMN), _fill(line.meaning, " " * 6, " " * 6)])


def _fill(text: str, first: str, rest: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def yaml_text(value: object) -> str:
    """Return a value as YAML has it, on one line."""
    match value:
        case None | bool():
            return "null" if value is None else str(value).lower()
        case tuple() | list():
            return f"[{', '.join(map(yaml_text, value))}]"
        case Mapping():
            return f"{{{', '.join(f'{name}: {yaml_text(each)}' for name, each in value.items())}}}"
    return str(value)
