"""Heads: face, hair and hat, from any side."""

from whosame.synthetic.body import Surface, View, ellipse, limb
from whosame.synthetic.canvas import Fill
from whosame.synthetic.palette import CLOTH, HAIR, SKIN, shade
from whosame.synthetic.pose import Pose
from whosame.synthetic.wardrobe import Person

HEAD = (
    (1.755, 0.035, 0.045),
    (1.735, 0.068, 0.08),
    (1.69, 0.086, 0.104),
    (1.63, 0.087, 0.106),
    (1.575, 0.074, 0.094),
    (1.53, 0.045, 0.07),
)


def draw_head(person: Person, pose: Pose, view: View) -> list[Fill]:
    """Return the polygons of the head, from the far ones to the near ones."""
    px, forward = view.scale, pose.lean * 0.8 + 0.015
    ahead, side = forward * view.cos, forward * view.sin
    head_view = View(view.yaw, view.pitch, px, view.x + side * px, view.y + ahead * view.fall * px)
    head = Surface(head_view, HEAD)
    skin = SKIN[person.skin]
    neck = limb(view.place(side * 0.6, 1.56, 0), view.place(side * 0.4, 1.42, 0), 0.055 * px, 0.07 * px)
    fills: list[Fill] = [(neck, shade(skin, 0.8))]
    _add(fills, head.seen(-90, 90, 1.53, 1.755), shade(skin, 0.97))
    _add(fills, head.seen(20, 90, 1.54, 1.73), shade(skin, 0.85))
    _add(fills, head.patch(-35, 35, 1.605, 1.635), shade(skin, 0.72))  # the eyes' shadow
    _add(fills, head.patch(-16, 16, 1.555, 1.57), shade(skin, 0.72))
    fills += _hair(person, head)
    fills += _hat(person, head)
    return fills


def _hair(person: Person, head: Surface) -> list[Fill]:
    style, view = person.hair.style, head.view
    colour, px = HAIR[person.hair.colour], view.scale
    fills: list[Fill] = []
    if style == "bald":
        _add(fills, head.patch(75, 285, 1.57, 1.63), shade(colour, 1.1))  # the rest of the hair
        return fills
    wide = Surface(view, tuple((y + (0.012 if y > 1.7 else 0), a * 1.08, b * 1.08) for y, a, b in HEAD))
    low = 1.555 if style == "short" else 1.54
    _add(fills, wide.seen(-90, 90, 1.70, 1.767), shade(colour, 1.1))
    _add(fills, wide.patch(62, 298, low, 1.71), colour)
    _add(fills, wide.seen(-70, -15, 1.72, 1.755), shade(colour, 1.35))
    if style == "long":
        fall = Surface(view, ((1.66, 0.095, 0.115), (1.5, 0.1, 0.12), (1.36, 0.115, 0.125)))
        _add(fills, fall.patch(85, 275, 1.36, 1.66), shade(colour, 0.95))
        _add(fills, fall.patch(150, 175, 1.38, 1.64), shade(colour, 1.25))
    if style == "tail":
        knot, end = view.project(0, 1.68, -0.13), view.project(0, 1.45, -0.15)
        tail = (limb(knot, end, 0.032 * px, 0.022 * px), shade(colour, 0.9))
        fills = [*fills, tail] if view.cos < 0.3 else [tail, *fills]
    return fills


def _hat(person: Person, head: Surface) -> list[Fill]:
    view, kind = head.view, person.hat.kind
    colour, px = CLOTH[person.hat.colour], view.scale
    fills: list[Fill] = []
    if kind == "none":
        return fills
    dome = Surface(view, tuple((y + 0.022, a * 1.16, b * 1.14) for y, a, b in HEAD))
    if kind == "beanie":
        _add(fills, dome.seen(-90, 90, 1.66, 1.777), colour)
        _add(fills, dome.seen(-90, 90, 1.655, 1.685), shade(colour, 0.75))
        fills.append((ellipse(view.place(0, 1.79, 0), 0.03 * px, 0.028 * px), shade(colour, 1.15)))
        return fills
    brim = [view.project(x, 1.685, z) for x, z in ((-0.085, 0.06), (-0.06, 0.2), (0.06, 0.2), (0.085, 0.06))]
    front = view.cos > -0.2
    if not front:
        fills.append((brim, shade(colour, 0.7)))
    _add(fills, dome.seen(-90, 90, 1.675, 1.777), colour)
    _add(fills, dome.seen(25, 90, 1.68, 1.76), shade(colour, 0.82))
    if front:
        fills.append((brim, shade(colour, 0.7)))
    return fills


def _add(fills: list[Fill], polygon: list[tuple[float, float]] | None, colour: tuple[int, int, int]) -> None:
    if polygon is not None:
        fills.append((polygon, colour))
