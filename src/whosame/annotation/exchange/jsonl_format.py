"""JSON Lines format: one object an answer, with the column names of a table."""

import json
from collections.abc import Sequence

from whosame.annotation.exchange.row import NAMES, AnswerRow, ParsedFile


def write(rows: Sequence[AnswerRow]) -> bytes:
    """Return the answers as JSON Lines, in UTF-8."""
    lines = ({name: getattr(row, name) for name in NAMES} for row in rows)
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def parse(text: str) -> ParsedFile:
    """Return the rows of the lines, and all their problems. Empty lines are skipped."""
    parsed = ParsedFile()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"line {number}"
        try:
            values = parse_json(line)
        except ValueError as error:
            parsed.problems.append(f"{where}: {error}")
            continue
        if isinstance(values, dict):
            parsed.add(where, values)
        else:
            parsed.problems.append(f"{where}: an answer is an object, {{…}}, not {line.strip()[:40]!r}")
    return parsed


def parse_json(text: str) -> object:
    """Return the value of a JSON text, strictly.

    Raises
    ------
    ValueError
        It is not JSON, has constants that only Python writes (NaN), or is nested too deeply.
    """

    def refuse(constant: str) -> object:
        raise ValueError(f"not JSON: {constant} is no number")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise ValueError("not JSON that can be read: it is nested too deeply") from error
