"""Lists of neighbours that improve by their own neighbours: a neighbour of a neighbour is likely to be one."""

from typing import Any, NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whosame.clustering.blocks import map_blocks

LOOKED_AT = 12  # of each list, and rows that have a row in theirs


class Lists(NamedTuple):
    """The nearest rows found so far of every row: of its own group, then of all others. A row is not in its own.

    Attributes
    ----------
    within : int
        How many are of the own group.
    indices : int32 [N, K]
        By descending similarity in each part; -1 where there is none yet.
    similarity : float32 [N, K]
    fresh : uint8 [N, K]
        1 where the row has come since the last :func:`improve`.
    """

    within: int
    indices: NDArray[np.int32]
    similarity: NDArray[np.float32]
    fresh: NDArray[np.uint8]

    @classmethod
    def empty(cls, n: int, within: int, across: int) -> Self:
        """Return lists without a row; ``within`` is at least 1."""
        shape = (n, within + across)
        return cls(within, np.full(shape, -1, np.int32), np.full(shape, -np.inf, np.float32), np.zeros(shape, np.uint8))


def improve(lists: Lists, unit: NDArray[Any], groups: NDArray[np.int32]) -> Lists:
    """Return the lists after every row has been offered what its neighbours have near them.

    Neighbours are the rows in its list and some that have it in theirs. A pair of which neither link is fresh has been
    looked at before. Rows read the lists given and write their own in a copy: the order of rows does not matter.

    Parameters
    ----------
    lists : Lists
    unit : float [N, D]
    groups : int32 [N]

    References
    ----------
    Dong, Moses and Li, *Efficient k-nearest neighbor graph construction for generic similarity measures*, WWW 2011.
    """
    n = len(unit)
    better = Lists(lists.within, lists.indices.copy(), lists.similarity.copy(), np.zeros_like(lists.fresh))
    parts = (unit, groups, lists.within, lists.indices, lists.fresh, *_reversed(lists.indices, lists.fresh, LOOKED_AT))
    map_blocks(_improve, n, *parts, LOOKED_AT, better.indices, better.similarity, better.fresh)
    return better


@njit(nogil=True, cache=True)
def offer(
    i: int,
    j: int,
    near: float,
    groups: NDArray[np.int32],
    within: int,
    indices: NDArray[np.int32],
    similarity: NDArray[np.float32],
    fresh: NDArray[np.uint8],
) -> None:  # pragma: no cover - compiled
    """Put row ``j`` into the list of row ``i`` if it is nearer than the last there and not in it."""
    if groups[i] == groups[j]:
        begin, last = 0, within - 1
    else:
        begin, last = within, indices.shape[1] - 1
    if last < begin or near <= similarity[i, last]:
        return
    for at in range(begin, last + 1):
        if indices[i, at] == j:
            return
    at = last
    while at > begin and similarity[i, at - 1] < near:
        indices[i, at], similarity[i, at], fresh[i, at] = indices[i, at - 1], similarity[i, at - 1], fresh[i, at - 1]
        at -= 1
    indices[i, at], similarity[i, at], fresh[i, at] = j, near, 1


@njit(nogil=True, cache=True)
def _reversed(
    indices: NDArray[np.int32], fresh: NDArray[np.uint8], most: int
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:  # pragma: no cover - compiled
    """Return up to ``most`` rows that have each row in their lists, those that have it nearest the front first."""
    n = len(indices)
    counts = np.zeros(n, np.int32)
    rows, new = np.full((n, most), -1, np.int32), np.zeros((n, most), np.uint8)
    for rank in range(indices.shape[1]):
        for i in range(n):
            j = indices[i, rank]
            if j >= 0 and counts[j] < most:
                rows[j, counts[j]], new[j, counts[j]] = i, fresh[i, rank]
                counts[j] += 1
    return rows, new


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _near(a: NDArray[Any], b: NDArray[Any]) -> Any:  # pragma: no cover - compiled
    total = a[0] * 0
    for d in range(len(a)):
        total += a[d] * b[d]
    return total


@njit(nogil=True, cache=True)
def _improve(
    begin: int,
    end: int,
    unit: NDArray[Any],
    groups: NDArray[np.int32],
    within: int,
    indices: NDArray[np.int32],
    fresh: NDArray[np.uint8],
    having: NDArray[np.int32],
    having_fresh: NDArray[np.uint8],
    looked_at: int,
    into: NDArray[np.int32],
    into_similarity: NDArray[np.float32],
    into_fresh: NDArray[np.uint8],
) -> None:  # pragma: no cover - compiled
    k = indices.shape[1]
    seen = np.full(len(indices), -1, np.int32)
    for i in range(begin, end):
        seen[i] = i
        for at in range(k):
            if indices[i, at] >= 0:
                seen[indices[i, at]] = i
        for at in range(k + having.shape[1]):
            if at < k:
                if looked_at <= at < within or at >= within + looked_at:
                    continue
                through, new = indices[i, at], fresh[i, at]
            else:
                through, new = having[i, at - k], having_fresh[i, at - k]
            if through < 0:
                continue
            if seen[through] != i:
                seen[through] = i
                near = _near(unit[i], unit[through])
                offer(i, through, near, groups, within, into, into_similarity, into_fresh)
            for other in range(k):
                if looked_at <= other < within or other >= within + looked_at:
                    continue
                j = indices[through, other]
                if j < 0 or seen[j] == i or (new == 0 and fresh[through, other] == 0):
                    continue
                seen[j] = i
                near = _near(unit[i], unit[j])
                offer(i, j, near, groups, within, into, into_similarity, into_fresh)
