"""Jaccard distances between k-reciprocal encodings, in sparse rows."""

from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from whosame.clustering.approximate_neighbours import EXACT, Search
from whosame.clustering.blocks import grow, map_sparse
from whosame.clustering.neighbours import Neighbours, unit_rows
from whosame.clustering.reciprocal import encode, expand
from whosame.errors import ParameterError

# Two rows of sum 1 that agree within max_distance share s >= least, the s at that distance. A row's last columns, up
# to LATE of that weight, cannot bring two rows together alone: only what shares an early column is looked at, and
# is dropped if even all of the late weight would not do. The long columns come last, where most of the work would be.
LATE = 0.9
RENAMED = 2**20  # entries at a time
TURNED = 2**24  # entries that are held by column too; a pair's distance is that of the rows together
SLACK = 1e-6  # far above the rounding of s, so that no pair is lost


def jaccard_graph(
    features: NDArray[Any], *, k1: int = 30, k2: int = 6, max_distance: float = 0.6, search: Search = EXACT
) -> csr_array:
    """Return the k-reciprocal Jaccard distances up to ``max_distance`` as a sparse graph.

    Parameters
    ----------
    features : float32 or float64 [N, D]
        L2-normalised. Rows of another length are normalised first.
    k1 : int, default=30
        Neighbours that count as near, the row itself included; at least 1, and N at most are found.
    k2 : int, default=6
        Neighbours whose encodings are averaged (query expansion), the row itself included; 1 averages nothing.
    max_distance : float, default=0.6
        Largest distance kept, in [0, 1). Images that share no neighbour have distance 1, so a graph up to 1 would
        be dense.
    search : Search
        By default exact.

    Returns
    -------
    scipy.sparse.csr_array, float32 [N, N]
        Symmetric, columns ascending. Absent = farther. Distances of 0 (the diagonal, duplicates) are stored
        explicitly: do not ``eliminate_zeros``.

    Raises
    ------
    InputError
        Features that are no such array, or rows without a direction.
    ParameterError
        A parameter out of its range.

    Notes
    -----
    Ties of neighbours go to the smaller row (see :class:`Neighbours`). Everything is summed in float64, in an order
    that does not depend on the threads; a distance is then rounded to float32 and compared as float32. So a distance
    that equals ``max_distance`` but for rounding, as 1 - s / (2 - s) with s = 4/6 equals 0.5, is kept.

    References
    ----------
    Zhong et al., CVPR 2017, Eq. 8-11, without mixing in the original distance; methods.md, Clusters.

    Examples
    --------
    >>> graph = jaccard_graph(np.eye(4, dtype=np.float32)[[0, 0, 1, 1]], k1=2, k2=1)
    >>> graph.indices.reshape(4, 2).tolist()
    [[0, 1], [0, 1], [2, 3], [2, 3]]
    """
    check_scales(max_distance, k1=k1, k2=k2)
    unit = unit_rows(features)
    near, _ = search.neighbours(unit, max(k1, k2))
    return jaccard_from_neighbours(near, unit, k1=k1, k2=k2, max_distance=max_distance)


def jaccard_from_neighbours(
    near: Neighbours, features: NDArray[Any], *, k1: int = 30, k2: int = 6, max_distance: float = 0.6
) -> csr_array:
    """Return :func:`jaccard_graph` of features whose max(k1, k2) nearest neighbours are known.

    Raises
    ------
    ParameterError
        A parameter out of its range, or fewer neighbours than ``k1`` or ``k2``.
    """
    check_scales(max_distance, k1=k1, k2=k2)
    unit = unit_rows(features)
    n = len(unit)
    needed = min(max(k1, k2), n)
    if near.indices.shape[0] != n or near.indices.shape[1] < needed:
        raise ParameterError(f"neighbours of shape {list(near.indices.shape)} for {n} rows that need {needed} each")
    return encoded_distances(expand(encode(near, unit, k1=k1), near.indices[:, :k2]), max_distance)


