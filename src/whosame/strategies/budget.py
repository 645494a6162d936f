"""Budget schedules: how many questions each round may ask."""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from whosame.errors import ParameterError, unknown_name

Weights = NDArray[np.float64]


def _bell(rounds: int, deviation: float) -> Weights:
    # Round r is the interval [r, r + 1): its middle is compared with the mean rounds / 2, which makes it symmetric.
    away = (np.arange(rounds) + 0.5 - rounds / 2) / deviation
    weights: Weights = np.exp(-0.5 * away**2)
    return weights


def _late(rounds: int, share: float) -> Weights:
    """Return 0 for the first ``share`` of the rounds and 1 for the others."""
    return (np.arange(rounds) >= round(share * rounds)).astype(np.float64)


def _at_once(rounds: int) -> Weights:
    weights: Weights = (np.arange(rounds) == 0).astype(np.float64)
    return weights


Schedule = Literal[
    "gaussian", "gaussian-wide", "uniform", "uniform-after-warmup", "uniform-after-short-warmup", "early", "at-once"
]
SCHEDULES: dict[str, Callable[[int], Weights]] = {
    "gaussian": lambda rounds: _bell(rounds, math.sqrt(rounds / 2)),  # "variance set to epochs/2", read literally
    "gaussian-wide": lambda rounds: _bell(rounds, rounds / 2),  # the same figure read as standard deviation
    "uniform": np.ones,
    "uniform-after-warmup": lambda rounds: _late(rounds, 0.3),  # UCAL: from round 15 of 50 on
    "uniform-after-short-warmup": lambda rounds: _late(rounds, 0.1),  # MASS-like: from round 5 of 50 on
    "early": lambda rounds: np.exp(-3 * np.arange(rounds) / rounds),
    "at-once": _at_once,  # SPAL: what a round does not ask is carried on, until all is spent
}


def spread(budget: int, rounds: int, schedule: str = "gaussian") -> list[int]:
    """Spread a budget over the rounds.

    Parameters
    ----------
    budget : int
        Questions in all, at least 0.
    rounds : int
        At least 1.
    schedule : str
        ``gaussian``: mean and variance rounds / 2 (DCPS, Sec. 3.7). ``gaussian-wide``: standard deviation
        rounds / 2. ``uniform``. ``uniform-after-warmup``, ``uniform-after-short-warmup``: the same, but nothing in
        the first 30 or 10 % of the rounds. ``early``: proportional to exp(-3 r / rounds). ``at-once``: the first round
        may ask everything, later rounds what is left.

    Returns
    -------
    list of int
        Questions of each round; their sum is ``budget``.

    Raises
    ------
    ParameterError
        A negative budget, no rounds, an unknown schedule.

    Examples
    --------
    >>> spread(10, 4, "uniform")
    [3, 3, 2, 2]
    """
    if schedule not in SCHEDULES:
        raise unknown_name("schedule", schedule, SCHEDULES)
    if budget < 0:
        raise ParameterError(f"the budget is {budget}: it takes a number of questions, 0 or more")
    if rounds < 1:
        raise ParameterError(f"the number of rounds is {rounds}: it takes 1 or more")
    weights = SCHEDULES[schedule](rounds)
    return largest_remainder(budget, weights)


def largest_remainder(total: int, weights: Weights) -> list[int]:
    """Divide ``total`` in proportion to ``weights`` into whole numbers whose sum is ``total``.

    After rounding down, the rest is added to the largest fractions, one each; earlier ones first where they tie.
    """
    exact = total * weights / weights.sum()
    whole = np.floor(exact).astype(np.int64)
    # Rounded, so that symmetric rounds tie in spite of the last bit.
    order = np.argsort(-np.round(exact - whole, 9), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return [int(share) for share in whole]


def allowance(schedule: Sequence[int], turn: int, spent: int) -> int:
    """Return how many questions a round may ask, with the unspent ones of earlier rounds.

    Parameters
    ----------
    schedule : sequence of int
        As :func:`spread` made it.
    turn : int
        This round, from 0.
    spent : int
        Paid questions of all rounds before.
    """
    return max(0, sum(schedule[: turn + 1]) - spent)


def respread(played: Sequence[int], wanted: Sequence[int]) -> list[int]:
    """Return a schedule whose first rounds are as played, and whose others share what is left of the budget.

    Parameters
    ----------
    played : sequence of int
        Questions of the first rounds.
    wanted : sequence of int
        A schedule of all rounds; its sum is the budget.

    Returns
    -------
    list of int
        As long as ``wanted``. The rest is divided in proportion to the last rounds of ``wanted``, evenly where these
        are 0.

    Examples
    --------
    >>> respread([60, 40], [50, 50, 50, 50])
    [60, 40, 50, 50]
    >>> respread([5, 5], [2, 2, 4, 2, 2, 4])
    [5, 5, 2, 1, 1, 2]
    """
    if not played:
        return list(wanted)
    weights = np.array(wanted[len(played) :], np.float64)
    rest = max(0, sum(wanted) - sum(played))
    return [*played, *largest_remainder(rest, weights if weights.any() else np.ones_like(weights))]
