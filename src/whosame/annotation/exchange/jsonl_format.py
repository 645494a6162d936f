"""Answers as JSON Lines: one object an answer, with the names of the columns of a table."""

import json
from collections.abc import Sequence

from whosame.annotation.exchange.row import NAMES, Reading, Record


def write(records: Sequence[Record]) -> bytes:
    """Return the answers as JSON Lines, in UTF-8."""
    lines = ({name: getattr(record, name) for name in NAMES} for record in records)
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def read(text: str) -> Reading:
    """Return the answers of the lines, and everything that is wrong with them. Empty lines are left out."""
    reading = Reading()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            values = parse(line)
        except ValueError as error:
            reading.problems.append(f"{where}: {error}")
            continue
        if isinstance(values, dict):
            reading.take(where, values)
        else:
            reading.problems.append(f"{where}: an answer is an object, {{…}}, not {line.strip()[:40]!r}")
    return reading


def parse(text: str) -> object:
    """Return what JSON says, strictly.

    Raises
    ------
    ValueError
        It is no JSON, or JSON as only Python writes it (NaN), or nested or long beyond reason.
    """

    def refuse(constant: str) -> object:
        raise ValueError(f"not JSON: {constant} is no number")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise ValueError("not JSON that can be read: it is nested too deeply") from error
