"""Backgrounds: one wide picture per camera, of which an image shows a window."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from whosame.synthetic.palette import RGB, shade

WIDE, HIGH, HORIZON = 512, 384, 150  # pixels; the ground begins below the horizon
FOCUS, CONTRAST = 2.5, 0.6  # backgrounds are a little out of focus, and paler than people


def draw_scene(name: str, clutter: float, rng: np.random.Generator) -> Image.Image:
    """Draw the background of a site.

    Parameters
    ----------
    name : str
        plaza, park, wall, night, shop or parking.
    clutter : float
        Contrast of the background: the higher, the more a network learns from it instead of the people.
    rng : numpy.random.Generator

    Returns
    -------
    PIL.Image.Image
        RGB, 512 x 384.
    """
    ground, far = GROUNDS[name], FARS[name]
    image = Image.new("RGB", (WIDE, HIGH), far)
    draw = ImageDraw.Draw(image, "RGBA")
    for y in range(HORIZON, HIGH, 4):  # the ground grows lighter towards the camera
        draw.rectangle((0, y, WIDE, y + 4), fill=shade(ground, 0.85 + 0.25 * (y - HORIZON) / (HIGH - HORIZON)))
    PAINTERS[name](draw, rng)
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(FOCUS))).astype(float)
    mean = soft.mean(axis=(0, 1))
    texture = rng.normal(0, 5, (HIGH // 2, WIDE // 2, 1)).repeat(2, axis=0).repeat(2, axis=1)
    return Image.fromarray(np.clip(mean + CONTRAST * clutter * (soft - mean + texture), 0, 255).astype(np.uint8))


def _plaza(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    for i in range(-12, 24):  # paving in perspective
        draw.line((WIDE / 2 + (i - 6) * 26, HORIZON, WIDE / 2 + (i - 6) * 110, HIGH), fill=(90, 86, 80, 150), width=2)
    y, step = float(HORIZON), 8.0
    while y < HIGH:
        draw.line((0, y, WIDE, y), fill=(90, 86, 80, 150), width=2)
        y, step = y + step, step * 1.3
    for x in range(0, WIDE, 64):
        _facade(draw, x, 60, rng)


def _facade(draw: ImageDraw.ImageDraw, x: float, width: float, rng: np.random.Generator) -> None:
    stone = (150 + int(rng.integers(50)), 140 + int(rng.integers(30)), 120 + int(rng.integers(30)))
    draw.rectangle((x, 0, x + width, HORIZON), fill=stone)
    for row in range(3):
        for column in range(2):
            left, top = x + 8 + column * 28, 8 + row * 46
            draw.rectangle((left, top, left + 17, top + 30), fill=shade((88, 104, 122), float(rng.uniform(0.5, 1.3))))


def _park(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    draw.polygon([(170, HORIZON), (300, HORIZON), (470, HIGH), (20, HIGH)], fill=(176, 158, 128))
    for _ in range(90):
        x, y, r = rng.uniform(0, WIDE), rng.uniform(0, HORIZON - 10), rng.uniform(12, 34)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(*shade((66, 104, 52), float(rng.uniform(0.5, 1.4))), 200))
    for x in rng.uniform(0, WIDE, 7).tolist():
        draw.rectangle((x, 30, x + rng.uniform(8, 18), HORIZON + 14), fill=(78, 60, 44))
    draw.rectangle((380, 175, 470, 184), fill=(110, 76, 46))  # a bench
    draw.rectangle((390, 184, 396, 204), fill=(60, 60, 60))
    draw.rectangle((454, 184, 460, 204), fill=(60, 60, 60))


def _wall(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    for row, y in enumerate(range(0, HORIZON + 60, 12)):
        for x in range(-24 + 12 * (row % 2), WIDE, 24):
            draw.rectangle((x, y, x + 22, y + 10), fill=shade((164, 96, 74), float(rng.uniform(0.75, 1.15))))
    draw.rectangle((0, HORIZON + 60, WIDE, HORIZON + 72), fill=(112, 110, 106))
    for x in rng.uniform(0, WIDE - 80, 3).tolist():  # posters
        draw.rectangle((x, 40, x + 54, 110), fill=tuple(rng.integers(80, 230, 3).tolist()))


def _night(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    for _ in range(26):
        x, y = rng.uniform(0, WIDE), rng.uniform(0, HORIZON - 20)
        draw.rectangle((x, y, x + 14, y + 18), fill=(224, 186, 104, int(rng.integers(40, 255))))
    for x in (70, 260, 430):
        draw.line((x, 0, x, HORIZON + 30), fill=(40, 40, 44), width=6)
        for r in range(120, 10, -12):
            draw.ellipse(
                (x - 1.6 * r, HORIZON + 90 - r / 2, x + 1.6 * r, HORIZON + 90 + r / 2), fill=(255, 208, 130, 14)
            )
    draw.line((0, HIGH - 60, WIDE, HIGH - 90), fill=(180, 176, 160), width=5)


def _shop(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    for x in range(0, WIDE, 128):
        draw.rectangle((x, 20, x + 118, HORIZON + 30), fill=(196, 214, 222))
        for _ in range(9):
            left, top = x + rng.uniform(4, 84), rng.uniform(40, HORIZON - 8)
            draw.rectangle((left, top, left + 24, top + 34), fill=tuple(rng.integers(40, 230, 3).tolist()))
        draw.rectangle((x, 0, x + 118, 22), fill=tuple(rng.integers(60, 210, 3).tolist()))
    for y in range(HORIZON + 40, HIGH, 36):
        draw.line((0, y, WIDE, y), fill=(150, 150, 156), width=2)


def _parking(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    for x in range(-40, WIDE, 96):
        draw.line((x, HIGH, x + 50, HORIZON + 20), fill=(206, 204, 190), width=5)
    for x in (10, 150, 290, 420):
        draw_car(draw, x, HORIZON + 30, 100, tuple(rng.integers(40, 220, 3).tolist()))


def draw_car(draw: ImageDraw.ImageDraw, x: float, y: float, width: float, colour: RGB) -> None:
    """Draw a car's side, its wheels standing at ``y``."""
    w = width
    roof = [
        (x + 0.2 * w, y - 0.3 * w),
        (x + 0.32 * w, y - 0.5 * w),
        (x + 0.7 * w, y - 0.5 * w),
        (x + 0.85 * w, y - 0.3 * w),
    ]
    draw.polygon(roof, fill=(52, 62, 72))
    draw.rounded_rectangle((x, y - 0.32 * w, x + w, y - 0.07 * w), 0.07 * w, fill=colour)
    for wheel in (0.22, 0.78):
        draw.ellipse((x + (wheel - 0.1) * w, y - 0.2 * w, x + (wheel + 0.1) * w, y), fill=(24, 24, 26))


FARS: dict[str, RGB] = {
    "plaza": (178, 186, 194),
    "park": (96, 128, 84),
    "wall": (110, 70, 58),
    "night": (38, 42, 58),
    "shop": (92, 94, 100),
    "parking": (150, 158, 166),
}
GROUNDS: dict[str, RGB] = {
    "plaza": (168, 160, 148),
    "park": (104, 132, 70),
    "wall": (150, 146, 140),
    "night": (84, 80, 78),
    "shop": (198, 196, 194),
    "parking": (104, 106, 110),
}
PAINTERS = {"plaza": _plaza, "park": _park, "wall": _wall, "night": _night, "shop": _shop, "parking": _parking}
