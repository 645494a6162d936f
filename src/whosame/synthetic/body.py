"""Geometry of a walking body: joints in metres, projected to polygons in pixels.

Axes: x to the person's left, y up from the ground, z forward. A yaw of 0 shows the front, 90 degrees the right side.
"""

import math
from collections.abc import Sequence

import numpy as np

Point = tuple[float, float]
Polygon = list[Point]

# (height, half width, half depth) of the trunk from neck to crotch, in metres, for a stature of 1.75 m
TRUNK: tuple[tuple[float, float, float], ...] = (
    (1.47, 0.075, 0.07),
    (1.43, 0.15, 0.09),
    (1.38, 0.19, 0.105),
    (1.25, 0.185, 0.12),
    (1.08, 0.16, 0.105),
    (0.95, 0.172, 0.115),
    (0.84, 0.175, 0.118),
)


class View:
    """Direction of view of a person, and position on the picture.

    Attributes
    ----------
    yaw, pitch : float
        Radians; the pitch is the camera's angle downwards.
    scale : float
        Pixels per metre.
    x, y : float
        Pixel of the point on the ground under the hips.
    """

    __slots__ = ("cos", "fall", "pitch", "rise", "scale", "sin", "x", "y", "yaw")

    def __init__(self, yaw: float, pitch: float, scale: float, x: float, y: float) -> None:
        self.yaw, self.pitch, self.scale, self.x, self.y = yaw, pitch, scale, x, y
        self.cos, self.sin = math.cos(yaw), math.sin(yaw)
        self.rise, self.fall = math.cos(pitch), math.sin(pitch)

    def depth(self, x: float, z: float) -> float:
        """Return the distance in metres of a point in front of the body's axis, seen from the camera."""
        return z * self.cos - x * self.sin

    def project(self, x: float, y: float, z: float) -> Point:
        """Return the pixel of a point; higher points are nearer to a camera that looks down, and larger."""
        return self.place(x * self.cos + z * self.sin, y, z * self.cos - x * self.sin)

    def place(self, right: float, y: float, depth: float) -> Point:
        """Return the pixel of a point given in the camera's own directions."""
        scale = self.scale * (1 + 0.1 * self.fall * (y - 0.9))
        return self.x + right * scale, self.y - scale * (y * self.rise - depth * self.fall)


class Surface:
    """A body of elliptic rings one above the other, on which clothes are drawn.

    Attributes
    ----------
    view : View
    rings : sequence of (height, half width, half depth)
        From the top down, in metres.
    lean : float
        Metres forward per metre of height above the hips.
    """

    def __init__(self, view: View, rings: Sequence[tuple[float, float, float]], lean: float = 0.0) -> None:
        self.view, self.lean = view, lean
        cos, sin = view.cos, view.sin
        # as the camera sees it: height, half width, half depth, and where an angle on the ring begins
        self._rings = [
            (y, math.hypot(a * cos, b * sin), math.hypot(a * sin, b * cos), math.degrees(math.atan2(b * sin, a * cos)))
            for y, a, b in rings
        ]

    def _ring(self, y: float) -> tuple[float, float, float]:
        above = self._rings[0]
        for below in self._rings:
            if y >= below[0]:
                t = 0.0 if above[0] == below[0] else min(1.0, (y - below[0]) / (above[0] - below[0]))
                return below[1] + t * (above[1] - below[1]), below[2] + t * (above[2] - below[2]), below[3]
            above = below
        return above[1], above[2], above[3]

    def patch(self, left: float, right: float, bottom: float, top: float) -> Polygon | None:
        """Return the visible part of a patch, or None.

        Parameters
        ----------
        left, right : float
            Degrees around the body: 0 is the front, 90 the person's left; ``right - left`` at most 360.
        bottom, top : float
            Metres above the ground.
        """
        turn = self._turn(left, right, (bottom + top) / 2)
        return self.seen(max(left + turn, -90.0), min(right + turn, 90.0), bottom, top)

    def _turn(self, left: float, right: float, y: float) -> float:
        """Return the offset from degrees around the body to degrees of the camera, in -180..180."""
        turn = self._ring(y)[2]
        return turn + 360 * round(-((left + right) / 2 + turn) / 360)

    def band(self, start: Point, end: Point, breadth: float) -> Polygon | None:
        """Return the visible part of a strap, ``breadth`` metres high, from one (degrees, height) to another."""
        turn = self._turn(start[0], end[0], (start[1] + end[1]) / 2)
        slope = (end[1] - start[1]) / (end[0] - start[0])
        first, last = max(start[0] + turn, -90.0), min(end[0] + turn, 90.0)
        if first >= last:
            return None
        upper, lower = [], []
        for i in range(7):
            angle = first + (last - first) * i / 6
            y = start[1] + slope * (angle - turn - start[0])
            wide, deep, _ = self._ring(y)
            right, near = wide * math.sin(math.radians(angle)), deep * math.cos(math.radians(angle))
            upper.append(self.view.place(right, y, near))
            lower.append(self.view.place(right, y - breadth, near))
        return upper + lower[::-1]

    def seen(self, left: float, right: float, bottom: float, top: float) -> Polygon | None:
        """Return a patch by the camera's degrees: -90 is the left edge of what is visible, 90 the right."""
        if left >= right:
            return None
        place, lean, cos, sin = self.view.place, self.lean, self.view.cos, self.view.sin
        steps = 1 + int((right - left) / 50)
        turns = [math.radians(left + (right - left) * i / steps) for i in range(steps + 1)]
        edge = [(math.sin(turn), math.cos(turn)) for turn in turns]

        def along(y: float, angles: Sequence[tuple[float, float]]) -> Polygon:
            wide, deep, _ = self._ring(y)
            ahead = lean * (y - 0.9)
            return [place(wide * across + ahead * sin, y, deep * near + ahead * cos) for across, near in angles]

        sides = [along(ring[0], (edge[0], edge[-1])) for ring in self._rings if bottom < ring[0] < top]
        polygon = along(top, edge)
        polygon += [side[1] for side in sides]
        polygon += along(bottom, edge[::-1])
        polygon += [side[0] for side in reversed(sides)]
        return polygon


def limb(start: Point, end: Point, wide: float, narrow: float) -> Polygon:
    """Return a tapered limb with round ends; ``wide`` and ``narrow`` are its half widths in pixels."""
    (x0, y0), (x1, y1) = start, end
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    ax, ay, bx, by = ux * wide, uy * wide, ux * narrow, uy * narrow
    d = 0.7  # sine and cosine of 45 degrees, a little less: corners lie outside of the circle's chord
    return [
        (x0 + ay, y0 - ax),
        (x0 - d * (ax - ay), y0 - d * (ay + ax)),
        (x0 - ax, y0 - ay),
        (x0 - d * (ax + ay), y0 - d * (ay - ax)),
        (x0 - ay, y0 + ax),
        (x1 - by, y1 + bx),
        (x1 + d * (bx - by), y1 + d * (by + bx)),
        (x1 + bx, y1 + by),
        (x1 + d * (bx + by), y1 + d * (by - bx)),
        (x1 + by, y1 - bx),
    ]


def ellipse(centre: Point, rx: float, ry: float) -> Polygon:
    """Return an ellipse as a polygon of 14 corners."""
    x, y = centre
    return [(x + rx * c, y + ry * s) for c, s in CIRCLE]


CIRCLE = [(math.cos(t), math.sin(t)) for t in np.linspace(0, 2 * math.pi, 14, endpoint=False).tolist()]
