"""Camera-aware Jaccard distances (CA-Jaccard), in sparse rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.clustering.approximate_neighbours import EXACT, Search
from whosame.clustering.camera_neighbours import CameraNeighbours
from whosame.clustering.camera_reciprocal import encode_by_camera, expand_by_camera
from whosame.clustering.jaccard import check_scales, encoded_distances


def camera_jaccard_graph(
    features: NDArray[Any],
    cameras: NDArray[np.int64],
    *,
    k1_intra: int = 5,
    k1_inter: int = 20,
    k2_intra: int = 2,
    k2_inter: int = 4,
    max_distance: float = 0.6,
    search: Search = EXACT,
) -> csr_array:
    """Return the camera-aware Jaccard distances up to ``max_distance`` as a sparse graph.

    Parameters
    ----------
    features : float32 or float64 [N, D]
        L2-normalised. Rows of another length are normalised first.
    cameras : int64 [N]
        Images of unknown camera (-1) count as one camera of their own.
    k1_intra, k1_inter : int, default=5, 20
        See :func:`encode_by_camera`.
    k2_intra, k2_inter : int, default=2, 4
        See :func:`expand_by_camera`.
    max_distance : float, default=0.6
        Largest distance kept, in [0, 1).
    search : Search
        By default exact.

    Returns
    -------
    scipy.sparse.csr_array, float32 [N, N]
        As of :func:`jaccard_graph`.

    Raises
    ------
    InputError
        Features that are no such array, or rows without a direction.
    ParameterError
        A parameter out of its range.

    References
    ----------
    Chen et al., *CA-Jaccard: camera-aware Jaccard distance for person re-identification*, CVPR 2024; methods.md,
    Clusters.
    """
    scales = {"k1_intra": k1_intra, "k1_inter": k1_inter, "k2_intra": k2_intra, "k2_inter": k2_inter}
    check_scales(max_distance, **scales)
    near, _ = search.camera_neighbours(features, cameras, **searched(**scales))
    return camera_jaccard_from_neighbours(near, **scales, max_distance=max_distance)


def camera_jaccard_from_neighbours(
    near: CameraNeighbours,
    *,
    k1_intra: int = 5,
    k1_inter: int = 20,
    k2_intra: int = 2,
    k2_inter: int = 4,
    max_distance: float = 0.6,
) -> csr_array:
    """Return :func:`camera_jaccard_graph` of features whose neighbours (:func:`searched`) are known."""
    check_scales(max_distance, k1_intra=k1_intra, k1_inter=k1_inter, k2_intra=k2_intra, k2_inter=k2_inter)
    return encoded_distances(
        expand_by_camera(
            encode_by_camera(near, k1_intra=k1_intra, k1_inter=k1_inter), near, k2_intra=k2_intra, k2_inter=k2_inter
        ),
        max_distance,
    )


def searched(*, k1_intra: int, k1_inter: int, k2_intra: int, k2_inter: int) -> dict[str, int]:
    """Return how many neighbours the distances need, as arguments of :func:`camera_neighbours`."""
    return {"within": max(k1_intra + 1, k2_intra), "across": max(k1_inter + 1, k2_inter)}
