"""Two-covariance model (PLDA): how much likelier two groups of images are one person than two."""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.utils.extmath import randomized_svd

from whosame.strategies.groups import Groups

DIMENSIONS = 128  # of the features, at most: later ones hold noise, and the model would have to learn it
SAMPLE = 2048  # images that the dimensions are found on
SHRINKAGE = 0.1  # of the within-person covariance towards a sphere: clusters are few and impure


@dataclass(frozen=True)
class TwoCovariance:
    """A person is a point drawn with covariance ``between``; an image is its person's point plus noise of covariance 1.

    Attributes
    ----------
    points : float32 [N, d]
        The images, in the space in which the noise has covariance 1.
    between : float64 [d]
        Variances of the people in it.

    References
    ----------
    Ioffe, *Probabilistic linear discriminant analysis*, ECCV 2006; Brümmer and de Villiers, *The speaker partitioning
    problem*, Odyssey 2010 (the two-covariance form and its likelihood ratio).
    """

    points: NDArray[np.float32]
    between: NDArray[np.float64]

    @classmethod
    def fit(cls, features: NDArray[np.float32], groups: Groups, generator: np.random.Generator) -> "TwoCovariance":
        """Estimate both covariances from the clusters, taken as people.

        Parameters
        ----------
        features : float32 [N, D]
        groups : Groups
            Clusters; images outside them are projected only. Without two clusters of two images there is nothing to
            estimate: the points are the principal components and people vary as much as images.
        generator : numpy.random.Generator
            Draws the sample of images that the dimensions are found on.
        """
        reduced = _principal(features, generator)
        spare = len(groups.rows) - len(groups)
        if len(groups) < 2 or spare < 1:
            return cls(reduced, np.ones(reduced.shape[1]))
        means = groups.mean(reduced)
        away = (reduced[groups.rows] - means[groups.cluster_of]).astype(np.float64)
        within = away.T @ away / spare
        sphere = np.trace(within) / len(within)
        within = (1 - SHRINKAGE) * within + SHRINKAGE * sphere * np.eye(len(within))
        centred = (means - means.mean(axis=0)).astype(np.float64)
        between = centred.T @ centred / (len(groups) - 1) - within * float(np.mean(1 / groups.sizes))
        if sphere <= 0:
            return cls(reduced, np.ones(reduced.shape[1]))
        variances, directions = eigh(between, within)
        kept = variances > 1e-3
        if not kept.any():
            return cls(reduced, np.ones(reduced.shape[1]))
        return cls((reduced @ directions[:, kept]).astype(np.float32), variances[kept])

    def shrunk(self, means: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return points whose Euclidean distances rank groups roughly as the likelihood ratio does, float32 [C, d].

        The expected person of each group, in units of the uncertainty that a single image leaves.

        Parameters
        ----------
        means : float64 [C, d]
        noise : float64 [C]
            Variance of each mean about its person.
        """
        expected = means * self.between / (self.between + noise[:, None])
        left = self.between / (self.between + 1)
        points: NDArray[np.float32] = (expected / np.sqrt(left)).astype(np.float32)
        return points

    def log_ratio(
        self,
        first: NDArray[np.float64],
        first_noise: NDArray[np.float64],
        second: NDArray[np.float64],
        second_noise: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return log p(both | one person) - log p(both | two people) of pairs of groups.

        Parameters
        ----------
        first, second : float64 [P, d]
            Mean points of the two groups, less the mean of all.
        first_noise, second_noise : float64 [P]
            Variance of each mean about its person: 1 / (number of independent images).
        """
        ratios: NDArray[np.float64] = _log_ratios(first, first_noise, second, second_noise, self.between)
        return ratios


@numba.njit(cache=True, nogil=True)
def _log_ratios(
    first: NDArray[np.float64],
    first_noise: NDArray[np.float64],
    second: NDArray[np.float64],
    second_noise: NDArray[np.float64],
    between: NDArray[np.float64],
) -> NDArray[np.float64]:
    ratios = np.zeros(len(first))
    for pair in range(len(first)):
        exponent, product = 0.0, 1.0
        for k in range(len(between)):
            c, x, y = between[k], first[pair, k], second[pair, k]
            m, n = first_noise[pair], second_noise[pair]
            a, b = c + m, c + n
            left = c * (m + n) + m * n  # ab - c², which would vanish where people vary much more than images
            exponent += (c * (x - y) ** 2 + n * x * x + m * y * y) / left - x * x / a - y * y / b
            product *= left / (a * b)  # between 0 and 1
            if product < 1e-200:
                exponent += np.log(product)
                product = 1.0
        ratios[pair] = -0.5 * (exponent + np.log(product))
    return ratios


def _principal(features: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    centred: NDArray[np.float32] = features - features.mean(axis=0, dtype=np.float64).astype(np.float32)
    if features.shape[1] <= DIMENSIONS:
        return centred
    rows = np.sort(generator.permutation(len(features))[:SAMPLE])
    _, _, axes = randomized_svd(centred[rows], min(DIMENSIONS, len(rows)), n_iter=1, random_state=0)
    return np.asarray(centred @ axes.T, np.float32)
