"""PLDA group model: clusters and single outliers as groups with means and noise."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.strategies.base import RoundState
from whosame.strategies.gain.likelihood import TwoCovariance
from whosame.strategies.groups import Groups, singletons


class PLDAGroups:
    """The groups of a round, clusters and single outliers, in the space of the two-covariance model.

    Parameters
    ----------
    state : RoundState
    features : float32 [N, D]
        Of the state, centred by camera or not.
    generator : numpy.random.Generator
    shared_view : float
        Share of an image's noise that all images of the person by one camera have in common, 0 to 1.

    Attributes
    ----------
    model : TwoCovariance
    points : float32 [N, d]
        The images in the model's space, centred.
    groups : Groups
        C clusters and outliers.
    is_outlier : bool [C]
    group_of : int64 [N]
        Position of each image's group.
    views : scipy.sparse.csr_array [C, cameras]
        Number of each group's images by each camera; unknown cameras are one.
    noise : float64 [C]
        Variance of each group's mean.
    means : float64 [C, d]
    representatives : int64 [C]
        Row of the image nearest to each mean.
    """

    def __init__(
        self, state: RoundState, features: NDArray[np.float32], generator: np.random.Generator, *, shared_view: float
    ) -> None:
        self.state = state
        self.shared_view = shared_view
        self.model = TwoCovariance.fit(features, Groups(state.labels), generator)
        self.points = self.model.points - self.model.points.mean(axis=0)
        self.groups = Groups(singletons(state.labels))
        self.is_outlier: NDArray[np.bool_] = state.labels[self.groups.rows[self.groups.starts]] < 0
        self.group_of = np.empty(len(state.labels), np.int64)
        self.group_of[self.groups.rows] = self.groups.cluster_of
        self.views = self._views(self.groups.rows, self.groups.cluster_of, len(self.groups))
        self.noise = self._noise(self.groups.sizes, self.views)
        self.means = self.groups.mean(self.points).astype(np.float64)
        away = ((self.points[self.groups.rows] - self.means[self.groups.cluster_of]) ** 2).sum(axis=1)
        self.representatives = self.groups.argmin(away)

    def _views(self, rows: NDArray[np.int64], of: NDArray[np.int64], count: int) -> csr_array:
        """Return the number of images by each camera in ``count`` sets of rows, as in :attr:`views`."""
        cameras = self.state.cameras[rows] + 1
        shape = (count, int(self.state.cameras.max(initial=0)) + 2)
        return csr_array((np.ones(len(rows)), (of, cameras)), shape=shape)

    def _noise(self, sizes: NDArray[np.int64], views: csr_array) -> NDArray[np.float64]:
        """Return the variance of the mean of each set: images of one camera are not independent."""
        seen = np.diff(views.indptr)
        noise: NDArray[np.float64] = (1 - self.shared_view) / sizes + self.shared_view / seen
        return noise

    def parts(self, parts: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], csr_array]:
        """Return noise and views of sets of rows, numbered from 0 by ``parts``."""
        count = int(parts.max(initial=-1)) + 1
        views = self._views(rows, parts, count)
        return self._noise(np.bincount(parts, minlength=count), views), views
