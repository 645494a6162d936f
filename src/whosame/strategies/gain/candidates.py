"""What may be asked in a round of ``gain``: merges, homes of outliers, splits, with the evidence for each."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, triu

from whosame.strategies.gain.plda_groups import PLDAGroups
from whosame.strategies.groups import Groups

MERGE, HOME, PAIR, SPLIT = range(4)  # two clusters, an outlier and a cluster, two outliers, a cluster in two
COLUMNS = 6  # of the evidence: constant, likelihood ratio, lead, links, sizes
NEAREST_OUTLIERS = 4  # that each group is paired with: most outliers are alone, and there are many
RATIOS = 60.0  # a likelihood ratio beyond exp(60) says nothing more
MEANS_STEPS = 10  # of 2-means


@dataclass(frozen=True)
class Candidates:
    """Possible questions, an entry each.

    Attributes
    ----------
    kind : int64 [P]
        MERGE, HOME, PAIR or SPLIT.
    first, second : int64 [P]
        Rows that are shown.
    groups : int64 [P, 2]
        Positions of the groups that the rows stand for; for a split both are the cluster.
    sizes : int64 [P, 2]
        Images of the two groups, or of the two parts.
    across : int64 [P]
        Pairs of images, one of each, that two cameras took; images of unknown camera count as of one.
    evidence : float64 [P, COLUMNS]
        Constant, log likelihood ratio / 10, its lead over the group's next best candidate / 10, mean Jaccard similarity
        of the graph's links x 4, logarithms of the smaller and of the larger size.
    """

    kind: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    groups: NDArray[np.int64]
    sizes: NDArray[np.int64]
    across: NDArray[np.int64]
    evidence: NDArray[np.float64]

    @classmethod
    def find(cls, plda: PLDAGroups, neighbours: int) -> "Candidates":
        """Return all of a round's: pairs of groups, then divisions of clusters."""
        parts = (between(plda, neighbours), within(plda))
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def between(plda: PLDAGroups, neighbours: int) -> Candidates:
    """Pair groups that the graph links or whose people lie near each other, unless an answer keeps them apart.

    Parameters
    ----------
    plda : PLDAGroups
    neighbours : int
        How many nearest clusters each group is paired with.
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
    apart = np.sort(plda.group_of[plda.state.memory.cannot_links()], axis=1)
    pairs = np.setdiff1d(np.concatenate(codes), apart[:, 0] * count + apart[:, 1])
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
        across=_across(sizes, plda.views[a], plda.views[b]),
        evidence=_evidence(ratio, _lead(ratio, a, b, alone), links, sizes),
    )


def within(plda: PLDAGroups) -> Candidates:
    """Divide each cluster in two, by its least likely block and by 2-means.

    What answers hold together is not divided: a must-link component is one block.
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
        return _none()
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
        across=_across(sizes, views[::2], views[1::2]),
        evidence=_evidence(ratio, np.zeros(len(at)), np.zeros(len(at)), sizes),
    )


def divisions(points: NDArray[np.float64], block: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield ways to divide a cluster in two: the block farthest from the mean alone, and 2-means over the blocks.

    Parameters
    ----------
    points : float64 [n, d]
        The cluster's images.
    block : int64 [n]
        What must stay together, numbered from 0.

    Yields
    ------
    int64 [n]
        0 or 1; none where there is one block only, one where both ways are the same or there are three blocks or fewer.
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


def _links(plda: PLDAGroups) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the codes low * C + high of all groups that the graph links, ascending, and their sums of similarity."""
    upper = triu(plda.state.graph, k=1, format="coo")
    pairs = np.sort(plda.group_of[np.stack([upper.row, upper.col], axis=1)], axis=1)
    kept = pairs[:, 0] != pairs[:, 1]
    codes, which = np.unique(pairs[kept, 0] * len(plda.groups) + pairs[kept, 1], return_inverse=True)
    return codes, np.bincount(which, 1.0 - upper.data[kept], len(codes)).astype(np.float64)


def _near(points: NDArray[np.float32], others: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    """Return codes low * C + high of every group with its nearest among some others."""
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(np.ascontiguousarray(points[others]))
    _, found = index.search(points, min(wanted + 1, len(others)))  # one may be the group itself
    a = np.repeat(np.arange(len(points)), found.shape[1])
    b = others[found.ravel()]
    kept = a != b
    low, high = np.minimum(a, b)[kept], np.maximum(a, b)[kept]
    codes: NDArray[np.int64] = low * len(points) + high
    return codes


def _across(sizes: NDArray[np.int64], first: csr_array, second: csr_array) -> NDArray[np.int64]:
    together = np.asarray((first * second).sum(axis=1)).ravel()
    across: NDArray[np.int64] = (sizes.prod(axis=1) - together).astype(np.int64)
    return across


def _lead(
    ratio: NDArray[np.float64], a: NDArray[np.int64], b: NDArray[np.int64], alone: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return by how much a ratio exceeds that of the group's best other cluster; of two clusters, the smaller lead.

    An outlier has one home: a candidate that another beats is none. Pairs of outliers have a lead of 0.
    """
    both = np.full((2, len(ratio)), np.inf)
    homes = ~alone.T[::-1]  # the other group is a cluster: what this one may belong to
    both[homes] = _margin(np.stack([ratio, ratio])[homes], np.stack([a, b])[homes])
    return np.where(alone.all(axis=1), 0.0, both.min(axis=0))


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


def _evidence(
    ratio: NDArray[np.float64], lead: NDArray[np.float64], linked: NDArray[np.float64], sizes: NDArray[np.int64]
) -> NDArray[np.float64]:
    small, large = np.log(np.sort(sizes, axis=1)).T
    ratio, lead = (np.clip(value, -RATIOS, RATIOS) / 10 for value in (ratio, lead))
    return np.stack([np.ones(len(ratio)), ratio, lead, 4 * linked, small, large], axis=1)


def _none() -> Candidates:
    no, pairs = np.empty(0, np.int64), np.empty((0, 2), np.int64)
    return Candidates(no, no, no, pairs, pairs, no, np.empty((0, COLUMNS)))
