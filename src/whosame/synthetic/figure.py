"""Figures: a person's limbs and clothes, drawn from the far ones to the near ones."""

import math

from whosame.synthetic.bags import draw_bag
from whosame.synthetic.body import TRUNK, Point, Surface, View, ellipse, limb
from whosame.synthetic.canvas import Canvas, Fill
from whosame.synthetic.garments import draw_clothes
from whosame.synthetic.head import draw_head
from whosame.synthetic.palette import CLOTH, RGB, SKIN, shade
from whosame.synthetic.pose import Pose
from whosame.synthetic.wardrobe import Person

STATURE = 1.75  # metres, of the body that the numbers below describe
Layer = tuple[float, list[Fill]]


def draw_person(canvas: Canvas, person: Person, pose: Pose, view: View) -> None:
    """Draw a person at ``view``'s point on the ground.

    Parameters
    ----------
    canvas : Canvas
    person : Person
    pose : Pose
    view : View
        Its scale is in pixels per metre; the person's stature changes it.
    """
    scale = view.scale * person.build.stature / STATURE
    view = View(view.yaw, view.pitch, scale, view.x, view.y)
    girth = person.build.girth
    trunk = Surface(view, tuple((y, a * girth, b * girth) for y, a, b in TRUNK), pose.lean)
    layers: list[Layer] = []
    for side in (0, 1):
        layers.append(_leg(person, pose, view, side))
        layers.append(_arm(person, pose, view, side))
    layers.append((0.0, draw_clothes(person, trunk)))
    layers.append((0.02, draw_head(person, pose, view)))
    layers += draw_bag(person, pose, trunk)
    layers.sort(key=lambda layer: layer[0])
    for _, fills in layers:
        for polygon, colour in fills:
            canvas.paint(polygon, colour)


def _leg(person: Person, pose: Pose, view: View, side: int) -> Layer:
    sign = 1 - 2 * side
    girth, px = person.build.girth, view.scale
    x = 0.085 * sign * girth
    thigh, shin = pose.thighs[side], pose.shins[side]
    # the hips sink as the legs part, so that the lower foot stays on the ground
    hip_y = 0.08 + 0.42 * max(map(math.cos, pose.thighs)) + 0.41 * max(map(math.cos, pose.shins))
    hip = (x, hip_y, 0.0)
    knee = (x, hip_y - 0.42 * math.cos(thigh), 0.42 * math.sin(thigh))
    ankle = (x * 0.85, knee[1] - 0.41 * math.cos(shin), knee[2] + 0.41 * math.sin(shin))
    toe = (x * 1.1, ankle[1] - 0.055 - 0.1 * max(0.0, -shin - 0.3), ankle[2] + 0.17)
    heel = (x * 0.85, ankle[1] - 0.045, ankle[2] - 0.05)
    skin, cloth, shoe = SKIN[person.skin], CLOTH[person.bottom.colour], CLOTH[person.shoes]
    lower = cloth if person.bottom.kind == "trousers" else skin
    upper = skin if person.bottom.kind == "skirt" else cloth
    loose = 1.12 if person.bottom.kind == "trousers" else 0.9
    h, k, a, t, e = (view.project(*joint) for joint in (hip, knee, ankle, toe, heel))
    depth = view.depth(x, knee[2] * 0.5)
    dim = 1.0 if depth > 0 else 0.82  # the far leg is in the near one's shadow
    fills: list[Fill] = [(limb(e, t, 0.052 * px, 0.043 * px), shade(shoe, dim))]
    sole = [(x, y + 0.03 * px) for x, y in (e, t)]
    fills.append((limb(sole[0], sole[1], 0.018 * px, 0.016 * px), shade((150, 146, 140), dim)))
    fills += rounded(k, a, 0.068 * girth * loose * px, 0.048 * girth * loose * px, shade(lower, dim))
    fills += rounded(h, k, 0.095 * girth * px, 0.07 * girth * loose * px, shade(upper, dim))
    if person.bottom.kind == "shorts":
        fills += rounded(h, between(h, k, 0.95), 0.1 * girth * px, 0.085 * girth * px, shade(upper, dim))
    return min(depth, 0.0) - 0.05, fills  # shirts and skirts hang over the legs


def _arm(person: Person, pose: Pose, view: View, side: int) -> Layer:
    sign = 1 - 2 * side
    girth, px = person.build.girth, view.scale
    upper, fore = pose.arms[side], pose.forearms[side]
    ahead = pose.lean * 0.5
    shoulder = (0.172 * sign * girth, 1.375, ahead)
    elbow = (0.215 * sign * girth, 1.375 - 0.29 * math.cos(upper), ahead + 0.29 * math.sin(upper))
    hand = (0.21 * sign * girth, elbow[1] - 0.25 * math.cos(fore), elbow[2] + 0.25 * math.sin(fore))
    skin, cloth = SKIN[person.skin], CLOTH[person.top.colour]
    if person.top.pattern == "sleeves":
        cloth = CLOTH[person.top.second]
    depth = view.depth(0.2 * sign, elbow[2])
    dim = 1.0 if depth > 0 else 0.82
    s, e, h = (view.project(*joint) for joint in (shoulder, elbow, hand))
    sleeve = shade(cloth, dim * 0.94)
    thick = 1.15 if person.top.kind in ("jacket", "coat") else 1.0
    bare = person.top.kind == "tee"
    fills: list[Fill] = [(ellipse(h, 0.042 * px, 0.05 * px), shade(skin, dim))]
    fills += rounded(e, h, 0.047 * thick * px, 0.036 * thick * px, shade(skin, dim) if bare else sleeve)
    if bare:
        fills += rounded(s, e, 0.052 * px, 0.045 * px, shade(skin, dim))
    end = between(s, e, 0.7) if bare else e
    fills += rounded(s, end, 0.058 * thick * px, 0.05 * thick * px, sleeve)
    return depth, fills


def rounded(start: Point, end: Point, wide: float, narrow: float, colour: RGB) -> list[Fill]:
    """Return a limb with a lighter side, so that it looks round."""
    light = 0.35
    a, b = (start[0] - light * wide, start[1]), (end[0] - light * narrow, end[1])
    return [
        (limb(start, end, wide, narrow), shade(colour, 0.84)),
        (limb(a, b, wide * 0.6, narrow * 0.6), shade(colour, 1.05)),
    ]


def between(start: Point, end: Point, t: float) -> Point:
    """Return the point at the share ``t`` of the way from start to end."""
    return start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])
