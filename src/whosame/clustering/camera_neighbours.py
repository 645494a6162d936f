"""Exact nearest neighbours of every row, those of its own camera and those of all other cameras apart."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.neighbours import NOWHERE, TIE, Neighbours, nearest_among, unit_rows
from whosame.errors import ParameterError

FEW = 64  # images of a camera up to which its rows are searched together with those of other such cameras


@dataclass(frozen=True)
class CameraNeighbours:
    """The nearest rows of every row within its camera and across cameras.

    Attributes
    ----------
    within : Neighbours
        Of the row's own camera, in the order of :func:`neighbours`: the row itself first.
    across : Neighbours
        Of all other cameras: by descending similarity, ties by the smaller row; the row itself is not among them.

    Notes
    -----
    Where a camera, or all others, have fewer images than were asked for, the rest of a row is -1, of similarity -inf.
    """

    within: Neighbours
    across: Neighbours

    @property
    def nearest(self) -> NDArray[np.int64]:
        """The nearest other row of each, int64 [N], as of :func:`neighbours`. Needs two within and one across."""
        near, far = self.within, self.across
        if not near.indices.shape[1]:
            return np.empty(0, np.int64)
        none = np.full((len(near.indices), 1), NOWHERE)
        columns = np.hstack([near.indices[:, 1:2], far.indices[:, :1], none])
        similarity = np.hstack([near.similarity[:, 1:2], far.similarity[:, :1], np.full(none.shape, -np.inf)])
        tied = (similarity >= similarity.max(axis=1, keepdims=True) - TIE) & (columns != NOWHERE)
        found = np.where(tied, columns, len(columns)).min(axis=1)
        return np.where(found < len(columns), found, near.indices[:, 0]).astype(np.int64)


def camera_neighbours(
    features: NDArray[Any], cameras: NDArray[np.int64], *, within: int, across: int
) -> CameraNeighbours:
    """Find the nearest rows of every row within its camera and across cameras.

    Parameters
    ----------
    features : float32 or float64 [N, D]
        L2-normalised. Rows of another length are normalised first.
    cameras : int64 [N]
        Images of unknown camera (-1) count as one camera of their own.
    within, across : int
        How many are found of the row's own camera, the row itself included, and of all others; at least 1.

    Raises
    ------
    InputError
        As of :func:`neighbours`.
    ParameterError
        A number below 1.

    Notes
    -----
    O(N² D) time, as one search without cameras; a copy of the features at a time. Cameras of few images are searched
    together: among the ``across`` + ``FEW`` nearest of all rows at least ``across`` are of other cameras.
    """
    if min(within, across) < 1:
        raise ParameterError(f"the numbers of neighbours are {within} and {across}, but at least 1 is needed")
    unit = unit_rows(features)
    n = len(unit)
    own_cameras, camera, sizes = np.unique(cameras, return_inverse=True, return_counts=True)
    near = _unfilled(n, min(within, int(sizes.max(initial=0))))
    far = _unfilled(n, min(across, n - int(sizes.min(initial=n))))
    for number in range(len(own_cameras)):
        here = camera == number
        rows = np.flatnonzero(here)
        images = unit[rows]
        _fill(near, rows, rows, nearest_among(images, images, np.arange(len(rows)), within))
        if len(rows) > FEW:
            others = np.flatnonzero(~here)
            _fill(far, rows, others, nearest_among(images, unit[others], None, across))
    rows = np.flatnonzero(sizes[camera] <= FEW)
    found = nearest_among(unit[rows], unit, rows, across + FEW)
    _fill(far, rows, np.arange(n), _of_other_cameras(found, rows, camera, far.indices.shape[1]))
    return CameraNeighbours(near, far)


def _unfilled(n: int, k: int) -> Neighbours:
    return Neighbours(np.full((n, k), NOWHERE, np.int32), np.full((n, k), -np.inf))


def _fill(into: Neighbours, rows: NDArray[np.int64], searched: NDArray[np.int64], found: Neighbours) -> None:
    known = found.indices != NOWHERE
    into.indices[rows, : known.shape[1]] = np.where(known, searched[found.indices], NOWHERE)
    into.similarity[rows, : known.shape[1]] = found.similarity


def _of_other_cameras(found: Neighbours, rows: NDArray[np.int64], camera: NDArray[np.int64], k: int) -> Neighbours:
    """Keep of the rows' neighbours the first ``k`` of other cameras, in their order."""
    other = camera[found.indices] != camera[rows][:, None]
    order = np.argsort(~other, axis=1, kind="stable")[:, :k]
    other = np.take_along_axis(other, order, axis=1)
    indices, similarity = (np.take_along_axis(part, order, axis=1) for part in (found.indices, found.similarity))
    return Neighbours(np.where(other, indices, NOWHERE).astype(np.int32), np.where(other, similarity, -np.inf))
