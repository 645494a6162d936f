"""Rows: one answer of a file, in any format, with the checks of every column."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, get_args

from whosame.errors import unknown_name
from whosame.names import composed, is_printable
from whosame.questions import Kind, Source, Verdict

MAX_SECONDS = 7 * 86400.0  # of one answer: more is a mistake
SOURCES = ("human", "oracle")


@dataclass(frozen=True)
class AnswerRow:
    """One answer. The images and the verdict are required; the other columns have the defaults given here.

    Attributes
    ----------
    path_a, path_b : str
        Under the folder of the run's images, posix.
    verdict, annotator, seconds : str, str, float
        The annotator is empty where the file does not name one.
    answered_at : str
        UTC, ISO 8601 to the millisecond; empty: not known.
    attempt : int or None
        None: of the open question about the pair, or of the first.
    kind, round, source, settles
        As in :class:`~whosame.annotation.store.store.AnswerEvent`.
    audit : bool
        Whether it was given in an audit: nothing is trained on it.
    run : str
        Name of the run; for readers only, imports ignore it.
    digest_a, digest_b : str
        Of the images' bytes; empty: the paths identify the images.
    where : str
        Its place in the file, for messages.
    """

    path_a: str
    path_b: str
    verdict: Verdict
    annotator: str = ""
    seconds: float = 0.0
    answered_at: str = ""
    attempt: int | None = None
    kind: Kind = "pool"
    round: int = 0
    source: Source = "human"
    settles: bool = False
    audit: bool = False
    run: str = ""
    digest_a: str = ""
    digest_b: str = ""
    where: str = field(default="", compare=False)


NAMES = tuple(given.name for given in fields(AnswerRow) if given.name != "where")


@dataclass
class ParsedFile:
    """The content of a file: its rows, the number of skipped questions, and all problems."""

    rows: list[AnswerRow] = field(default_factory=list)
    skipped: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, where: str, values: Mapping[str, object]) -> None:
        """Add a row, or all its problems; ``where`` is its place in the file."""
        found: dict[str, Any] = {}
        wrong = unknown_columns(values)
        for name, read in READERS.items():
            value = values.get(name)
            if value is None or value == "":
                continue
            try:
                found[name] = read(value)
            except ValueError as error:
                wrong.append(f"{name} {error}")
        if not values.get("verdict"):
            wrong.append(f"verdict is missing: {', '.join(get_args(Verdict))}")
        wrong += [
            f"image {side} is missing: digest_{side} or path_{side}"
            for side in "ab"
            if not (values.get(f"digest_{side}") or values.get(f"path_{side}"))
        ]
        if wrong:
            self.problems.append(f"{where}: {'; '.join(wrong)}")
        else:
            self.rows.append(AnswerRow(**{"path_a": "", "path_b": "", **found, "where": where}))


def unknown_columns(names: Mapping[str, object] | Sequence[str]) -> list[str]:
    """Return a message for each name that is no column, with similar names."""
    return [str(unknown_name("column", name, NAMES)) for name in names if name not in NAMES]


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 1000 or not is_printable(value):
        raise ValueError(f"is {_shown(value)}, but takes at most 1000 printable characters")
    return value


def _name(value: object) -> str:
    name = composed(_text(value).strip())
    if not name or len(name) > 200:
        raise ValueError(f"is {_shown(value)}, but takes a name of 1 to 200 characters")
    return name


def _digest(value: object) -> str:
    digest = _text(value).strip().lower()
    if len(digest) > 64:
        raise ValueError(f"is {_shown(value)}, but takes at most 64 characters")
    return digest


def _path(value: object) -> str:
    return _text(value).replace("\\", "/").removeprefix("./")


def _one_of(*known: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        word = value.strip().lower() if isinstance(value, str) else value
        if word not in known:
            raise ValueError(f"is {_shown(value)}, but takes {', '.join(known[:-1])} or {known[-1]}")
        return str(word)

    return read


def _number(value: object) -> float:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"is {_shown(value)}, but takes a number")


def _seconds(value: object) -> float:
    seconds = _number(value)
    if not 0 <= seconds <= MAX_SECONDS:
        raise ValueError(f"is {_shown(value)}, but takes seconds from 0 to {MAX_SECONDS:.0f}, a week")
    return seconds


def _whole(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        number = _number(value)
        if not math.isfinite(number) or number != int(number) or not least <= number <= most:
            raise ValueError(f"is {_shown(value)}, but takes a whole number from {least} to {most}")
        return int(number)

    return read


def _truth(value: object) -> bool:
    word = value.strip().lower() if isinstance(value, str) else value
    if word in (True, "true", "1"):
        return True
    if word in (False, "false", "0"):
        return False
    raise ValueError(f"is {_shown(value)}, but takes true or false")


def _time(value: object) -> str:
    try:
        moment = datetime.fromisoformat(_text(value).strip())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError):
        raise ValueError(f"is {_shown(value)}, but takes a time such as 2025-03-01T09:30:00+00:00") from None


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**30 else "a number of more than 30 digits"
    return text if len(text) <= 60 else f"{text[:57]}..."


READERS: dict[str, Callable[[object], object]] = {
    "path_a": _path,
    "path_b": _path,
    "verdict": _one_of(*get_args(Verdict)),
    "annotator": _name,
    "seconds": _seconds,
    "answered_at": _time,
    "attempt": _whole(1, 1000),
    "kind": _one_of(*get_args(Kind)),
    "round": _whole(0, 10**6),
    "source": _one_of(*SOURCES),
    "settles": _truth,
    "audit": _truth,
    "run": _text,
    "digest_a": _digest,
    "digest_b": _digest,
}
