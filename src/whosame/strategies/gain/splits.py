"""Splits: divisions of a cluster that may be two people."""

from collections.abc import Iterator

import numpy as np
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
    rows: list[NDArray[np.int64]] = []
    sides: list[NDArray[np.int64]] = []
    clusters: list[int] = []
    for position in np.flatnonzero(groups.sizes > 1).tolist():
        members = groups.rows[groups.members(position)]
        block = np.unique(roots[members], return_inverse=True)[1]
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
    weight = np.bincount(block)
    if len(weight) < 2:
        return
    means = np.zeros((len(weight), points.shape[1]))
    np.add.at(means, block, points)
    means /= weight[:, None]
    farthest = int(np.argmax(((means - points.mean(axis=0)) ** 2).sum(axis=1)))
    alone = np.arange(len(weight)) == farthest
    yield alone[block].astype(np.int64)
    if len(weight) < 4:
        return
    opposite = int(np.argmax(((means - means[farthest]) ** 2).sum(axis=1)))
    centres, side = means[[opposite, farthest]], alone
    for _ in range(MEANS_STEPS):
        new = ((means - centres[1]) ** 2).sum(axis=1) < ((means - centres[0]) ** 2).sum(axis=1)
        if not new.any() or new.all() or (new == side).all():
            break
        side = new
        centres = np.stack([np.average(means[half], axis=0, weights=weight[half]) for half in (~side, side)])
    if not (side == alone).all():
        yield side[block].astype(np.int64)
