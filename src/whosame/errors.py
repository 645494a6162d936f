"""Errors that a user can cause. Each message has what was found, where, and what to do."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

LISTED = 20


class WhosameError(Exception):
    """Base class of every error that a user, not a bug, can cause."""


class InputError(WhosameError):
    """Images, folders or files that cannot be used as they are."""


class ParameterError(WhosameError):
    """A parameter that is unknown, of the wrong type, or out of range."""


class DeviceMemoryError(ParameterError):
    """A batch for which the device has not enough memory."""


class ResumeError(WhosameError):
    """Earlier results that do not fit the present parameters or files."""


class StorageError(WhosameError):
    """A disk or a database that cannot be written or read."""


class WorkerError(WhosameError):
    """A process that computes for a run was lost, or computes with something else than the others."""


class StoppedError(WhosameError):
    """The end of a command by a person's decision: nothing is wrong, and nothing is lost."""


def find_user_error(error: BaseException) -> WhosameError | None:
    """Return the error that a user can mend among an exception and what it came from; None for a bug."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, WhosameError):
        cause = cause.__cause__ or cause.__context__
    return cause


def format_problems(title: str, problems: Sequence[str], advice: str) -> str:
    """Return a message that names the first twenty problems, counts the rest, and gives advice.

    Examples
    --------
    >>> print(format_problems("2 images cannot be read", ["a.jpg: empty", "b.jpg: truncated"], "Remove them."))
    2 images cannot be read
      a.jpg: empty
      b.jpg: truncated
    Remove them.
    """
    lines = [title, *(f"  {problem}" for problem in problems[:LISTED])]
    if len(problems) > LISTED:
        lines.append(f"  … and {len(problems) - LISTED} more")
    return "\n".join([*lines, advice])


def unknown_name(kind: str, name: object, known: Iterable[str], prefix: str = "") -> ParameterError:
    """Return the error for a name that is not among the known ones, offering those near to it, all with the prefix."""
    names = sorted(known)
    near = get_close_matches(str(name), names, n=3, cutoff=0.5)
    offered = [prefix + each for each in near or names]
    hint = f"did you mean {' or '.join(map(repr, offered))}?" if near else f"known: {', '.join(offered)}"
    return ParameterError(f"unknown {kind} {prefix + str(name)!r}: {hint}")
