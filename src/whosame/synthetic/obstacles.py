"""Obstacles between the camera and a person; each site has its own."""

import numpy as np
from PIL import ImageDraw

from whosame.synthetic.palette import shade
from whosame.synthetic.scenery import draw_car

USUAL = {
    "plaza": ("bollard", "pole"),
    "park": ("hedge", "bench"),
    "wall": ("bicycle", "bin"),
    "night": ("pole", "bin"),
    "shop": ("sign", "bollard"),
    "parking": ("car", "pole"),
}


def draw_obstacle(draw: ImageDraw.ImageDraw, scene: str, width: int, height: int, rng: np.random.Generator) -> None:
    """Draw an object in front of the person: it covers the legs, or a strip from top to bottom.

    Parameters
    ----------
    draw : PIL.ImageDraw.ImageDraw
    scene : str
        The site's scene, which has two kinds of objects.
    width, height : int
        Of the picture, pixels.
    rng : numpy.random.Generator
    """
    kind = USUAL[scene][int(rng.integers(2))]
    x, size, tint, level = rng.random(4).tolist()
    side = x * width
    top = height * (0.62 + 0.22 * level)
    if kind == "pole":
        half = width * (0.04 + 0.05 * size)
        draw.rectangle((side - half, 0, side + half, height), fill=shade((98, 102, 104), 0.6 + 0.7 * tint))
        draw.rectangle((side - half, 0, side - half * 0.4, height), fill=(255, 255, 255, 40))
    elif kind == "bollard":
        half = width * (0.10 + 0.08 * size)
        draw.rounded_rectangle(
            (side - half, top, side + half, height + 20), half * 0.6, fill=shade((134, 130, 122), 0.6 + 0.6 * tint)
        )
        draw.rectangle((side - half, top + 12, side + half, top + 20), fill=(206, 60, 48))
    elif kind == "hedge":
        for _ in range(26):
            cx, cy, r = rng.uniform(0, width), rng.uniform(top, height), width * rng.uniform(0.08, 0.16)
            draw.ellipse((cx - r, cy - r * 0.5, cx + r, cy + r), fill=shade((58, 96, 44), float(rng.uniform(0.6, 1.4))))
    elif kind == "bench":
        for y in (top, top + 16):
            draw.rectangle(
                (side - width * 0.6, y, side + width * 0.6, y + 9), fill=shade((126, 86, 52), 0.7 + 0.5 * tint)
            )
        draw.rectangle((side - width * 0.5, top, side - width * 0.45, height), fill=(58, 58, 60))
    elif kind == "bicycle":
        r, y = width * 0.2, height - width * 0.16
        for cx in (side - r * 1.5, side + r * 1.5):
            draw.ellipse((cx - r, y - r, cx + r, y + r), outline=(28, 28, 30), width=4)
        frame = [
            (side - r * 1.5, y),
            (side - r * 0.4, y - r * 1.3),
            (side + r, y - r * 1.3),
            (side, y),
            (side - r * 1.5, y),
        ]
        draw.line([*frame, (side - r * 0.4, y - r * 1.3)], fill=shade((176, 52, 48), 0.5 + tint), width=5)
        draw.line((side + r * 1.5, y, side + r, y - r * 1.8), fill=(60, 60, 62), width=5)
    elif kind == "car":
        draw_car(draw, side - width * 1.1, height + width * 0.16, width * 1.5, shade((170, 60, 56), 0.4 + tint))
    else:  # a bin or a sign: a box on the ground
        half = width * (0.14 + 0.1 * size)
        colour = (72, 92, 84) if kind == "bin" else (206, 190, 150)
        draw.rectangle((side - half, top, side + half, height), fill=shade(colour, 0.6 + 0.6 * tint))
        draw.rectangle((side - half, top, side + half, top + 8), fill=(40, 42, 46))
