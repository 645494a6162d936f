"""Disagreement of two clusterings: regions, their medoids, and the pairs that one unites and the other separates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from whosame.clustering.dbscan import OUTLIER, renumber
from whosame.clustering.neighbours import neighbours
from whosame.strategies.groups import Groups

Labels = NDArray[np.int64]
BLOCK = 1024  # images compared at once with the others of their cluster


@dataclass(frozen=True)
class SimilarPairs:
    """Pairs of images with their cosine similarity.

    Attributes
    ----------
    first, second : int64 [P]
        Rows of the training set, ``first < second``.
    similarity : float64 [P]
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    similarity: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.first)

    @classmethod
    def unique(
        cls, one: NDArray[np.int64], other: NDArray[np.int64], similarity: NDArray[np.floating[Any]]
    ) -> "SimilarPairs":
        """Return pairs that may be found from either side or several times: each once, ordered by rows."""
        low, high = np.minimum(one, other), np.maximum(one, other)
        order = np.lexsort((high, low))
        low, high = low[order], high[order]
        new = np.flatnonzero(np.diff(low, prepend=-1) | np.diff(high, prepend=-1))
        return cls(low[new], high[new], similarity[order[new]].astype(np.float64))

    def where(self, keep: NDArray[np.bool_]) -> "SimilarPairs":
        """Return the pairs that a mask, bool [P], keeps."""
        return SimilarPairs(self.first[keep], self.second[keep], self.similarity[keep])

    def joined(self, more: "SimilarPairs") -> "SimilarPairs":
        """Return these pairs, then those."""
        return SimilarPairs(
            np.append(self.first, more.first),
            np.append(self.second, more.second),
            np.append(self.similarity, more.similarity),
        )


def regions(one: Labels, other: Labels) -> Labels:
    """Return the connected components of clusters that overlap in part (methods.md, AAS #1).

    A cluster of one clustering and a cluster of the other overlap in part where they share images and are not the same
    set. So a region is a union of whole clusters of either clustering.

    Parameters
    ----------
    one, other : int64 [N]
        Clusters; an image that is negative in either takes no part.

    Returns
    -------
    int64 [N]
        Regions 0..R-1 by smallest row; -1 where the clusterings have the same cluster, or the image takes no part.
    """
    found = np.full(len(one), -1, np.int64)
    rows = np.flatnonzero((one >= 0) & (other >= 0))
    if len(rows) == 0:
        return found
    left, right = renumber(one[rows]), renumber(other[rows])
    lefts, rights = int(left.max()) + 1, int(right.max()) + 1
    edges = coo_array((np.ones(len(rows)), (left, lefts + right)), shape=(lefts + rights,) * 2)
    component = connected_components(edges, directed=False)[1]
    clusters = np.bincount(component)  # of both clusterings; two: one each, the same set
    inside = clusters[component[left]] > 2
    found[rows[inside]] = renumber(component[left[inside]])
    return found


def medoids(features: NDArray[np.float32], groups: Groups) -> NDArray[np.int64]:
    """Return the member of each group whose mean cosine similarity to all members is largest.

    For features of length 1 that mean is the inner product with the group's mean feature, so no pair is compared.

    Parameters
    ----------
    features : float32 [N, D]
        L2-normalised.
    groups : Groups

    Returns
    -------
    int64 [R]
        Rows of the training set; the smallest row where members tie.
    """
    means = groups.mean(features)
    similarity = np.empty(len(groups.rows), np.float32)
    for begin in range(0, len(groups.rows), BLOCK):
        part = slice(begin, begin + BLOCK)
        similarity[part] = np.einsum("nd,nd->n", features[groups.rows[part]], means[groups.cluster_of[part]])
    return groups.argmin(-similarity)


def near_medoids(
    features: NDArray[np.float32], chosen: NDArray[np.int64], *, nearest: int, least: float
) -> SimilarPairs:
    """Pair each medoid with its nearest ones, if they are similar enough (methods.md, AAS #3).

    Parameters
    ----------
    features : float32 [N, D]
        L2-normalised.
    chosen : int64 [R]
        Medoids, as rows.
    nearest : int
        Number of nearest other medoids that each is paired with, at least 1.
    least : float
        Least cosine similarity of a pair.

    Returns
    -------
    SimilarPairs
        Each pair once, ordered by rows.
    """
    if len(chosen) == 0:
        return SimilarPairs.unique(chosen, chosen, np.empty(0))
    found = neighbours(features[chosen], nearest + 1)
    ones = np.repeat(chosen, found.indices.shape[1] - 1)
    near = found.indices[:, 1:].ravel()  # the first is the medoid itself
    pairs = SimilarPairs.unique(ones, chosen[near], found.similarity[:, 1:].ravel())
    return pairs.where(pairs.similarity >= least)


def separated_pairs(
    features: NDArray[np.float32], together: Labels, apart: Labels, *, block: int = BLOCK
) -> SimilarPairs:
    """Find the closest pairs that ``together`` unites and ``apart`` separates.

    Every image proposes the most similar image with which it shares its cluster of ``together`` and not that of
    ``apart``; of several pairs between the same two clusters of ``apart`` the most similar stays. These are at most N
    pairs.

    Parameters
    ----------
    features : float32 [N, D]
        L2-normalised.
    together, apart : int64 [N]
        Clusters; an image that is negative in either takes no part.
    block : int
        Images compared at once.

    Returns
    -------
    SimilarPairs
        Each pair once, ordered by rows.

    Notes
    -----
    O(Σ n² D) over the clusters of ``together``, n their sizes, in blocks (methods.md, AAS #4).
    """
    groups = Groups(np.where(apart >= 0, together, OUTLIER))
    found = []
    for position in range(len(groups)):
        rows = groups.rows[groups.members(position)]
        sides = apart[rows]
        if (sides == sides[0]).all():
            continue
        members = features[rows]
        for begin in range(0, len(rows), block):
            part = slice(begin, begin + block)
            cosine = members[part] @ members.T
            cosine[sides[part, None] == sides] = -np.inf
            best = cosine.argmax(axis=1)
            found.append((rows[part], rows[best], cosine[np.arange(len(best)), best]))
    if not found:
        return SimilarPairs.unique(groups.rows[:0], groups.rows[:0], np.empty(0))
    pairs = SimilarPairs.unique(*(np.concatenate(column) for column in zip(*found, strict=True)))
    low, high = np.sort([apart[pairs.first], apart[pairs.second]], axis=0)
    order = np.lexsort((-pairs.similarity, high, low))  # stable: of equal ones the smaller rows
    closest = np.zeros(len(pairs), bool)
    closest[order[np.flatnonzero(np.diff(low[order], prepend=-1) | np.diff(high[order], prepend=-1))]] = True
    return pairs.where(closest)
