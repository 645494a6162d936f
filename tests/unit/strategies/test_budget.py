"""How a budget is spread over rounds."""

import numpy as np
import pytest

from whosame.errors import ParameterError
from whosame.strategies.budget import SCHEDULES, allowance, largest_remainder, spread


def test_gaussian_figures_of_the_variance_reading():
    shares = spread(3000, 50)
    assert sum(shares) == 3000
    assert shares[:7] == [0] * 7
    assert shares[43:] == [0] * 7
    assert max(shares) == shares[24] == shares[25] == 238
    assert round(sum(shares[10:40]) / 3000, 3) == pytest.approx(0.997, abs=0.001)


def test_wide_gaussian_is_nearly_flat():
    shares = spread(3000, 50, "gaussian-wide")
    assert (min(shares), max(shares), sum(shares)) == (43, 70, 3000)


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        ("uniform", [3, 3, 3, 2]),
        ("early", [136, 101, 75, 56, 41, 30, 23, 17, 12, 9]),
        ("uniform-after-warmup", [0] * 15 + [2] * 35),
        ("uniform-after-short-warmup", [0] * 5 + [2] * 45),
        ("uniform-after-warmup", [0, 0, 0, 3, 2, 2, 2, 2, 2, 2]),
        ("uniform-after-warmup", [5]),
        ("at-once", [7, 0, 0]),
    ],
)
def test_schedules_by_hand(schedule, shares):
    assert spread(sum(shares), len(shares), schedule) == shares


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("budget", [0, 1, 7, 3000])
@pytest.mark.parametrize("rounds", [1, 2, 3, 50, 1000])
def test_every_schedule_spends_the_budget_exactly(schedule, budget, rounds):
    shares = spread(budget, rounds, schedule)
    assert sum(shares) == budget
    assert len(shares) == rounds
    assert min(shares) >= 0


def test_gaussian_is_symmetric_but_for_the_odd_question():
    shares = spread(1000, 9)
    assert all(abs(one - other) <= 1 for one, other in zip(shares, reversed(shares), strict=True))


def test_largest_remainder_gives_what_is_left_to_the_largest_fractions():
    assert largest_remainder(10, np.array([0.26, 0.35, 0.39])) == [3, 3, 4]  # 2.6, 3.5, 3.9


@pytest.mark.parametrize(
    ("number", "spent", "expected"), [(0, 0, 5), (1, 2, 8), (2, 15, 0), (1, 12, 0)]
)  # the last: an earlier round may have been given more
def test_unspent_questions_are_carried(number, spent, expected):
    assert allowance([5, 5, 5], number, spent=spent) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((10, 5, "gausian"), "did you mean 'gaussian"), ((-1, 5), "budget is -1"), ((5, 0), "rounds is 0")],
)
def test_impossible_budgets_and_unknown_schedules_are_refused(arguments, message):
    with pytest.raises(ParameterError, match=message):
        spread(*arguments)
