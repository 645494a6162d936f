"""Exact nearest neighbours by cosine, in a fixed order: the row itself, then nearer, then smaller rows."""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numba import njit
from numpy.typing import NDArray

from whosame.clustering.blocks import map_blocks
from whosame.errors import InputError, ParameterError, format_problems

TIE = 1e-12  # similarities that differ by less in float64 are equal: the difference is rounding
SPARE = 8  # candidates beyond k of the float32 search for the float64 ranking
UNIT = 1e-3  # rows whose length differs from 1 by more are normalised; less is rounding of half precision
EXACT_ROWS = 256
GPU_NEIGHBOURS = 2048  # faiss finds no more on a GPU
GPU_BYTES = 2**31  # of features that are on a GPU at once
NOWHERE = -1  # in place of a row: there is none


@dataclass(frozen=True)
class Neighbours:
    """The nearest rows of every row.

    Attributes
    ----------
    indices : int32 [N, k]
        The row itself first, even among exact duplicates; then by descending similarity; ties by the smaller row.
    similarity : float64 [N, k]
        Cosine similarity to each of them.
    """

    indices: NDArray[np.int32]
    similarity: NDArray[np.float64]

    @property
    def nearest(self) -> NDArray[np.int64]:
        """The nearest other row of each, int64 [N]; of the only row there is, itself. Needs a search with k >= 2."""
        column = self.indices[:, 1] if len(self.indices) > 1 else self.indices.ravel()
        return column.astype(np.int64)


def neighbours(features: NDArray[Any], k: int) -> Neighbours:
    """Find the ``k`` nearest rows of every row, itself among them.

    faiss searches in float32, on a GPU if it has one; the candidates are ranked by float64 similarities, so that
    the result does not depend on the machine, the number of threads or the order of summation. Rows where float32
    cannot separate the k-th neighbour from rows beyond the candidates (as with more than k duplicates) are searched
    again in float64.

    Parameters
    ----------
    features : float32 or float64 [N, D]
        L2-normalised. Rows of another length are normalised first.
    k : int
        At least 1; at most N are found.

    Returns
    -------
    Neighbours
        Arrays of shape [N, min(k, N)].

    Raises
    ------
    InputError
        Features of another shape, rows that are not finite or are zero.
    ParameterError
        ``k`` below 1.

    Notes
    -----
    O(N² D) time, O(N (k + D)) memory. Similarities that differ by less than 1e-12 are ties.
    """
    if k < 1:
        raise ParameterError(f"the number of neighbours is {k}, but at least 1 is needed")
    unit = unit_rows(features)
    return nearest_among(unit, unit, np.arange(len(unit)), k)


def nearest_among(queries: NDArray[Any], rows: NDArray[Any], own: NDArray[np.int64] | None, k: int) -> Neighbours:
    """Find the ``k`` nearest of some rows for each query, as :func:`neighbours` does.

    Parameters
    ----------
    queries, rows : float32 or float64 [Q, D], [R, D]
        Of unit length, as :func:`unit_rows` returns them.
    own : int64 [Q] or None
        Which of the rows is the query itself: it comes first. None: no query is among the rows.
    k : int
        At most R are found.

    Returns
    -------
    Neighbours
        Positions among ``rows``, and similarities; arrays of shape [Q, min(k, R)].
    """
    n = len(rows)
    k = min(k, n)
    if k == 0 or len(queries) == 0:
        return Neighbours(np.empty((len(queries), k), np.int32), np.empty((len(queries), k)))
    itself = np.full(len(queries), NOWHERE) if own is None else own
    approximate, candidates = _search(queries, rows, min(k + SPARE, n))
    similarity = np.concatenate(map_blocks(similarities, len(queries), queries, rows, candidates))
    indices, found = rank(itself, candidates, similarity, k)
    if candidates.shape[1] < n:
        error = 4 * float(np.abs(approximate - similarity).max())
        beyond = approximate.min(axis=1) + error + TIE  # no row outside the candidates is more similar than this
        first = 0 if own is None else 1
        unclear = found[:, first:].min(axis=1, initial=np.inf) <= beyond
        unclear |= (indices[:, 0] != itself) & (itself != NOWHERE)
        for some in _blocks_of(np.flatnonzero(unclear)):
            all_rows = np.tile(np.arange(n, dtype=np.int32), (len(some), 1))
            indices[some], found[some] = rank(itself[some], all_rows, _all_similarities(queries[some], rows), k)
    return Neighbours(indices, found)


