"""Size of the pixels: as configured, or from the shape of the images and a number of pixels."""

import numpy as np
from numpy.typing import NDArray

from whosame.data.manifest import Manifest
from whosame.data.pixels import PixelsConfig

STEP = 16  # sides are multiples of as many pixels, or of the network's own multiple where that is larger
MOST = 3.0  # the most that a side is longer than the other


def fitted(
    config: PixelsConfig, manifest: Manifest, *, only: tuple[int, int] | None = None, multiple: int = 1
) -> PixelsConfig:
    """Return the configuration with a height and a width.

    Parameters
    ----------
    config : PixelsConfig
        Without a height and a width, they are chosen from the images: those that a run began with.
    manifest : Manifest
    only : (int, int), optional
        The only height and width that the network takes, in pixels.
    multiple : int
        Pixels that the network's heights and widths are multiples of.
    """
    if config.height is not None:
        return config
    table = manifest.table.iloc[: manifest.began]
    height, width = only or fitting_size(
        table["height"].to_numpy(), table["width"].to_numpy(), area=config.area, multiple=max(STEP, multiple)
    )
    return config.replace(height=height, width=width)


def fitting_size(heights: NDArray[np.int32], widths: NDArray[np.int32], *, area: int, multiple: int) -> tuple[int, int]:
    """Return the height and width, in pixels, of the median aspect ratio and about ``area``.

    Parameters
    ----------
    heights, widths : int32 [M]
        Of the images, in pixels, at least 1.
    area : int
        Height × width, in pixels.
    multiple : int
        Of which both are multiples, at least one.
    """
    ratio = float(np.exp(np.median(np.log(heights) - np.log(widths)))) if len(heights) else 1.0
    ratio = min(max(ratio, 1 / MOST), MOST)
    sides = np.sqrt(area * ratio), np.sqrt(area / ratio)
    height, width = (max(1, round(side / multiple)) * multiple for side in sides)
    return height, width
