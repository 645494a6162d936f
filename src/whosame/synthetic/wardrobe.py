"""Looks of an identity, the same in all its images: build, skin, hair, clothes, shoes, bag, hat."""

from dataclasses import dataclass, replace

import numpy as np

from whosame.synthetic.palette import HAIR, SKIN

NONE = "none"


@dataclass(frozen=True)
class Build:
    """Stature in metres, and girth as a factor on every width."""

    stature: float
    girth: float


@dataclass(frozen=True)
class Hair:
    """Style (short, long, tail, bald) and colour."""

    style: str
    colour: str


@dataclass(frozen=True)
class Top:
    """Upper garment: kind (shirt, tee, jacket, coat), colour, second colour, and where that one shows."""

    kind: str
    colour: str
    second: str
    pattern: str


@dataclass(frozen=True)
class Bottom:
    """Lower garment: kind (trousers, shorts, skirt) and colour."""

    kind: str
    colour: str


@dataclass(frozen=True)
class Item:
    """A bag (backpack, satchel, handbag) or a hat (cap, beanie) with its colour; kind ``none``: no bag or hat."""

    kind: str
    colour: str


@dataclass(frozen=True)
class Person:
    """The looks of one identity."""

    build: Build
    skin: str
    hair: Hair
    top: Top
    bottom: Bottom
    shoes: str
    bag: Item
    hat: Item


# Weights of the colours: most clothes in streets are dark or muted.
TOPS = {
    "black": 5,
    "charcoal": 3,
    "grey": 3,
    "white": 4,
    "navy": 4,
    "denim": 2,
    "sky": 2,
    "teal": 2,
    "olive": 2,
    "green": 2,
}
TOPS |= {"mustard": 1, "orange": 1, "red": 3, "wine": 2, "pink": 2, "purple": 1, "brown": 2, "beige": 2}
BOTTOMS = {
    "black": 4,
    "charcoal": 2,
    "grey": 2,
    "navy": 3,
    "denim": 4,
    "sky": 1,
    "olive": 1,
    "brown": 1,
    "beige": 2,
    "white": 1,
    "wine": 1,
}
SHOES = {"black": 4, "white": 4, "brown": 2, "red": 1, "sky": 1, "mustard": 1}
BAGS = {"black": 3, "red": 2, "beige": 1, "sky": 1, "mustard": 1, "white": 1, "green": 1}
HATS = {"black": 2, "red": 2, "white": 2, "sky": 1, "mustard": 1}
PATTERNS = {"plain": 6, "stripes": 2, "checks": 1, "print": 2, "yoke": 2, "hoops": 1, "sleeves": 1}
KINDS = {"tee": 3, "shirt": 3, "jacket": 3, "coat": 1}
BOTTOM_KINDS = {"trousers": 6, "shorts": 2, "skirt": 2}
BAG_KINDS = {NONE: 4, "backpack": 2, "satchel": 2, "handbag": 2}
HAT_KINDS = {NONE: 7, "cap": 2, "beanie": 1}
HAIR_STYLES = {"short": 5, "long": 3, "tail": 2, "bald": 1}


def draw_person(rng: np.random.Generator) -> Person:
    """Draw one person, each attribute on its own."""
    kind = _pick(KINDS, rng)
    colour = _pick(TOPS, rng)
    second = _pick(TOPS, rng, but=colour)
    pattern = _pick(PATTERNS, rng) if kind in ("tee", "shirt") else "plain"
    return Person(
        build=Build(float(rng.choice([1.58, 1.68, 1.78, 1.88])), float(rng.choice([0.88, 1.0, 1.16]))),
        skin=str(rng.choice(list(SKIN))),
        hair=Hair(_pick(HAIR_STYLES, rng), str(rng.choice(list(HAIR)))),
        top=Top(kind, colour, second, pattern),
        bottom=Bottom(_pick(BOTTOM_KINDS, rng), _pick(BOTTOMS, rng)),
        shoes=_pick(SHOES, rng),
        bag=Item(_pick(BAG_KINDS, rng), _pick(BAGS, rng)),
        hat=Item(_pick(HAT_KINDS, rng), _pick(HATS, rng)),
    )


def visible_looks(person: Person) -> Person:
    """Return the person without invisible attributes, so that people who look alike are equal."""
    top, bag, hat = person.top, person.bag, person.hat
    if top.pattern == "plain" and top.kind in ("tee", "shirt"):
        top = replace(top, second=NONE)
    return replace(
        person,
        top=top,
        bag=bag if bag.kind != NONE else Item(NONE, NONE),
        hat=hat if hat.kind != NONE else Item(NONE, NONE),
    )


def _pick(weights: dict[str, int], rng: np.random.Generator, but: str | None = None) -> str:
    names = [name for name in weights if name != but]
    share = np.array([weights[name] for name in names], dtype=float)
    return names[int(rng.choice(len(names), p=share / share.sum()))]
