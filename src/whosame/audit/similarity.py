"""Similarity of images and groups: a log likelihood ratio, made from the distances that the names imply."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]

SHARED = 0.2  # of the noise of an image is that of its view, and does not become less in a mean
SAMPLE = 2000  # images that the number of dimensions is estimated from


class Similarity:
    """How much likelier it is that the means of two sets of images are one individual than two.

    Images differ from the mean of their individual by noise, individuals from each other; both are isotropic, with the
    variances that the groups of the population have. Wrong names make it less sharp; it only decides what is drawn.

    Parameters
    ----------
    points : float32 [N, D]
        Of length 1.
    means : float32 [G, D]
        Of the groups.
    group : int64 [N]
    sizes : int64 [G]
    """

    def __init__(self, points: Vectors, means: Vectors, group: Rows, sizes: Rows) -> None:
        self._means, self._sizes = means, sizes
        self._squares = (means**2).sum(axis=1).astype(np.float64)
        total = float(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()) + 1e-9
        many = sizes[group] > 1
        inside = (points - means[group])[many]
        size = sizes[group][many]
        noise = float(((inside**2).sum(axis=1) * size / (size - 1)).mean()) if many.any() else total / 2
        self._noise = float(np.clip(noise, 0.01 * total, 0.95 * total))
        self._between = max(total - self._noise, 0.05 * total)
        spectrum = np.linalg.svd(inside[:SAMPLE], compute_uv=False).astype(np.float64) ** 2
        self._dimensions = float(spectrum.sum() ** 2 / max((spectrum**2).sum(), 1e-12)) if many.any() else 1.0

    def to_groups(self, points: Vectors, sizes: Numbers) -> Numbers:
        """Return the log likelihood ratios of the means of some images with each group, float64 [n, G].

        Parameters
        ----------
        points : float32 [n, D]
        sizes : float64 [n]
            Number of images in each of the means.
        """
        squares = (points**2).sum(axis=1)[:, None] + self._squares - 2 * (points @ self._means.T)
        return self.ratio(np.maximum(squares, 0).astype(np.float64), sizes[:, None], self._sizes[None])

    def ratio(self, squares: Numbers, n: Numbers | Rows, m: Numbers | Rows) -> Numbers:
        """Return the log likelihood ratio of means of n and of m images at a squared distance."""
        one = self._noise * (2 * SHARED + (1 - SHARED) * (1 / n + 1 / m))
        two = one + 2 * self._between
        return np.asarray(self._dimensions / 2 * (np.log(two / one) - squares / one + squares / two))
