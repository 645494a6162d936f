"""Checks of what is typed for a comparison: names, modes, repetitions, whole numbers, names of runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from whosame.comparison.native import native_names
from whosame.errors import unknown_name
from whosame.runs import is_name
from whosame.strategies import registry

PLAYED_MODES = ("selection", "native")
SET_BY_COMPARISON = ("strategy", "budget", "seed", "run", "round")


def check_names(name: str, typed: Mapping[str, Any], strategies: Sequence[str], mode: str) -> list[str]:
    """Return what is wrong with the comparison's name, its mode, its strategies and its parameters."""
    problems = []
    if not is_name(name):
        problems.append(f"--name: a comparison cannot be called {name!r}: use letters, digits, '.', '_' and '-' only")
    if mode not in PLAYED_MODES:
        problems.append(str(unknown_name("mode", mode, PLAYED_MODES)))
    if not strategies:
        problems.append("--strategies: name at least one, as in --strategies=random,dcps")
    known = native_names() if mode == "native" else registry.names()
    problems += [str(unknown_name("strategy", strategy, known)) for strategy in strategies if strategy not in known]
    problems += _repeated("strategies", strategies)
    problems += [
        f"--params: '{given}' is set by the comparison itself: use --strategies, --budgets, --seeds, --name"
        for given in SET_BY_COMPARISON
        if given in typed
    ]
    return problems


def whole_numbers(given: Sequence[str | int], option: str, least: int, problems: list[str]) -> list[int]:
    """Return the numbers that can be used, and add to the problems what cannot."""
    numbers = []
    for item in given:
        try:
            number = int(item)
        except ValueError:
            problems.append(f"--{option}: {item!r} is no whole number")
            continue
        if number < least:
            problems.append(f"--{option}: {number}, but each is {least} or more")
        else:
            numbers.append(number)
    if not given:
        problems.append(f"--{option}: name at least one")
    problems += _repeated(option, numbers)
    return numbers


def _repeated(option: str, items: Sequence[object]) -> list[str]:
    twice = sorted({str(item) for item in items if items.count(item) > 1})
    return [f"--{option}: {', '.join(twice)} more than once"] if twice else []


def check_run_names(names: Sequence[str]) -> list[str]:
    """Return the names that two runs would share, and those that a run cannot have."""
    twice = sorted({name for name in names if names.count(name) > 1})
    problems = [f"two different runs would both be called {name!r}: leave one of the strategies out" for name in twice]
    problems += [f"a run cannot be called {name!r}: choose a shorter --name" for name in names if not is_name(name)]
    return problems
