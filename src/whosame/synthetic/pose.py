"""Poses: moments of walking or standing."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pose:
    """A moment of walking or standing, in radians: each pair is (left, right)."""

    thighs: tuple[float, float]
    shins: tuple[float, float]
    arms: tuple[float, float]
    forearms: tuple[float, float]
    lean: float


def draw_pose(strength: float, rng: np.random.Generator) -> Pose:
    """Draw a moment of a walk; some people stand, or hold up a telephone."""
    phase, stride, swing, bend, lean, kind, side = rng.random(7).tolist()
    angle = math.sin(2 * math.pi * phase)
    stride = strength * (0.06 if kind < 0.15 else 0.25 + 0.22 * stride)
    swing = strength * (0.1 if kind < 0.15 else 0.2 + 0.35 * swing)
    lift = max(0.0, math.cos(2 * math.pi * phase)) * stride * 1.3
    drop = max(0.0, -math.cos(2 * math.pi * phase)) * stride * 1.3
    left, right = stride * angle, -stride * angle
    elbows = (0.15 + 0.3 * bend, 0.15 + 0.3 * (1 - bend))
    if kind > 0.9 and strength > 0:
        elbows = (1.9, elbows[1]) if side < 0.5 else (elbows[0], 1.9)
    arms = (-swing * angle, swing * angle)
    return Pose(
        thighs=(left, right),
        shins=(left - lift - 0.05, right - drop - 0.05),
        arms=arms,
        forearms=(arms[0] + elbows[0], arms[1] + elbows[1]),
        lean=0.06 * strength * (lean - 0.2),
    )
