"""Cameras: site, tone curves, and the light of a walk past them."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from whosame.seeding import stream
from whosame.synthetic.config import SyntheticConfig

NOISE_TILE = 640  # pixels, height and width of the pictures of noise


@dataclass(frozen=True)
class Site:
    """The character of a camera, before its own chance variation.

    Attributes
    ----------
    scene : str
        Name of the background, see `scenery`.
    headings : tuple of float
        Degrees of the directions in which people walk: 0 towards the camera, 180 away.
    pitch : float
        Angle downwards, degrees.
    cast : tuple of float
        Gains of red, green and blue, as powers of e at strength 1.
    gamma, contrast, saturation : float
        Exponent of the tone curve; steepness around mid-grey; 1 keeps colours.
    shrink : float
        Factor of lost resolution.
    noise : float
        Standard deviation, grey levels.
    """

    scene: str
    headings: tuple[float, ...]
    pitch: float
    cast: tuple[float, float, float]
    gamma: float
    contrast: float
    saturation: float
    shrink: float
    noise: float


SITES = (
    Site("plaza", (0, 25, 180), 14, (0.02, 0.01, -0.03), 1.0, 1.0, 1.0, 1.0, 3),
    Site("park", (180, 155, 0), 18, (-0.03, 0.02, -0.04), 0.93, 1.08, 0.95, 1.3, 4),
    Site("wall", (90, 270), 8, (0.04, -0.01, -0.06), 1.04, 0.9, 0.88, 1.2, 5),
    Site("night", (0, 180, 320), 20, (0.02, -0.03, -0.14), 1.12, 1.08, 0.72, 1.6, 9),
    Site("shop", (45, 225), 10, (-0.05, -0.01, 0.05), 0.94, 0.86, 0.93, 1.0, 4),
    Site("parking", (315, 135, 180), 24, (-0.04, 0.0, 0.04), 1.02, 1.18, 0.8, 1.8, 6),
    Site("park", (60, 240), 12, (0.03, 0.01, -0.02), 0.96, 1.0, 1.0, 1.4, 6),
    Site("wall", (0, 180), 22, (-0.02, -0.02, 0.06), 1.1, 1.08, 0.8, 1.5, 8),
    Site("plaza", (120, 300), 16, (0.05, 0.0, -0.05), 0.95, 0.9, 0.95, 1.2, 5),
)


@dataclass(frozen=True)
class Camera:
    """One camera: its site, and its tone curves as a colour matrix and a table of 3 x 256 grey levels."""

    site: Site
    pitch: float  # radians
    tones: NDArray[np.float64]  # [3, 256], 0..1
    mixing: NDArray[np.float64]  # [3, 3]


@dataclass(frozen=True)
class Light:
    """The light of one walk past a camera: sun or shade, warm or cold, haze."""

    gain: float
    warmth: float
    haze: float


def build_camera(config: SyntheticConfig, number: int) -> Camera:
    """Return camera ``number`` (1..9) of the configuration."""
    site, rng = SITES[number - 1], stream(config.seed, "synthetic", "camera", number)
    strength = config.colour
    cast = np.exp(strength * (np.array(site.cast) + rng.normal(0, 0.016, 3)))
    gamma = site.gamma**strength * math.exp(strength * rng.normal(0, 0.02))
    contrast = site.contrast**strength
    x = np.linspace(0, 1, 256)
    bend = 1.6 * contrast  # tanh bends both ends: a steep curve loses the lights and the shadows
    level = 0.5 + np.tanh(bend * (x**gamma - 0.5)) / (2 * np.tanh(bend / 2))
    tones = np.clip(level[None] * cast[:, None], 0, 1)
    saturation = site.saturation**strength
    grey = np.array([0.299, 0.587, 0.114])
    mixing = saturation * np.eye(3) + (1 - saturation) * grey[None]
    turn = strength * 0.03 * rng.normal(size=(3, 3))  # filters of a cheap sensor overlap
    mixing = mixing + turn - turn.mean(axis=1, keepdims=True)
    return Camera(site, math.radians(site.pitch + rng.normal(0, 2)), tones, mixing)


def draw_light(config: SyntheticConfig, rng: np.random.Generator) -> Light:
    """Draw the light of one walk."""
    strength = config.lighting
    gain, warmth, haze = rng.random(3).tolist()
    sunny = gain < 0.5
    return Light(
        gain=math.exp(strength * ((0.05 if sunny else -0.12) + 0.1 * (haze - 0.5))),
        warmth=strength * ((0.035 if sunny else -0.03) + 0.05 * (warmth - 0.5)),
        haze=strength * 0.11 * max(0.0, haze - 0.5) * (1 if sunny else 0.4),
    )


def expose(
    picture: Image.Image, camera: Camera, light: Light, config: SyntheticConfig, rng: np.random.Generator
) -> Image.Image:
    """Return the picture that the camera takes of a drawing: resolution, blur, colours, tones, noise.

    Parameters
    ----------
    picture : PIL.Image.Image
        RGB, of the final size.
    camera, light
    config : SyntheticConfig
        Its ``blur`` and ``noise``.
    rng : numpy.random.Generator
    """
    size = picture.size
    defocus, x, y, flash = rng.random(4).tolist()
    shrink = 1 + config.blur * (camera.site.shrink - 1)
    if shrink > 1.05:
        small = (max(8, round(size[0] / shrink)), max(16, round(size[1] / shrink)))
        picture = picture.resize(small, Image.Resampling.BILINEAR).resize(size, Image.Resampling.BILINEAR)
    radius = config.blur * (0.9 * defocus**3)
    if radius > 0.15:
        picture = picture.filter(ImageFilter.BoxBlur(radius))
    matrix = camera.mixing
    row = [(*matrix[i].tolist(), 0.0) for i in range(3)]
    picture = picture.convert("RGB", (*row[0], *row[1], *row[2]))
    gains = light.gain * np.exp(light.warmth * np.array([1.0, 0.0, -1.0]) + config.colour * 0.04 * (flash - 0.5))
    levels = np.minimum(light.haze * 255 + (1 - light.haze) * np.arange(256) * gains[:, None], 255).astype(np.int64)
    table = np.rint(255 * np.take_along_axis(camera.tones, levels, axis=1)).astype(np.uint8)
    picture = picture.point(table.ravel().tolist())
    amount = round(2 * config.noise * camera.site.noise / max(0.5, light.gain)) / 2  # few steps: tiles are kept
    if amount == 0:
        return picture
    top, left = int(y * (NOISE_TILE - size[1])), int(x * (NOISE_TILE - size[0]))
    return ImageChops.add(picture, _grain(amount).crop((left, top, left + size[0], top + size[1])), 1.0, -128)


@lru_cache(maxsize=128)
def _grain(amount: float) -> Image.Image:
    """Return sensor noise of a standard deviation around grey 128; every image uses a window of it."""
    return Image.fromarray(np.clip(128.5 + np.float32(amount) * _unit_noise(), 0, 255).astype(np.uint8))


@lru_cache(maxsize=1)
def _unit_noise() -> NDArray[np.float32]:
    """Return noise of standard deviation 1, half of it alike in the three channels."""
    rng = np.random.default_rng(0)
    grey = rng.standard_normal((NOISE_TILE, NOISE_TILE, 1), dtype=np.float32)
    return (grey + rng.standard_normal((NOISE_TILE, NOISE_TILE, 3), dtype=np.float32)) * np.float32(math.sqrt(0.5))
