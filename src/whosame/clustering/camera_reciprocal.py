"""Camera-aware k-reciprocal encoding: mutual neighbours within a camera and across cameras, found apart."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.clustering.blocks import map_sparse
from whosame.clustering.camera_neighbours import CameraNeighbours
from whosame.clustering.reciprocal import expand


def encode_by_camera(near: CameraNeighbours, *, k1_intra: int, k1_inter: int) -> csr_array:
    """Encode every row as weights over its k-reciprocal neighbours within its camera and across cameras.

    A row's set holds the rows j among the first ``k1_intra`` + 1 of its own camera that have it among theirs, itself
    among them, and the rows j among the first ``k1_inter`` + 1 of other cameras that have it among theirs. The weights
    are exp(-‖x_i - x_j‖²) = exp(2 cos - 2), normalised over both. Nothing is taken in from half-size sets.

    Parameters
    ----------
    near : CameraNeighbours
        At least ``k1_intra`` + 1 within and ``k1_inter`` + 1 across, where there are so many.
    k1_intra, k1_inter : int

    Returns
    -------
    scipy.sparse.csr_array, float64 [N, N]
        Weights; each row sums to 1. Columns by nearness, those of the own camera first.

    References
    ----------
    Chen et al., *CA-Jaccard: camera-aware Jaccard distance for person re-identification*, CVPR 2024 (camera-aware
    k-reciprocal nearest neighbours), as its public code counts; methods.md, Clusters.
    """
    n = len(near.within.indices)
    within, across = near.within, near.across
    nearest = tuple(
        np.ascontiguousarray(part[:, : k + 1])
        for found, k in ((within, k1_intra), (across, k1_inter))
        for part in (found.indices, found.similarity)
    )
    return map_sparse(_weights, n, *nearest, dtype=np.float64, columns=n)


def expand_by_camera(encoded: csr_array, near: CameraNeighbours, *, k2_intra: int, k2_inter: int) -> csr_array:
    """Replace each row by the mean over the rows of its nearest images within its camera and across cameras.

    Parameters
    ----------
    encoded : scipy.sparse.csr_array, float64 [N, N]
    near : CameraNeighbours
    k2_intra, k2_inter : int
        How many of its own camera, itself included, and of other cameras. Where there are fewer, those are averaged.

    References
    ----------
    Chen et al., CVPR 2024 (camera-aware local query expansion), as its public code has it; methods.md, Clusters.
    """
    return expand(encoded, np.hstack([near.within.indices[:, :k2_intra], near.across.indices[:, :k2_inter]]))


@njit(nogil=True, cache=True)
def _weights(
    begin: int,
    end: int,
    within: NDArray[np.int32],
    within_similarity: NDArray[np.float64],
    across: NDArray[np.int32],
    across_similarity: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:  # pragma: no cover - compiled
    counts = np.zeros(end - begin, np.int64)
    columns = np.empty((within.shape[1] + across.shape[1]) * (end - begin), np.int32)
    values = np.empty(len(columns))
    filled = 0
    for i in range(begin, end):
        first, total = filled, 0.0
        for nearest, similarity in ((within, within_similarity), (across, across_similarity)):
            for rank in range(nearest.shape[1]):
                j = nearest[i, rank]
                if j < 0:
                    break
                for back in nearest[j]:
                    if back == i:
                        columns[filled] = j
                        values[filled] = np.exp(2.0 * similarity[i, rank] - 2.0)
                        total += values[filled]
                        filled += 1
                        break
        values[first:filled] /= total
        counts[i - begin] = filled - first
    return counts, columns[:filled].copy(), values[:filled].copy()
