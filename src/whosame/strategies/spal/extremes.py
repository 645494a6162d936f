"""Extreme pairs of clusters: the farthest inside, and the nearest image outside (SPAL's dual uncertainty selection)."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.strategies.groups import Groups, distances
from whosame.strategies.pairs import Pairs

BLOCK = 256  # rows compared with others at once
SKETCH = 64  # dimensions of the projection that tells which pairs can be near
LOOSE = 1 / 32  # share of pairs that the projection may leave; above it, one matrix product compares all of them sooner
SLACK = 1e-5  # far above float32's rounding of squared distances, in squared lengths of the longest feature

Points = NDArray[np.float32]
Rows = NDArray[np.int64]


def farthest_inside(features: Points, groups: Groups, decided: csr_array, *, block: int = BLOCK) -> Pairs:
    """Return the two members of each cluster that are farthest apart, of the pairs still undecided.

    Parameters
    ----------
    features : float32 [N, D]
    groups : Groups
    decided : scipy.sparse.csr_array, bool [N, N]
        From :func:`decided_pairs`.
    block : int
        Rows compared at once.

    Returns
    -------
    Pairs
        At most one for each cluster, by position; Euclidean distances. Where pairs tie, the smaller rows.

    Notes
    -----
    O(Σ m² D) for clusters of m images; O(block m) memory.
    """
    known, place = decided[groups.rows], _places(groups.rows, len(features))
    found: list[tuple[int, int, int]] = []
    for position in range(len(groups)):
        part = groups.members(position)
        members = features[groups.rows[part]]
        best = -np.inf
        for begin in range(part.start, part.stop, block):
            here = slice(begin, min(begin + block, part.stop))
            squared = _squared(features[groups.rows[here]], members)
            rows, columns = _decided(known, place, here)
            inside = (columns >= part.start) & (columns < part.stop)
            squared[rows[inside], columns[inside] - part.start] = -np.inf
            squared[np.arange(len(squared)), np.arange(here.start, here.stop) - part.start] = -np.inf
            row, column = np.unravel_index(squared.argmax(), squared.shape)
            if squared[row, column] > best:
                best, pair = squared[row, column], (position, begin + int(row), part.start + int(column))
        if np.isfinite(best):
            found.append(pair)
    position_of, one, other = np.array(found, np.int64).reshape(-1, 3).T
    first, second = groups.rows[one], groups.rows[other]
    return Pairs(first, second, np.stack([position_of, position_of], axis=1), distances(features, first, second))


def nearest_outside(
    features: Points,
    groups: Groups,
    decided: csr_array,
    *,
    block: int = BLOCK,
    sketch: int = SKETCH,
    loose: float = LOOSE,
) -> Pairs:
    """Return the member of each cluster and the image outside it that are nearest, of the pairs still undecided.

    The result is exact, although all dimensions are hardly ever compared: a projection makes no distance larger, so a
    pair that is farther apart in the projection than another pair is in truth cannot be the nearest.

    Parameters
    ----------
    features : float32 [N, D]
    groups : Groups
        Images of no group are outside all of them.
    decided : scipy.sparse.csr_array, bool [N, N]
        From :func:`decided_pairs`.
    block : int
        Rows compared at once.
    sketch : int
        Dimensions of the projection.
    loose : float
        Share of a block's pairs that the projection may leave, 0..1; above it all dimensions are compared.

    Returns
    -------
    Pairs
        At most one for each cluster, by position; the member first. The other's cluster is -1 where it is in none.
        Euclidean distances. Where pairs tie, the smaller rows, the member's first.

    Notes
    -----
    O(N² sketch) where the projection tells images apart, O(N² D) at worst; O(block N) memory.
    """
    n, count = len(features), len(groups.rows)
    cluster_of = np.full(n, -1, np.int64)
    cluster_of[groups.rows] = groups.cluster_of
    order = np.concatenate([groups.rows, np.flatnonzero(cluster_of < 0)])  # so that a cluster is a slice of columns
    known, place, points = decided[groups.rows], _places(order, n), projected(features, sketch)[order]
    slack = SLACK * float(np.einsum("nd,nd->n", features, features).max(initial=0))
    nearest = np.full(len(groups), np.inf)
    kept: list[tuple[Rows, Rows, NDArray[np.float64]]] = []
    for begin in range(0, count, block):
        here = slice(begin, min(begin + block, count))
        squared = _squared(points[here], points)
        squared[_decided(known, place, here)] = np.inf
        for position in range(groups.cluster_of[here.start], groups.cluster_of[here.stop - 1] + 1):
            part = groups.members(position)
            squared[max(0, part.start - begin) : part.stop - begin, part] = np.inf
        rows, columns = _lowest(squared)
        first, second = order[begin + rows], order[columns]
        np.minimum.at(nearest, groups.cluster_of[begin + rows], distances(features, first, second))
        limit = nearest[groups.cluster_of[here]] ** 2 + slack
        limit[np.isinf(limit)] = -np.inf  # nothing of the cluster is open here
        rows, columns = np.divmod(np.flatnonzero(squared <= limit[:, None]), n)
        if len(rows) > loose * squared.size:
            hidden = np.isinf(squared)
            squared = _squared(features[order[here]], features)[:, order]
            squared[hidden] = np.inf
            rows, columns = _lowest(squared)
        first, second = order[begin + rows], order[columns]
        kept.append((first, second, distances(features, first, second)))
    return _best(kept, cluster_of)


def _squared(left: Points, right: Points) -> Points:
    # |x|² + |y|² - 2xy in one product of matrices.
    one, other = (np.einsum("nd,nd->n", points, points)[:, None] for points in (left, right))
    squared: Points = np.hstack([-2 * left, one, np.ones_like(one)]) @ np.hstack([right, np.ones_like(other), other]).T
    return squared


def projected(features: Points, dimensions: int = SKETCH) -> Points:
    """Return [projection on the main directions; length of the rest], which makes no distance larger.

    Parameters
    ----------
    features : float32 [N, D]
    dimensions : int
        Of the projection; features of no more than that are returned as they are.

    Returns
    -------
    float32 [N, dimensions + 1]
    """
    if features.shape[1] <= dimensions:
        return features
    sample = features[:: max(1, len(features) // 2048)]  # by the randomised range finder, one power iteration
    drawn = sample @ np.random.default_rng(0).standard_normal((features.shape[1], dimensions), np.float32)
    basis = np.linalg.qr(sample.T @ (drawn - drawn.mean(axis=0)))[0]
    projection = features @ basis
    squares = np.einsum("nd,nd->n", features, features) - np.einsum("nd,nd->n", projection, projection)
    return np.hstack([projection, np.sqrt(squares.clip(0))[:, None]])


def _places(order: Rows, n: int) -> Rows:
    places = np.full(n, -1, np.int64)
    places[order] = np.arange(len(order))
    return places


def _decided(known: csr_array, place: Rows, block: slice) -> tuple[Rows, Rows]:
    begin, end = known.indptr[block.start], known.indptr[block.stop]
    rows = np.repeat(np.arange(block.stop - block.start), np.diff(known.indptr[block.start : block.stop + 1]))
    return rows, place[known.indices[begin:end]]


def _lowest(squared: Points) -> tuple[Rows, Rows]:
    columns = squared.argmin(axis=1)
    rows = np.flatnonzero(np.isfinite(squared[np.arange(len(squared)), columns]))
    return rows, columns[rows]


def _best(kept: list[tuple[Rows, Rows, NDArray[np.float64]]], cluster_of: Rows) -> Pairs:
    if not kept:
        return Pairs.none()
    first, second, apart = (np.concatenate(part) for part in zip(*kept, strict=True))
    order = np.lexsort((second, first, apart, cluster_of[first]))
    positions, at = np.unique(cluster_of[first[order]], return_index=True)
    best = order[at]
    return Pairs(first[best], second[best], np.stack([positions, cluster_of[second[best]]], axis=1), apart[best])
