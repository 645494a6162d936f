"""Bags: on the back, across the shoulder, in the hand."""

import math

from whosame.synthetic.body import Surface, View, limb
from whosame.synthetic.canvas import Fill
from whosame.synthetic.palette import CLOTH, RGB, shade
from whosame.synthetic.pose import Pose
from whosame.synthetic.wardrobe import Person


def draw_bag(person: Person, pose: Pose, trunk: Surface) -> list[tuple[float, list[Fill]]]:
    """Return the bag as layers of (depth, polygons)."""
    view, kind = trunk.view, person.bag.kind
    colour = CLOTH[person.bag.colour]
    if kind == "backpack":
        back = -0.12 * person.build.girth
        box = _box(view, (-0.15, 0.15), (0.98, 1.40), (back - 0.17, back), colour)
        pocket = _box(view, (-0.11, 0.11), (1.0, 1.17), (back - 0.2, back - 0.17), shade(colour, 0.8))
        nearer = view.depth(0, back)
        straps = [trunk.patch(a, a + 16, 1.12, 1.45) for a in (-50, 34)]
        worn: list[Fill] = [(strap, colour) for strap in straps if strap is not None]
        order = [*pocket, *box] if view.cos > 0 else [*box, *pocket]
        return [(nearer + (0.1 if nearer > 0 else -0.1), order), (0.01, worn)]
    if kind == "satchel":  # hangs at the left hip, its strap over the right shoulder
        x = 0.18 * person.build.girth
        bands = [trunk.band((-50, 1.47), (75, 1.0), 0.05), trunk.band((105, 1.0), (230, 1.47), 0.05)]
        band: list[Fill] = [(strap, shade(colour, 0.85)) for strap in bands if strap is not None]
        return [(0.015, band), (view.depth(x, 0) * 1.2, _box(view, (x, x + 0.1), (0.74, 0.98), (-0.16, 0.16), colour))]
    if kind == "handbag":
        arm, fore, x = pose.arms[1], pose.forearms[1], -0.23 * person.build.girth
        y = 1.375 - 0.29 * math.cos(arm) - 0.25 * math.cos(fore)
        z = 0.29 * math.sin(arm) + 0.25 * math.sin(fore)
        hand, px = view.project(x, y, z), view.scale
        bag = _box(view, (x - 0.05, x + 0.05), (y - 0.42, y - 0.12), (z - 0.15, z + 0.15), colour)
        handle = limb(hand, view.project(x, y - 0.14, z), 0.02 * px, 0.05 * px)
        return [(view.depth(x, z) * 1.3, [(handle, shade(colour, 0.7)), *bag])]
    return []


def _box(view: View, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float], colour: RGB) -> list[Fill]:
    """Return the faces of a box that look towards the camera."""
    cos, sin = view.cos, view.sin
    fills: list[Fill] = []
    corners = {(i, j, k): view.project(x[i], y[j], z[k]) for i in (0, 1) for j in (0, 1) for k in (0, 1)}
    front, side = int(cos > 0), int(sin < 0)
    fills.append(([corners[i, 1, k] for i, k in ((0, 0), (0, 1), (1, 1), (1, 0))], shade(colour, 1.15)))
    fills.append(([corners[side, j, k] for j, k in ((0, 0), (0, 1), (1, 1), (1, 0))], shade(colour, 0.78)))
    fills.append(([corners[i, j, front] for i, j in ((0, 0), (0, 1), (1, 1), (1, 0))], colour))
    return fills
