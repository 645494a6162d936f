"""Checks by name: how they run, and how a failure reads."""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def require(kept: object, problem: str) -> None:
    """Raise :class:`AssertionError` with the problem, unless ``kept`` is true; unlike ``assert`` also under -O."""
    if not kept:
        raise AssertionError(problem)


@contextmanager
def situation(name: str) -> Iterator[None]:
    """Say in every failure inside in which situation it happened; other exceptions become failures."""
    try:
        yield
    except AssertionError as failure:
        raise AssertionError(f"{name}: {failure}") from failure.__cause__
    except Exception as error:
        advice = ""
        if isinstance(error, ValueError) and "read-only" in str(error):
            advice = ". It writes to an array that it was given: work on a copy"
        raise AssertionError(f"{name}: it raised {type(error).__name__}: {error}{advice}") from error


def run_checks(checks: Mapping[str, Callable[[T], None]], subject: T, name: str) -> None:
    """Run all checks on a subject, in order, up to the first that fails."""
    for check_name, check in checks.items():
        with situation(f"{name} fails the check {check_name!r}"):
            check(subject)


def imported_names(module: str) -> set[str]:
    """Return the full names of what a module's source imports; none where it has no file."""
    try:
        source = inspect.getsource(sys.modules[module])
    except OSError:
        return set()
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names
