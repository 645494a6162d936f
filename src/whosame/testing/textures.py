"""Texture crops that never overlap: a folder in which no two images show the same thing, and all look alike."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from whosame.seeding import stream

GAP = 8  # pixels between two crops of a canvas: more than the finest grain, so that no edge continues in another crop


def write_textures(folder: Path, images: int = 200, *, side: int = 96, canvases: int = 1, seed: int = 0) -> list[Path]:
    """Draw textures, cut each into crops that do not overlap, and write the crops in mixed order.

    No two crops show the same individual: every answer to "same individual?" is "different". Crops of one canvas have
    the same colours and the same grain, so that each has near neighbours all the same.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    images : int
        How many crops in all.
    side : int
        Height and width of a crop, in pixels.
    canvases : int
        How many textures, of different colour, grain and direction, the crops come from.
    seed : int

    Returns
    -------
    list of Path
        ``texture-00000.png`` and so on.
    """
    each = -(-images // canvases)
    crops = np.concatenate([_crops(each, side, stream(seed, "texture", number)) for number in range(canvases)])
    order = stream(seed, "texture order").permutation(len(crops))[:images]
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"texture-{number:05}.png" for number in range(images)]
    for path, row in zip(paths, order, strict=True):
        Image.fromarray(crops[row]).save(path)
    return paths


def _crops(count: int, side: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return the crops of one canvas, uint8 [count, side, side, 3]."""
    across = int(np.ceil(np.sqrt(count)))
    step = side + GAP
    canvas = _canvas(across * step, generator)
    corners = [(row * step, column * step) for row in range(across) for column in range(across)][:count]
    return np.stack([canvas[top : top + side, left : left + side] for top, left in corners])


def _canvas(side: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Return a texture, uint8 [side, side, 3]: noise of one spectrum everywhere, in a drawn range of colours."""
    wavelength, slope = generator.uniform(6, 16), generator.uniform(2, 4)
    angle, stretch = generator.uniform(0, np.pi), generator.uniform(1, 3)
    y, x = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    along, beside = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    frequency = wavelength * np.hypot(along, stretch * beside)
    gain = frequency / (1 + frequency ** (1 + slope))  # a band: nothing is larger than a crop, nor brighter
    waves = [np.fft.irfft2(np.fft.rfft2(generator.normal(size=(side, side))) * gain, s=(side, side)) for _ in range(2)]
    light, tint = (wave / wave.std() for wave in waves)
    colour, other = generator.uniform(60, 190, 3), generator.normal(size=3)
    shades = colour + 30 * light[..., None] + 12 * tint[..., None] * other
    drawn: NDArray[np.uint8] = np.clip(shades, 0, 255).astype(np.uint8)
    return drawn
