"""One answer in a file, whatever the file's format: what it says, and every way in which it can be wrong."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, get_args

from whosame.errors import unknown_name
from whosame.questions import Kind, Source, Verdict

LONGEST = 7 * 86400.0  # s for one answer: more is not a duration but a mistake
SOURCES = ("human", "oracle")


@dataclass(frozen=True)
class Record:
    """One answer. Only the images and the verdict must be there; what a file leaves out is as given here.

    Attributes
    ----------
    path_a, path_b : str
        Under the folder of the run's images, posix.
    verdict, annotator, seconds : str, str, float
        What was said, by whom (empty: the file does not say), and how long it took.
    answered_at : str
        UTC, ISO 8601 to the millisecond; empty: not known.
    attempt : int or None
        None: to whichever question about the pair is open, or the first.
    kind, round, source, settles
        As in :class:`~whosame.annotation.store.store.AnswerEvent`.
    run : str
        Name of the run; for the reader alone, imports do not look at it.
    digest_a, digest_b : str
        Of the images' bytes; empty: the paths say which images are meant.
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
    run: str = ""
    digest_a: str = ""
    digest_b: str = ""
    where: str = field(default="", compare=False)


NAMES = tuple(given.name for given in fields(Record) if given.name != "where")


@dataclass
class Reading:
    """What a file holds: its answers, how often somebody skipped a question, and all that is wrong with it."""

    records: list[Record] = field(default_factory=list)
    skipped: int = 0
    problems: list[str] = field(default_factory=list)

    def take(self, where: str, values: Mapping[str, object]) -> None:
        """Add an answer, or everything that is wrong with it."""
        found: dict[str, Any] = {}
        wrong = unknown_names(values)
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
            self.records.append(Record(**{"path_a": "", "path_b": "", **found, "where": where}))


def unknown_names(names: Mapping[str, object] | Sequence[str]) -> list[str]:
    """Return what to say about names that are no columns, offering those near to them."""
    return [str(unknown_name("column", name, NAMES)) for name in names if name not in NAMES]


def _text(value: object) -> str:
    # isprintable is False for NUL, line breaks and lone surrogates.
    if not isinstance(value, str) or len(value) > 1000 or not value.isprintable():
        raise ValueError(f"is {_shown(value)}, but takes at most 1000 printable characters")
    return value


def _name(value: object) -> str:
    name = _text(value).strip()
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
        said = value.strip().lower() if isinstance(value, str) else value
        if said not in known:
            raise ValueError(f"is {_shown(value)}, but takes {', '.join(known[:-1])} or {known[-1]}")
        return str(said)

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
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"is {_shown(value)}, but takes seconds from 0 to {LONGEST:.0f}, a week")
    return seconds


def _whole(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        number = _number(value)
        if not math.isfinite(number) or number != int(number) or not least <= number <= most:
            raise ValueError(f"is {_shown(value)}, but takes a whole number from {least} to {most}")
        return int(number)

    return read


def _truth(value: object) -> bool:
    said = value.strip().lower() if isinstance(value, str) else value
    if said in (True, "true", "1"):
        return True
    if said in (False, "false", "0"):
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
    "run": _text,
    "digest_a": _digest,
    "digest_b": _digest,
}