def encoded_distances(encoded: csr_array, max_distance: float) -> csr_array:
    """Return the Jaccard distances between encodings up to ``max_distance``, as of :func:`jaccard_graph`.

    Parameters
    ----------
    encoded : scipy.sparse.csr_array, float64 [N, N]
        Weights; each row sums to 1. It is used up: its columns are renamed in place.
    max_distance : float
        In [0, 1).
    """
    n = encoded.shape[0]
    _long_columns_last(encoded)
    parts = max(1, -(-encoded.nnz // TURNED))
    found = []
    for begin, end in pairwise(np.linspace(0, n, parts + 1).astype(int).tolist()):
        some = encoded if parts == 1 else encoded[begin:end]
        columns = some.tocsc()  # by the image that these rows have a weight on, ascending
        del some
        turned = (columns.indptr, columns.indices, columns.data)
        of = (encoded.indptr, encoded.indices, encoded.data, *turned, np.int32(begin), np.float32(max_distance))
        pairs = map_sparse(_distances, end, *of, dtype=np.float32, columns=n).tocoo()
        found.append((pairs.row, pairs.col, pairs.data))
        del columns, turned, of
    left, above, distances = (np.concatenate(part) for part in zip(*found, strict=True))
    return _mirrored(left, above, distances, n)


def check_scales(max_distance: float, **scales: int) -> None:
    """Check numbers of neighbours, given by name, and the largest distance.

    Raises
    ------
    ParameterError
    """
    problems = [f"{name} is {k}, but must be at least 1" for name, k in scales.items() if k < 1]
    if not 0 <= max_distance < 1:
        problems.append(f"max_distance is {max_distance}, but must lie in [0, 1)")
    if problems:
        raise ParameterError("; ".join(problems))


def _long_columns_last(encoded: csr_array) -> None:
    """Reorder the columns by the number of rows with a weight on them, ascending; distances do not change."""
    order = np.argsort(np.bincount(encoded.indices, minlength=encoded.shape[1]), kind="stable")
    place = np.empty_like(encoded.indices, shape=len(order))
    place[order] = np.arange(len(order))
    for begin in range(0, encoded.nnz, RENAMED):
        encoded.indices[begin : begin + RENAMED] = place[encoded.indices[begin : begin + RENAMED]]
    encoded.has_sorted_indices = False
    encoded.sort_indices()


def _mirrored(left: NDArray[np.int32], above: NDArray[np.int32], distances: NDArray[np.float32], n: int) -> csr_array:
    itself = np.arange(n, dtype=np.int32)
    rows = np.concatenate([left, above, itself])
    columns = np.concatenate([above, left, itself])
    data = np.concatenate([distances, distances, np.zeros(n, np.float32)])
    graph = coo_array((data, (rows, columns)), shape=(n, n)).tocsr()  # keeps explicit zeros, as adding does not
    graph.sort_indices()
    return graph


@njit(nogil=True, cache=True)
def _distances(
    begin: int,
    end: int,
    indptr: NDArray[np.int64],
    indices: NDArray[np.int32],
    data: NDArray[np.float64],
    column_indptr: NDArray[np.int64],
    column_rows: NDArray[np.int32],
    column_data: NDArray[np.float64],
    first_row: np.int32,
    max_distance: np.float32,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:  # pragma: no cover - compiled
    n = len(indptr) - 1
    least = 2.0 * (1.0 - max_distance) / (2.0 - max_distance) - SLACK  # the s of a pair at max_distance
    counts = np.zeros(end - begin, np.int64)
    columns = np.empty(64 * (end - begin), np.int32)
    values = np.empty(64 * (end - begin), np.float32)
    shared = np.zeros(n)  # what row i has in common with every row, over i's early columns
    late = np.zeros(n)  # row i's weights in its late columns
    touched = np.empty(n + 1, np.int32)
    filled = 0
    for i in range(begin, end):
        early, left = indptr[i + 1], 0.0
        while early > indptr[i] and left + data[early - 1] <= LATE * least:
            early -= 1
            left += data[early]
            late[indices[early]] = data[early]
        size = 0
        for at in range(indptr[i], early):
            column, weight = indices[at], data[at]
            for other in range(column_indptr[column + 1] - 1, column_indptr[column] - 1, -1):
                j = first_row + column_rows[other]
                if j <= i:  # the graph is symmetric: the lower half is mirrored
                    break
                before, other_weight = shared[j], column_data[other]
                touched[size] = j  # always written: a branch here costs more than all the rest
                size += int(before == 0.0)
                shared[j] = before + min(weight, other_weight)
        if filled + size > len(columns):
            columns, values = grow(columns, size), grow(values, size)
        first = filled
        for j in touched[:size]:
            common = shared[j]
            shared[j] = 0.0
            if common + left < least:
                continue
            for at in range(indptr[j], indptr[j + 1]):
                common += min(late[indices[at]], data[at])
            distance = np.float32(max(0.0, 1.0 - common / (2.0 - common)))
            if distance <= max_distance:
                columns[filled] = j
                values[filled] = distance
                filled += 1
        counts[i - begin] = filled - first
        for at in range(early, indptr[i + 1]):
            late[indices[at]] = 0.0
    return counts, columns[:filled].copy(), values[:filled].copy()
