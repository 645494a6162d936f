"""Splits: divisions of a cluster that may be two people."""

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whosame.strategies.gain.candidates import SPLIT, Candidates, across_cameras, evidence_of
from whosame.strategies.gain.plda_groups import PLDAGroups
from whosame.strategies.groups import Groups

MEANS_STEPS = 10  # of 2-means


def find_splits(plda: PLDAGroups) -> Candidates:
    """Divide each cluster in two, by its least likely block and by 2-means.

    A must-link component is one block and is not divided.
    """
    groups = plda.groups
    roots = plda.state.memory.must_link_roots(len(plda.group_of))
    # Must-link components of each group, numbered from 0 by their smallest row.
    number = np.unique(groups.cluster_of * len(roots) + roots[groups.rows], return_inverse=True)[1]
    blocks = number - np.minimum.reduceat(number, groups.starts)[groups.cluster_of]
    rows: list[NDArray[np.int64]] = []
    sides: list[NDArray[np.int64]] = []
    clusters: list[int] = []
    for position in np.flatnonzero(groups.sizes > 1).tolist():
        members = groups.rows[groups.members(position)]
        block = blocks[groups.members(position)]
        for side in divisions(plda.points[members].astype(np.float64), block):
            rows.append(members)
            sides.append(side + 2 * len(sides))
            clusters.append(position)
    if not rows:
        return Candidates.none()
    all_rows, part = np.concatenate(rows), np.concatenate(sides)
    order = np.argsort(part, kind="stable")
    halves = Groups(part[order])  # its rows are positions in all_rows[order]
    moved = plda.points[all_rows[order]]
    means = halves.mean(moved).astype(np.float64)
    away = ((moved - means[halves.cluster_of]) ** 2).sum(axis=1)
    shown = all_rows[order][halves.argmin(away)]
    noise, views = plda.parts(part[order], all_rows[order])
    ratio = plda.model.log_ratio(means[::2], noise[::2], means[1::2], noise[1::2])
    sizes = np.stack([halves.sizes[::2], halves.sizes[1::2]], axis=1)
    at = np.array(clusters, np.int64)
    return Candidates(
        kind=np.full(len(at), SPLIT, np.int64),
        first=shown[::2],
        second=shown[1::2],
        groups=np.stack([at, at], axis=1),
        sizes=sizes,
        across=across_cameras(sizes, views[::2], views[1::2]),
        evidence=evidence_of(ratio, np.zeros(len(at)), np.zeros(len(at)), sizes),
    )


def divisions(points: NDArray[np.float64], block: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield ways to divide a cluster in two: the block farthest from the mean alone, and 2-means over the blocks.

    Parameters
    ----------
    points : float64 [n, d]
        The cluster's images.
    block : int64 [n]
        Which images stay together, numbered from 0.

    Yields
    ------
    int64 [n]
        0 or 1. No division where there is one block only; one where both ways are the same or there are at most three
        blocks.
    """
    ways, sides = _divided(points, block, int(block.max()) + 1)
    yield from sides[:ways]


@njit(nogil=True, cache=True)
def _divided(
    points: NDArray[np.float64], block: NDArray[np.int64], blocks: int
) -> tuple[int, NDArray[np.int64]]:  # pragma: no cover - compiled
    """Return how many ways there are, and the sides of the images by each, int64 [2, n]."""
    sides = np.zeros((2, len(block)), np.int64)
    if blocks < 2:
        return 0, sides
    dimensions = points.shape[1]
    weight = np.zeros(blocks)
    means = np.zeros((blocks, dimensions))
    mean = np.zeros(dimensions)
    for i in range(len(points)):
        weight[block[i]] += 1
        means[block[i]] += points[i]
        mean += points[i]
    for b in range(blocks):
        means[b] /= weight[b]
    mean /= len(points)
    farthest = _farthest(means, mean)
    for i in range(len(block)):
        sides[0, i] = block[i] == farthest
    if blocks < 4:
        return 1, sides
    zero, one = means[_farthest(means, means[farthest])].copy(), means[farthest].copy()
    side = np.arange(blocks) == farthest
    new = np.empty(blocks, np.bool_)
    for _ in range(MEANS_STEPS):
        for b in range(blocks):
            new[b] = _squared(means[b], one) < _squared(means[b], zero)
        if not new.any() or new.all() or (new == side).all():
            break
        side[:] = new
        zero[:], one[:] = 0.0, 0.0
        heavy = 0.0
        for b in range(blocks):
            if side[b]:
                one += weight[b] * means[b]
                heavy += weight[b]
            else:
                zero += weight[b] * means[b]
        one /= heavy
        zero /= weight.sum() - heavy
    differs = False
    for i in range(len(block)):
        sides[1, i] = side[block[i]]
    for b in range(blocks):
        differs |= side[b] != (b == farthest)
    return 1 + int(differs), sides


@njit(nogil=True, cache=True)
def _squared(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:  # pragma: no cover - compiled
    # Eight sums, added as numpy adds up to 128 numbers: the last bit decides between points that are equally far.
    part = np.zeros(8)
    whole = len(a) - len(a) % 8
    for d in range(whole):
        part[d % 8] += (a[d] - b[d]) ** 2
    total: float = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]))
    for d in range(whole, len(a)):
        total += (a[d] - b[d]) ** 2
    return total


@njit(nogil=True, cache=True)
def _farthest(means: NDArray[np.float64], point: NDArray[np.float64]) -> int:  # pragma: no cover - compiled
    best, most = 0, -1.0
    for b in range(len(means)):
        away = _squared(means[b], point)
        if away > most:
            best, most = b, away
    return best
