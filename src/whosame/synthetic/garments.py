"""Clothes on the trunk: tops, skirts, trousers' waist."""

from whosame.synthetic.body import Polygon, Surface
from whosame.synthetic.canvas import Fill
from whosame.synthetic.palette import CLOTH, SKIN, shade
from whosame.synthetic.wardrobe import Person

SHADOW = (0, 0, 0, 52)
LIGHT = (255, 255, 255, 26)
WAIST = 0.99  # metres: where a shirt ends
CROTCH = 0.84


def draw_clothes(person: Person, trunk: Surface) -> list[Fill]:
    """Return the polygons of the clothed trunk."""
    top, legs = CLOTH[person.top.colour], CLOTH[person.bottom.colour]
    cover: list[tuple[Polygon | None, tuple[int, ...]]] = [
        (trunk.seen(-90, 90, CROTCH, WAIST + 0.03), shade(legs, 0.95))
    ]
    if person.bottom.kind == "skirt":
        cover += _skirt(person, trunk)
    hem = {"coat": CROTCH, "jacket": 0.93, "shirt": 0.95, "tee": 0.94}[person.top.kind]
    cover.append((trunk.seen(-90, 90, hem, 1.47), top))
    cover += _pattern(person, trunk, hem)
    if person.top.kind in ("jacket", "coat"):
        cover += _front(person, trunk, hem)
    if person.top.kind == "coat":
        cover += _skirt(person, trunk)
    cover.append((trunk.patch(-28, 28, 1.415, 1.475), SKIN[person.skin]))
    cover.append((trunk.seen(35, 90, hem, 1.46), SHADOW))
    cover.append((trunk.seen(-60, -15, hem, 1.44), LIGHT))
    return [(polygon, colour) for polygon, colour in cover if polygon is not None]


def _pattern(person: Person, trunk: Surface, hem: float) -> list[tuple[Polygon | None, tuple[int, ...]]]:
    second, kind = CLOTH[person.top.second], person.top.pattern
    if kind == "hoops":
        return [(trunk.seen(-90, 90, y, y + 0.05), second) for y in (1.34, 1.23, 1.12, 1.01) if y > hem]
    if kind == "stripes":
        return [(trunk.patch(a, a + 13, hem, 1.42), second) for a in range(0, 360, 36)]
    if kind == "checks":
        across = [(trunk.seen(-90, 90, y, y + 0.03), (*second, 150)) for y in (1.36, 1.26, 1.16, 1.06, 0.98)]
        return [*across, *((trunk.patch(a, a + 9, hem, 1.42), (*second, 150)) for a in range(0, 360, 40))]
    if kind == "yoke":
        return [(trunk.seen(-90, 90, 1.25, 1.47), second)]
    if kind == "print":  # on the chest only: from behind this is a plain shirt
        return [(trunk.patch(-42, 42, 1.13, 1.33), second)]
    return []


def _front(person: Person, trunk: Surface, hem: float) -> list[tuple[Polygon | None, tuple[int, ...]]]:
    """Return the shirt under an open jacket, visible from the front only."""
    inner, outer = CLOTH[person.top.second], CLOTH[person.top.colour]
    return [
        (trunk.patch(-30, 30, hem, 1.46), inner),
        (trunk.patch(-44, -30, hem, 1.45), shade(outer, 0.8)),
        (trunk.patch(30, 44, hem, 1.45), shade(outer, 0.8)),
        (trunk.patch(150, 210, 1.40, 1.47), shade(outer, 0.85)),
    ]


def _skirt(person: Person, trunk: Surface) -> list[tuple[Polygon | None, tuple[int, ...]]]:
    coat = person.top.kind == "coat" and person.bottom.kind != "skirt"
    colour = CLOTH[person.top.colour] if person.top.kind == "coat" else CLOTH[person.bottom.colour]
    low = 0.62 if coat else 0.55
    girth = person.build.girth
    bell = Surface(trunk.view, ((1.0, 0.165 * girth, 0.11 * girth), (low, 0.23 * girth, 0.17 * girth)))
    fills: list[tuple[Polygon | None, tuple[int, ...]]] = [(bell.seen(-90, 90, low, 1.0), colour)]
    fills += [(bell.seen(a, a + 10, low, 0.93), (*shade(colour, 0.75), 150)) for a in (-45, 5, 50)]
    fills.append((bell.seen(35, 90, low, 1.0), SHADOW))
    return fills
