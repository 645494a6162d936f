"""k-reciprocal encoding: each image as weights over its mutual neighbours."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.clustering.blocks import grow, map_blocks, map_sparse
from whosame.clustering.neighbours import Neighbours, dot

Sets = NDArray[np.int32]  # [N, 1 + k]: how many members, then the members


def encode(near: Neighbours, unit: NDArray[Any], *, k1: int) -> csr_array:
    """Encode every row as weights over its expanded k-reciprocal set.

    R(i) holds the rows j among i's top ``k1`` that have i among theirs. It takes in the half-size set H(j), the same
    with :func:`half` of ``k1``, of each member j whose H(j) lies in R(i) by more than two thirds. The weights are
    exp(-‖x_i - x_j‖²) = exp(2 cos - 2), normalised over the expanded set.

    Parameters
    ----------
    near : Neighbours
        At least min(k1, N) neighbours of each row, the row itself first.
    unit : float32 or float64 [N, D]
        The features of unit length.
    k1 : int
        How many neighbours count, the row itself included.

    Returns
    -------
    scipy.sparse.csr_array, float64 [N, N]
        Weights; each row sums to 1. Columns are in the order of discovery.

    References
    ----------
    Zhong et al., *Re-ranking person re-identification with k-reciprocal encoding*, CVPR 2017, Eq. 2, 3 and 7;
    the half-size set is that of the public code; methods.md, Clusters.
    """
    n = len(unit)
    whole, halves = (reciprocal_sets(near.indices, k) for k in (k1, half(k1)))
    return map_sparse(_weights, n, near.indices, near.similarity, whole, halves, unit, dtype=np.float64, columns=n)


def expand(encoded: csr_array, nearest: NDArray[np.int32]) -> csr_array:
    """Replace each row by the mean over some rows (query expansion), float64 [N, N].

    Parameters
    ----------
    encoded : scipy.sparse.csr_array, float64 [N, N]
    nearest : int32 [N, k2]
        The rows whose encodings are averaged, of each row at least one; -1 is none.
    """
    if nearest.shape[1] == 1:
        return encoded
    n = encoded.shape[0]
    parts = (np.ascontiguousarray(nearest), encoded.indptr, encoded.indices, encoded.data)
    return map_sparse(_means, n, *parts, dtype=np.float64, columns=n)


def half(k1: int) -> int:
    """Return the size of the half-size neighbourhood, the row itself included: 16 for 30, halves rounded to even."""
    return round(k1 / 2) + 1


def reciprocal_sets(indices: NDArray[np.int32], k: int) -> Sets:
    """Return of each row's top ``k`` those that have the row among their own top ``k``, int32 [N, 1 + min(k, K)].

    Column 0 is their number; they follow in order of nearness; the rest of the row is -1.
    """
    nearest = np.ascontiguousarray(indices[:, :k])
    blocks = map_blocks(_reciprocal, len(nearest), nearest)
    return np.concatenate(blocks) if blocks else np.empty((0, 1), np.int32)


@njit(nogil=True, cache=True)
def _reciprocal(begin: int, end: int, nearest: NDArray[np.int32]) -> Sets:  # pragma: no cover - compiled
    sets = np.full((end - begin, 1 + nearest.shape[1]), -1, np.int32)
    for i in range(begin, end):
        size = 0
        for j in nearest[i]:
            for back in nearest[j]:
                if back == i:
                    size += 1
                    sets[i - begin, size] = j
                    break
        sets[i - begin, 0] = size
    return sets


@njit(nogil=True, cache=True)
def _weights(
    begin: int,
    end: int,
    indices: NDArray[np.int32],
    similarity: NDArray[np.float64],
    whole: Sets,
    halves: Sets,
    unit: NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:  # pragma: no cover - compiled
    n = len(indices)
    counts = np.zeros(end - begin, np.int64)
    columns = np.empty(64 * (end - begin), np.int32)
    values = np.empty(64 * (end - begin))
    core = np.full(n, -1, np.int64)  # core[j] == i: j is in R(i)
    taken = np.full(n, -1, np.int64)  # taken[j] == i: j is in the expanded set of i
    known = np.full(n, -1, np.int64)  # known[j] == i: cosine[j] is the similarity of i and j
    cosine = np.empty(n)
    members = np.empty(n, np.int32)
    filled = 0
    for i in range(begin, end):
        size = whole[i, 0]
        for slot in range(size):
            members[slot] = whole[i, 1 + slot]
            core[members[slot]] = taken[members[slot]] = i
        for slot in range(whole[i, 0]):
            candidate = halves[whole[i, 1 + slot]]
            overlap = 0
            for at in range(candidate[0]):
                overlap += core[candidate[1 + at]] == i
            if 3 * overlap > 2 * candidate[0]:
                for at in range(candidate[0]):
                    if taken[candidate[1 + at]] != i:
                        taken[candidate[1 + at]] = i
                        members[size] = candidate[1 + at]
                        size += 1
        for rank in range(indices.shape[1]):
            known[indices[i, rank]] = i
            cosine[indices[i, rank]] = similarity[i, rank]
        if filled + size > len(columns):
            columns, values = grow(columns, size), grow(values, size)
        total = 0.0
        for slot in range(size):
            j = members[slot]
            near = cosine[j] if known[j] == i else dot(unit[i], unit[j])
            columns[filled + slot] = j
            values[filled + slot] = np.exp(2.0 * near - 2.0)
            total += values[filled + slot]
        values[filled : filled + size] /= total
        counts[i - begin] = size
        filled += size
    return counts, columns[:filled].copy(), values[:filled].copy()


@njit(nogil=True, cache=True)
def _means(
    begin: int,
    end: int,
    nearest: NDArray[np.int32],
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    data: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:  # pragma: no cover - compiled
    n = len(nearest)
    counts = np.zeros(end - begin, np.int64)
    columns = np.empty(128 * (end - begin), np.int32)
    values = np.empty(128 * (end - begin))
    seen = np.full(n, -1, np.int64)
    total = np.empty(n)
    members = np.empty(n, np.int32)
    filled = 0
    for i in range(begin, end):
        size = averaged = 0
        for j in nearest[i]:
            if j < 0:
                continue
            averaged += 1
            for at in range(indptr[j], indptr[j + 1]):
                column = indices[at]
                if seen[column] != i:
                    seen[column] = i
                    total[column] = 0.0
                    members[size] = column
                    size += 1
                total[column] += data[at]
        if filled + size > len(columns):
            columns, values = grow(columns, size), grow(values, size)
        for column in members[:size]:
            columns[filled] = column
            values[filled] = total[column] / averaged
            filled += 1
        counts[i - begin] = size
    return counts, columns[:filled].copy(), values[:filled].copy()
