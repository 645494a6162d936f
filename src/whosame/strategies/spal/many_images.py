"""Extreme pairs among many images: inside each cluster exactly; outside it, in the groups whose means are nearest."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.clustering.blocks import in_threads, map_blocks
from whosame.strategies.groups import Groups, distances, lowest, singletons
from whosame.strategies.pairs import Pairs
from whosame.strategies.spal.extremes import projected

MANY = 50_000  # images above which all pairs of them are too many to compare
NEAREST = 10  # groups, clusters and single outliers, whose images are compared with a cluster's
BLOCK = 256  # clusters whose means are compared with all others at once

Rows = NDArray[np.int64]


def extremes_of_many(
    features: NDArray[np.float32], labels: Rows, decided: csr_array, *, nearest: int = NEAREST
) -> tuple[Pairs, Pairs]:
    """Return what :func:`farthest_inside` and :func:`nearest_outside` do, the second nearly.

    The image nearest to a cluster is looked for in the ``nearest`` groups whose mean features are nearest to the
    cluster's, by their projection on 64 principal directions.

    Parameters
    ----------
    features : float32 [N, D]
    labels : int64 [N]
        -1 is an outlier, a group of its own.
    decided : scipy.sparse.csr_array, bool [N, N]
        From :func:`decided_pairs`.
    nearest : int

    Notes
    -----
    O(Σ m² D) for clusters of m images, and O(C G) for C clusters and G groups.
    """
    clusters, groups = Groups(labels), Groups(singletons(labels))
    count = len(clusters)  # the first groups are the clusters
    near = _nearest_groups(projected(groups.mean(features)), count, min(nearest, len(groups) - 1))
    of = (groups.rows, groups.starts, groups.sizes, features, decided.indptr, decided.indices)
    inside = np.concatenate([*map_blocks(_farthest, count, *of), np.empty((0, 2), np.int64)])
    outside = np.concatenate([*map_blocks(_nearest, count, near, *of), np.empty((0, 2), np.int64)])
    group_of = np.empty(len(labels), np.int64)
    group_of[groups.rows] = np.where(groups.cluster_of < count, groups.cluster_of, -1)
    return _pairs(inside, features, group_of), _pairs(outside, features, group_of)


def _nearest_groups(means: NDArray[np.float32], count: int, wanted: int) -> Rows:
    if wanted < 1:
        return np.empty((count, 0), np.int64)
    squares = np.einsum("gd,gd->g", means, means)

    def search(begin: int) -> Rows:
        end = min(begin + BLOCK, count)
        ranks = squares - 2 * means[begin:end] @ means.T
        ranks[np.arange(end - begin), np.arange(begin, end)] = np.inf
        found: Rows = lowest(ranks, wanted)
        return found

    return np.concatenate([*in_threads(search, range(0, count, BLOCK)), np.empty((0, wanted), np.int64)])


def _pairs(rows: Rows, features: NDArray[np.float32], group_of: Rows) -> Pairs:
    rows = rows[rows[:, 0] >= 0]
    return Pairs(rows[:, 0], rows[:, 1], group_of[rows], distances(features, rows[:, 0], rows[:, 1]))


@njit(nogil=True, cache=True)
def _is_decided(i: int, j: int, indptr: NDArray[Any], indices: NDArray[Any]) -> bool:  # pragma: no cover - compiled
    for at in range(indptr[i], indptr[i + 1]):  # noqa: SIM110  numba has no generators
        if indices[at] == j:
            return True
    return False


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _squared(a: NDArray[np.float32], b: NDArray[np.float32]) -> np.float32:  # pragma: no cover - compiled
    total = np.float32(0)
    for d in range(len(a)):
        total += (a[d] - b[d]) * (a[d] - b[d])
    return total


@njit(nogil=True, cache=True)
def _farthest(
    begin: int,
    end: int,
    rows: Rows,
    starts: Rows,
    sizes: Rows,
    features: NDArray[np.float32],
    indptr: NDArray[Any],
    indices: NDArray[Any],
) -> Rows:  # pragma: no cover - compiled
    found = np.full((end - begin, 2), -1, np.int64)
    for position in range(begin, end):
        best = np.float32(-1)
        for one in range(starts[position], starts[position] + sizes[position]):
            for other in range(one + 1, starts[position] + sizes[position]):
                apart = _squared(features[rows[one]], features[rows[other]])
                if apart > best and not _is_decided(rows[one], rows[other], indptr, indices):
                    best = apart
                    found[position - begin, 0], found[position - begin, 1] = rows[one], rows[other]
    return found


@njit(nogil=True, cache=True)
def _nearest(
    begin: int,
    end: int,
    near: Rows,
    rows: Rows,
    starts: Rows,
    sizes: Rows,
    features: NDArray[np.float32],
    indptr: NDArray[Any],
    indices: NDArray[Any],
) -> Rows:  # pragma: no cover - compiled
    found = np.full((end - begin, 2), -1, np.int64)
    for position in range(begin, end):
        best = np.float32(np.inf)
        for one in range(starts[position], starts[position] + sizes[position]):
            i = rows[one]
            for group in near[position]:
                for other in range(starts[group], starts[group] + sizes[group]):
                    j = rows[other]
                    apart = _squared(features[i], features[j])
                    tied = apart == best and i == found[position - begin, 0] and j < found[position - begin, 1]
                    if (apart < best or tied) and not _is_decided(i, j, indptr, indices):
                        best = apart
                        found[position - begin, 0], found[position - begin, 1] = i, j
    return found