def unit_rows(features: NDArray[Any]) -> NDArray[Any]:
    """Return C-contiguous float features [N, D] of unit length: the same array if it is that already.

    Raises
    ------
    InputError
        Not two-dimensional, not floating point, or rows that are not finite or zero.
    """
    if features.ndim != 2 or features.shape[1] == 0 or features.dtype not in (np.float32, np.float64):
        found = f"{features.dtype} {list(features.shape)}"
        raise InputError(f"features must be float32 [N, D] with D of at least 1, not {found}")
    rows = np.ascontiguousarray(features)
    squares = np.einsum("nd,nd->n", rows, rows)
    bad = np.flatnonzero(~(np.isfinite(squares) & (squares > 0)))
    if len(bad):
        problems = [f"row {row}: squared length {squares[row]}" for row in bad]
        raise InputError(
            format_problems(f"{len(bad)} rows of the features have no direction", problems, "Extract them again.")
        )
    lengths = np.sqrt(squares)
    if len(rows) and np.abs(lengths - 1).max() > UNIT:
        rows = rows / lengths[:, None]
    return rows


def _search(queries: NDArray[Any], rows: NDArray[Any], k: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    queries, rows = (part.astype(np.float32, copy=False) for part in (queries, rows))
    if k <= GPU_NEIGHBOURS and getattr(faiss, "get_num_gpus", lambda: 0)():  # faiss-cpu has no such function
        found = faiss.knn_gpu(
            faiss.StandardGpuResources(),
            queries,
            rows,
            k,
            metric=faiss.METRIC_INNER_PRODUCT,
            vectorsMemoryLimit=GPU_BYTES,
            queriesMemoryLimit=GPU_BYTES,
        )
    else:
        found = faiss.knn(queries, rows, k, metric=faiss.METRIC_INNER_PRODUCT)
    return found[0], found[1].astype(np.int32)


def rank(
    own: NDArray[np.int64], candidates: NDArray[np.int32], similarity: NDArray[np.float64], k: int
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the ``k`` nearest of each query's candidates, its own row first, and their similarities, [Q, k]."""
    descending = np.argsort(-similarity, axis=1)
    candidates = np.take_along_axis(candidates, descending, axis=1)
    similarity = np.take_along_axis(similarity, descending, axis=1)
    falls = similarity[:, :-1] - similarity[:, 1:] > TIE  # a run of ties ends at a difference above rounding
    place = np.zeros(candidates.shape, np.int64)
    np.cumsum(falls, axis=1, out=place[:, 1:])
    place *= int(candidates.max(initial=0)) + 1
    place += candidates
    place[candidates == own[:, None]] = -1
    order = np.argsort(place, axis=1)[:, :k]
    return np.take_along_axis(candidates, order, axis=1), np.take_along_axis(similarity, order, axis=1)


def _all_similarities(queries: NDArray[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
    some = queries.astype(np.float64)
    spans = range(0, len(rows), 8 * EXACT_ROWS)  # never all features in float64 at once
    return np.hstack([some @ rows[begin : begin + 8 * EXACT_ROWS].T.astype(np.float64) for begin in spans])


def _blocks_of(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [rows[begin : begin + EXACT_ROWS] for begin in range(0, len(rows), EXACT_ROWS)]


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def dot(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the inner product, summed in float64."""
    total = 0.0
    for d in range(len(a)):
        total += np.float64(a[d]) * np.float64(b[d])
    return total


@njit(nogil=True, cache=True)
def similarities(
    begin: int, end: int, queries: NDArray[Any], rows: NDArray[Any], candidates: NDArray[np.int32]
) -> NDArray[np.float64]:  # pragma: no cover - compiled
    """Return the similarities of the queries begin to end - 1 to their candidates, float64 [end - begin, K]."""
    found = np.empty((end - begin, candidates.shape[1]))
    for i in range(begin, end):
        for rank in range(candidates.shape[1]):
            found[i - begin, rank] = dot(queries[i], rows[candidates[i, rank]])
    return found
