"""Histogram of cosines as an inline SVG."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, FOOT = 640, 150, 22  # in the SVG's units; the foot holds the axis
BINS = 32


def histogram_svg(series: Sequence[tuple[str, NDArray[np.float32]]]) -> str:
    """Return curves of several distributions over the same axis, each as high as the drawing.

    Parameters
    ----------
    series : sequence of (str, float32 [n])
        The CSS class of each, and its values.
    """
    values = np.concatenate([numbers for _, numbers in series])
    low, high = (float(value) for value in np.quantile(values, [0.002, 0.998]))
    high = max(high, low + 1e-3)
    edges = np.linspace(low, high, BINS + 1)
    drawn = [_curve(kind, np.histogram(numbers.clip(low, high), edges)[0]) for kind, numbers in series]
    ticks = [tick for tick in np.round(np.arange(-1, 1.01, 0.2), 1) if low <= tick <= high]
    axis = [
        f'<text x="{(tick - low) / (high - low) * WIDTH:.1f}" y="{HEIGHT + FOOT - 6}">{tick:.1f}</text>'
        for tick in ticks
    ]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT + FOOT}" role="img" aria-label="Distributions of cosines">'
        f'<line x1="0" y1="{HEIGHT}" x2="{WIDTH}" y2="{HEIGHT}"/>{"".join(drawn)}{"".join(axis)}</svg>'
    )


def _curve(kind: str, counts: NDArray[np.int64]) -> str:
    heights = HEIGHT * (1 - 0.95 * counts / max(counts.max(), 1))
    across = (np.arange(BINS) + 0.5) * WIDTH / BINS
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, heights, strict=True))
    return f'<polyline class="{kind}" points="{points}"/>'
