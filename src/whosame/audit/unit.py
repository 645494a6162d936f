"""Units of the sample: what is asked about one draw, and what the answers say about each total.

A unit is a generator. It yields a pair of rows and is sent whether they show one individual; None, where nobody can
tell, counts as "different".
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from whosame.audit.population import Population

Pair = tuple[int, int]
Kind = Literal["inside", "across", "head", "member"]
# Comparisons (c, e): the k-th is made with the probability (c / k) ** e, at most 1.
MATES = (3.0, 1.0)  # of an image with its group
HEADS = (1.0, 2.0)  # of a head with those before it
MEMBERS = (2.5, 1.5)  # of another image with those before it


@dataclass(frozen=True)
class UnitResult:
    """Contributions of a unit, each an unbiased estimate of a whole total.

    Attributes
    ----------
    pairs : float
        ``inside``: of the number of pairs of one name that are two individuals; ``across``: of the number of pairs of
        one individual in two groups.
    shares : float
        ``inside``: of the sum over images of the share of their name that is another individual.
    roots : float
        ``head``: of the number of heads that are roots, less the expected number; ``member``: of the number of
        individuals that no head shows.
    scale : float
        What ``pairs`` would be, had the pair been one that counts.
    """

    pairs: float = 0.0
    shares: float = 0.0
    roots: float = 0.0
    scale: float = 0.0


Unit = Generator[Pair, bool | None, UnitResult]
Asking = Generator[Pair, bool | None, float]


def inside_unit(population: Population, generator: np.random.Generator, share: float) -> Unit:
    """Ask about two images of one name."""
    row = population.draw_inside(share)
    other = int(generator.choice(population.mates(row)))
    weight = 1.0 / population.inside_pair(row, other)
    if (yield _pair(row, other)):
        return UnitResult(scale=weight)
    return UnitResult(weight, 2 * weight / population.size(row), scale=weight)


def across_unit(population: Population, generator: np.random.Generator, share: float) -> Unit:
    """Ask about an image and one of another group."""
    row = population.draw_anchor(share)
    near = population.near(row)
    other = int(generator.choice(population.members(int(generator.choice(population.groups, p=near)))))
    weight = 1.0 / population.across_pair(row, other, near)
    if not (yield _pair(row, other)):
        return UnitResult(scale=weight)
    return UnitResult(weight, scale=weight)


def head_unit(population: Population, generator: np.random.Generator, share: float) -> Unit:
    """Ask whether a head is the first image of its individual."""
    row, expected, probability = population.draw_head(share)
    found = yield from _is_root(population, row, HEADS, generator)
    return UnitResult(roots=(found - expected) / probability)


def member_unit(population: Population, generator: np.random.Generator, share: float) -> Unit:
    """Ask whether an image is another individual than the head of its group, and one that no image before it shows."""
    row, probability = population.draw_member(share)
    head = int(population.heads[population.group[row]])
    if row == head or (yield _pair(row, head)):
        return UnitResult()
    piece = yield from _inverse_size(row, generator.permutation(population.mates(row)).tolist(), generator)
    root = yield from _is_root(population, row, MEMBERS, generator)
    return UnitResult(roots=piece * root / probability)


UNITS: dict[Kind, tuple[Callable[[Population, np.random.Generator, float], Unit], int]] = {
    "inside": (inside_unit, 2),  # and how many of a kind are drawn together
    "across": (across_unit, 3),
    "head": (head_unit, 2),
    "member": (member_unit, 1),
}


def _inverse_size(row: int, others: Sequence[int], generator: np.random.Generator) -> Asking:
    """Return an unbiased estimate of 1 / (1 + how many of the others are the same as the image).

    Where the first that is the same comes at position D of a random order of n - 1 others, D / n has this mean (the
    negative hypergeometric distribution); D is n where none is.
    """
    luck, total = generator.random(), 1.0
    for position, other in enumerate(others, 1):
        reach = _reach(position, MATES)
        if luck >= reach or (yield _pair(row, other)):
            break
        total += 1 / reach
    return total / (len(others) + 1)


def _is_root(population: Population, row: int, depth: tuple[float, float], generator: np.random.Generator) -> Asking:
    """Return an unbiased estimate of 1 if no image before this one is the same, else 0.

    The images before are compared in order until one is the same; the search ends at random before, and what is found
    at a position that is reached with probability g counts 1 / g times.
    """
    luck = generator.random()
    for position, other in enumerate(population.before(row).tolist(), 1):
        reach = _reach(position, depth)
        if luck >= reach:
            break
        if (yield _pair(row, other)):
            return 1 - 1 / reach
    return 1.0


def _reach(position: int, depth: tuple[float, float]) -> float:
    return float(min(1.0, (depth[0] / position) ** depth[1]))


def _pair(a: int, b: int) -> Pair:
    return min(a, b), max(a, b)
