"""Random two-point trees: rows that are near each other tend to share a leaf."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whosame.clustering.blocks import in_threads
from whosame.clustering.descent import Lists, offer

Leaf = NDArray[np.int32]


def leaves(unit: NDArray[Any], rows: Leaf, size: int, generator: np.random.Generator) -> list[Leaf]:
    """Divide rows into leaves of at most ``size``, in an order in which neighbouring leaves are near each other.

    A node takes two of its rows at random and divides in halves by the projection on the line between them: along
    directions in which the rows do vary.

    Parameters
    ----------
    unit : float [N, D]
    rows : int32 [n]
    size : int
        At least 1.
    generator : numpy.random.Generator

    References
    ----------
    Dasgupta and Freund, *Random projection trees and low dimensional manifolds*, STOC 2008; the direction is that of
    Annoy and pynndescent.
    """
    found, waiting = list[Leaf](), [rows]
    while waiting:
        node = waiting.pop()
        if len(node) <= size:
            found.append(node)
            continue
        first, second = generator.choice(len(node), 2, replace=False)
        along = _projected(unit, node, unit[node[first]] - unit[node[second]])
        order = np.argpartition(along, len(node) // 2)
        waiting += [node[order[len(node) // 2 :]], node[order[: len(node) // 2]]]
    return found


def compare_within(leaf_rows: list[Leaf], unit: NDArray[Any], groups: NDArray[np.int32], lists: Lists) -> None:
    """Offer every row of each leaf to every other row of the leaf. No row may be in two of the leaves."""

    def compare(leaf: Leaf) -> None:
        some = unit[leaf]
        _compare(leaf, some @ some.T, groups, *lists)

    in_threads(compare, leaf_rows)


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _projected(
    unit: NDArray[Any], rows: Leaf, direction: NDArray[Any]
) -> NDArray[np.float32]:  # pragma: no cover - compiled
    along = np.empty(len(rows), np.float32)
    for at in range(len(rows)):
        row, total = unit[rows[at]], direction[0] * 0
        for d in range(len(direction)):
            total += row[d] * direction[d]
        along[at] = total
    return along


@njit(nogil=True, cache=True)
def _compare(
    leaf: Leaf,
    tile: NDArray[Any],
    groups: NDArray[np.int32],
    within: int,
    indices: NDArray[np.int32],
    similarity: NDArray[np.float32],
    fresh: NDArray[np.uint8],
) -> None:  # pragma: no cover - compiled
    for a in range(len(leaf)):
        i = leaf[a]
        least = min(similarity[i, -1], similarity[i, within - 1])
        for b in range(len(leaf)):
            if tile[a, b] > least and a != b:
                offer(i, leaf[b], tile[a, b], groups, within, indices, similarity, fresh)
                least = min(similarity[i, -1], similarity[i, within - 1])
