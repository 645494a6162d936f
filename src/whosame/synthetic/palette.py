"""Colours of clothes, hair and skin by name, as 8-bit sRGB."""

RGB = tuple[int, int, int]

CLOTH: dict[str, RGB] = {
    "black": (34, 34, 38),
    "charcoal": (70, 72, 78),
    "grey": (128, 130, 134),
    "white": (232, 232, 228),
    "navy": (38, 48, 88),
    "denim": (72, 98, 142),
    "sky": (134, 172, 214),
    "teal": (34, 120, 122),
    "olive": (96, 102, 56),
    "green": (52, 136, 74),
    "mustard": (206, 164, 54),
    "orange": (222, 118, 48),
    "red": (188, 44, 48),
    "wine": (104, 36, 54),
    "pink": (222, 142, 162),
    "purple": (104, 66, 138),
    "brown": (98, 68, 48),
    "beige": (196, 176, 142),
}

HAIR: dict[str, RGB] = {
    "black": (30, 26, 26),
    "brown": (76, 50, 34),
    "auburn": (126, 62, 36),
    "blond": (204, 168, 104),
    "grey": (158, 156, 152),
}

SKIN: dict[str, RGB] = {
    "fair": (236, 200, 176),
    "light": (220, 176, 146),
    "tan": (190, 140, 104),
    "brown": (142, 98, 70),
    "dark": (92, 62, 48),
}


def shade(colour: RGB, factor: float) -> RGB:
    """Return the colour made darker (``factor`` < 1) or lighter (> 1), clipped to 0..255."""
    r, g, b = colour
    return min(255, int(r * factor)), min(255, int(g * factor)), min(255, int(b * factor))
