"""People of the data set: distinct ones, and groups of look-alikes that differ in exactly one attribute."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from whosame.synthetic.palette import HAIR
from whosame.synthetic.wardrobe import (
    BAG_KINDS,
    BOTTOM_KINDS,
    BOTTOMS,
    HAIR_STYLES,
    HATS,
    NONE,
    PATTERNS,
    SHOES,
    TOPS,
    Bottom,
    Hair,
    Item,
    Person,
    draw_person,
    visible_looks,
)


def draw_people(
    count: int, look_alikes: float, group_size: int, rng: np.random.Generator
) -> tuple[list[Person], list[int]]:
    """Draw distinct people, a share of them in groups whose members differ in exactly one attribute.

    Parameters
    ----------
    count : int
        Number of people.
    look_alikes : float
        Share of people in a group of look-alikes, 0..1.
    group_size : int
        Largest group, at least 2; groups have this size or one less.
    rng : numpy.random.Generator

    Returns
    -------
    people : list of Person, of length ``count``
        All different, in random order.
    groups : list of int, of length ``count``
        The group's number; a person without look-alikes is alone in a group.
    """
    people: list[Person] = []
    groups: list[int] = []
    seen: set[Person] = set()
    in_groups = round(count * look_alikes)
    while len(people) < count:
        size = 1
        if in_groups - len(people) >= 2:
            size = min(int(rng.integers(max(2, group_size - 1), group_size + 1)), in_groups - len(people))
        members = _group(size, rng)
        looks = [visible_looks(member) for member in members]
        if seen.isdisjoint(looks):
            seen.update(looks)
            groups += [groups[-1] + 1 if groups else 0] * len(members)
            people += members
    order = rng.permutation(count)
    return [people[i] for i in order], [groups[i] for i in order]


def _group(size: int, rng: np.random.Generator) -> list[Person]:
    first = draw_person(rng)
    if size == 1:
        return [first]
    others = [
        other
        for other in CHANGES[int(rng.integers(len(CHANGES)))](first)
        if visible_looks(other) != visible_looks(first)
    ]
    return [first, *(others[i] for i in rng.permutation(len(others))[: size - 1])]


def _other_shoes(person: Person) -> list[Person]:
    return [replace(person, shoes=colour) for colour in SHOES]


def _other_bag(person: Person) -> list[Person]:
    return [replace(person, bag=Item(kind, person.bag.colour)) for kind in BAG_KINDS]


def _other_hat(person: Person) -> list[Person]:
    caps = [replace(person, hat=Item("cap", colour)) for colour in HATS]
    return [*caps, replace(person, hat=Item(NONE, person.hat.colour))]


def _other_trousers(person: Person) -> list[Person]:
    return [replace(person, bottom=Bottom(person.bottom.kind, colour)) for colour in BOTTOMS]


def _other_legs(person: Person) -> list[Person]:
    return [replace(person, bottom=Bottom(kind, person.bottom.colour)) for kind in BOTTOM_KINDS]


def _other_pattern(person: Person) -> list[Person]:
    return [replace(person, top=replace(person.top, pattern=pattern)) for pattern in PATTERNS]


def _other_top(person: Person) -> list[Person]:
    return [replace(person, top=replace(person.top, colour=c)) for c in TOPS if c != person.top.second]


def _other_hair(person: Person) -> list[Person]:
    return [replace(person, hair=Hair(style, colour)) for style in HAIR_STYLES for colour in HAIR if style != "bald"]


CHANGES: tuple[Callable[[Person], list[Person]], ...] = (
    _other_shoes,
    _other_bag,
    _other_hat,
    _other_trousers,
    _other_legs,
    _other_pattern,
    _other_top,
    _other_hair,
)
