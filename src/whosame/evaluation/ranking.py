"""Ranks of a query's matches in the gallery, without sorting the gallery."""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

from whosame.evaluation.feature_set import FeatureSet
from whosame.identities import is_counted, is_person

UNIT = 1e-3  # rows whose length is this near to 1 count as normalised (half precision keeps 5e-4)
CHUNK = 128  # similarities compared at a time: 512 bytes stay in the first-level cache for every positive
REMOVED = np.float32(-np.inf)


def ranks_of_matches(
    query: FeatureSet, gallery: FeatureSet, itself: NDArray[np.int64], block_bytes: int, threads: int
) -> list[NDArray[np.int32]]:
    """Return for each query the ranks of its matches, from 1, ascending.

    Parameters
    ----------
    query, gallery : FeatureSet
        Of Q and G images.
    itself : int64 [Q]
        The query's own position in the gallery, -1 where it is not there.
    block_bytes : int
        Size of the blocks of similarities; the ranks do not depend on it.
    threads : int

    Returns
    -------
    list of int32 arrays
        Q of them; empty for a query without a match.
    """
    if len(query) == 0 or len(gallery) == 0:
        return [np.empty(0, np.int32)] * len(query)
    unit = bool((np.abs(gallery.lengths - 1) < UNIT).all())
    scale = np.ones(len(gallery)) if unit else 1 / np.where(gallery.lengths > 0, gallery.lengths, 1)
    slack = (rounding_slack(query.features.shape[1]) * query.lengths).astype(np.float32)
    by_identity = np.argsort(gallery.identities, kind="stable")
    begin, end = (
        np.searchsorted(gallery.identities[by_identity], query.identities, side) for side in ("left", "right")
    )
    end = np.where(is_person(query.identities), end, begin)
    junk = np.flatnonzero(~is_counted(gallery.identities))
    given = (gallery.features, gallery.cameras, scale, by_identity, junk)

    def rank(similarities: NDArray[np.float32], part: slice) -> list[NDArray[np.int32]]:
        flat, counts = np.empty((end[part] - begin[part]).sum(), np.int32), np.empty(len(similarities), np.int64)
        asked = (query.features[part], query.cameras[part], slack[part], begin[part], end[part], itself[part])
        rank_matches(similarities, *asked, *given, flat, counts)
        return [np.sort(found) for found in np.split(flat[: counts.sum()], np.cumsum(counts)[:-1])]

    rows = max(1, min(len(query), block_bytes // (4 * len(gallery))))
    block = np.empty((rows, len(gallery)), np.float32)
    share = -(-rows // threads)
    ranks: list[NDArray[np.int32]] = []
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(query), rows):
            queries = query.features[start : start + rows]
            similarities = np.matmul(queries, gallery.features.T, out=block[: len(queries)])
            if not unit:
                similarities *= scale.astype(np.float32)
            firsts = range(0, len(queries), share)
            blocks = (similarities[i : i + share] for i in firsts)
            parts = (slice(start + i, start + min(i + share, len(queries))) for i in firsts)
            for found in pool.map(rank, blocks, parts):
                ranks += found
    return ranks


def rounding_slack(dimension: int) -> float:
    """Return the difference below which two float32 similarities of unit vectors may be in the wrong order.

    The error of a float32 inner product grows like a random walk over the terms that one accumulator takes, and BLAS
    libraries begin a new one every few hundred terms [1]_. Four times the random walk is 3 to 40 times the largest
    error seen with OpenBLAS at 64 to 8,192 dimensions, non-negative features included. A library that is worse than
    this could at most swap images whose similarities agree to six digits.

    References
    ----------
    .. [1] Higham and Mary, *A new approach to probabilistic rounding error analysis*, SIAM J. Sci. Comput. 41 (2019).
    """
    return 4.0 * 2.0**-24 * float(np.sqrt(min(dimension, 512)))


@numba.njit(nogil=True, cache=True)
def rank_matches(
    similarities: NDArray[np.float32],
    queries: NDArray[np.float32],
    cameras: NDArray[np.int64],
    slack: NDArray[np.float32],
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    itself: NDArray[np.int64],
    gallery: NDArray[np.float32],
    gallery_cameras: NDArray[np.int64],
    scale: NDArray[np.float64],
    by_identity: NDArray[np.int64],
    junk: NDArray[np.int64],
    ranks: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    """Write the ranks of every query's matches, after the images that the protocol removes.

    Parameters
    ----------
    similarities : float32 [n, G]
        Of ``n`` queries to the gallery. Overwritten: what is removed becomes minus infinity.
    queries, cameras, slack : float32 [n, D], int64 [n], float32 [n]
        The queries; ``slack``: ``similarities`` that differ by less may be in the wrong order.
    begin, end : int64 [n]
        ``by_identity[begin:end]`` are the gallery images of the query's identity.
    itself : int64 [n]
        The query's own position in the gallery, which is removed; -1 where it is not there.
    gallery, gallery_cameras, scale : float32 [G, D], int64 [G], float64 [G]
        ``scale`` is what inner products are multiplied by: 1, or the inverse length of the gallery row.
    by_identity : int64 [G]
        The gallery's positions in order of identity.
    junk : int64 [J]
        Positions that are removed for every query.
    ranks : int32 [sum of end - begin]
        Result: the ranks from 1, one query after the other, in gallery order.
    counts : int64 [n]
        Result: how many matches each query has.
    """
    position = 0
    for i in range(similarities.shape[0]):
        row = similarities[i]
        for j in junk:
            row[j] = REMOVED
        if itself[i] >= 0:
            row[itself[i]] = REMOVED
        matches = np.empty(end[i] - begin[i], np.int64)
        count = 0
        for j in by_identity[begin[i] : end[i]]:
            if gallery_cameras[j] == cameras[i] and cameras[i] >= 0:
                row[j] = REMOVED
            elif j != itself[i]:
                matches[count] = j
                count += 1
        if count:
            _rank(row, matches[:count], queries[i], gallery, scale, slack[i], ranks[position : position + count])
        counts[i] = count
        position += count


@numba.njit(nogil=True, cache=True)
def _rank(
    row: NDArray[np.float32],
    matches: NDArray[np.int64],
    query: NDArray[np.float32],
    gallery: NDArray[np.float32],
    scale: NDArray[np.float64],
    slack: np.float32,
    ranks: NDArray[np.int32],
) -> None:
    """Write 1 + the number of gallery images before each match, equal similarities in gallery order."""
    ranks[:] = 1
    exact = np.full(row.size, np.nan)  # float64 similarities, of those that were needed
    for start in range(0, row.size, CHUNK):
        size = min(CHUNK, row.size - start)
        nearest = _largest(row, start, size)
        for p in range(matches.size):
            match = matches[p]
            lower, upper = np.float32(row[match] - slack), np.float32(row[match] + slack)
            if nearest < lower:
                continue
            above, within_reach = _count(row, start, size, lower, upper)
            ranks[p] += np.int32(above)
            itself = start <= match < start + CHUNK
            if within_reach - above == np.float32(itself):
                continue
            # Too close for float32: these few are compared in float64. It makes the ranks, and so every figure,
            # the same whatever the BLAS library, its threads and the size of the blocks, and exact ties stay ties.
            if np.isnan(exact[match]):
                exact[match] = _inner(query, gallery[match]) * scale[match]
            for j in range(start, start + size):
                if lower <= row[j] <= upper and j != match:
                    if np.isnan(exact[j]):
                        exact[j] = _inner(query, gallery[j]) * scale[j]
                    ranks[p] += exact[j] > exact[match] or (exact[j] == exact[match] and j < match)


# The two loops below go over unsigned positions: to go over the values of an array, or signed positions that might be
# negative, makes LLVM gather the values one by one, which is seven times slower.
@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
def _largest(row: NDArray[np.float32], start: int, size: int) -> np.float32:
    largest: np.float32 = row[start]
    for k in range(size):
        largest = max(largest, row[np.uintp(start + k)])
    return largest


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
def _count(
    row: NDArray[np.float32], start: int, size: int, lower: np.float32, upper: np.float32
) -> tuple[np.float32, np.float32]:
    """Count what is above ``upper`` and what is not below ``lower``; in float32, which is exact here, to use SIMD."""
    one, none = np.float32(1), np.float32(0)
    above = within_reach = none
    for k in range(size):
        value = row[np.uintp(start + k)]
        above += one if value > upper else none
        within_reach += one if value >= lower else none
    return above, within_reach


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _inner(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    total = 0.0
    for k in range(a.size):
        total += np.float64(a[k]) * np.float64(b[k])
    return total
