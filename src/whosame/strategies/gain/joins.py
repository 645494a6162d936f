"""Joins: pairs of groups that may be one person."""

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import triu

from whosame.clustering.blocks import in_threads
from whosame.strategies.gain.candidates import (
    HOME,
    MERGE,
    PAIR,
    RATIOS,
    Candidates,
    across_cameras,
    evidence_of,
)
from whosame.strategies.gain.plda_groups import PLDAGroups
from whosame.strategies.groups import lowest

SEARCHED = 20_000  # groups, by faiss
BLOCK = 256  # groups compared with all others at once
NEAREST_OUTLIERS = 4  # that each group is paired with: most outliers are alone, and there are many


def find_joins(plda: PLDAGroups, neighbours: int) -> Candidates:
    """Pair groups that the graph links or whose people lie near each other, unless an answer keeps them apart.

    Parameters
    ----------
    plda : PLDAGroups
    neighbours : int
        Number of nearest clusters that each group is paired with.
    """
    groups, count = plda.groups, len(plda.groups)
    linked, similarity = _links(plda)
    codes = [linked]
    shrunk = plda.model.shrunk(plda.means, plda.noise)
    for others, wanted in (
        (np.flatnonzero(~plda.is_outlier), neighbours),
        (np.flatnonzero(plda.is_outlier), NEAREST_OUTLIERS),
    ):
        if len(others):
            codes.append(_near(shrunk, others, wanted))
    memory, known = plda.state.memory, np.full(count, -1)
    apart = np.sort(plda.group_of[memory.cannot_links()], axis=1)
    pairs = np.setdiff1d(np.concatenate(codes), apart[:, 0] * count + apart[:, 1])
    np.maximum.at(known, plda.group_of, memory.individuals(len(plda.group_of)))
    pairs = pairs[(known[pairs // count] < 0) | (known[pairs % count] < 0)]  # others are two known individuals
    a, b = np.divmod(pairs, count)
    ratio = plda.model.log_ratio(plda.means[a], plda.noise[a], plda.means[b], plda.noise[b])
    sizes = np.stack([groups.sizes[a], groups.sizes[b]], axis=1)
    links = np.zeros(len(pairs))
    links[np.isin(pairs, linked)] = similarity[np.isin(linked, pairs)]  # both ascend
    links /= sizes.prod(axis=1)
    alone = np.stack([plda.is_outlier[a], plda.is_outlier[b]], axis=1)
    return Candidates(
        kind=np.array([MERGE, HOME, PAIR])[alone.sum(axis=1)],
        first=plda.representatives[a],
        second=plda.representatives[b],
        groups=np.stack([a, b], axis=1),
        sizes=sizes,
        across=across_cameras(sizes, plda.views[a], plda.views[b]),
        evidence=evidence_of(ratio, lead(ratio, a, b, alone), links, sizes),
    )


def lead(
    ratio: NDArray[np.float64], a: NDArray[np.int64], b: NDArray[np.int64], alone: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return by how much a ratio exceeds that of the group's best other cluster; of two clusters, the smaller lead.

    An outlier has one home: a candidate that another beats is none. Pairs of outliers have a lead of 0.
    """
    both = np.full((2, len(ratio)), np.inf)
    homes = ~alone.T[::-1]  # the other group is a cluster: what this one may belong to
    both[homes] = _margin(np.stack([ratio, ratio])[homes], np.stack([a, b])[homes])
    return np.where(alone.all(axis=1), 0.0, both.min(axis=0))


def _links(plda: PLDAGroups) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the codes low * C + high of all groups that the graph links, ascending, and their sums of similarity."""
    upper = triu(plda.state.graph, k=1, format="coo")
    pairs = np.sort(plda.group_of[np.stack([upper.row, upper.col], axis=1)], axis=1)
    kept = pairs[:, 0] != pairs[:, 1]
    codes, which = np.unique(pairs[kept, 0] * len(plda.groups) + pairs[kept, 1], return_inverse=True)
    return codes, np.bincount(which, 1.0 - upper.data[kept], len(codes)).astype(np.float64)


def _near(points: NDArray[np.float32], others: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    """Return codes low * C + high of every group with its nearest among some others."""
    wanted = min(wanted + 1, len(others))  # one may be the group itself
    targets = np.ascontiguousarray(points[others])
    if len(points) <= SEARCHED:
        index = faiss.IndexFlatL2(points.shape[1])
        index.add(targets)
        found = index.search(points, wanted)[1]
    else:  # faiss keeps a heap for each row, which takes longer than the products
        ends = np.hstack([-2 * targets, np.einsum("nd,nd->n", targets, targets)[:, None]]).T

        def search(begin: int) -> NDArray[np.int64]:
            some = points[begin : begin + BLOCK]
            squared = np.hstack([some, np.ones((len(some), 1), np.float32)]) @ ends  # less what a row has in common
            nearest: NDArray[np.int64] = lowest(squared, wanted)
            return nearest

        found = np.concatenate(in_threads(search, range(0, len(points), BLOCK)))
    a = np.repeat(np.arange(len(points)), found.shape[1])
    b = others[found.ravel()]
    kept = a != b
    low, high = np.minimum(a, b)[kept], np.maximum(a, b)[kept]
    codes: NDArray[np.int64] = low * len(points) + high
    return codes


def _margin(ratio: NDArray[np.float64], group: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each entry's value less the largest other value of its group; RATIOS where it has no other."""
    order = np.lexsort((-ratio, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    best = np.repeat(ratio[order[starts]], sizes)
    margin = ratio[order] - best
    second = np.where(sizes > 1, ratio[order[np.minimum(starts + 1, len(order) - 1)]], -np.inf)
    margin[starts] = np.minimum(ratio[order[starts]] - second, RATIOS)
    found = np.empty(len(order))
    found[order] = margin
    return found
