"""SNPS: divisions of clusters that may be several people (Gao and Li, UCAL, Sec. 3.2.1, Eq. 2-4)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.memory import LabelMemory
from whosame.strategies.groups import Groups
from whosame.strategies.ucal.kmedoids import k_medoids
from whosame.strategies.ucal.reliability import reliability
from whosame.strategies.ucal.similarities import Similarities, cosine_similarities, jaccard_similarities

DENSE = 2048  # members up to which all cosines of a cluster are held at once


@dataclass(frozen=True)
class Structure:
    """A possible division of a cluster.

    Attributes
    ----------
    rows : int64 [n]
        The members of the cluster, ascending.
    groups : int64 [n]
        The group of each, 0..k-1.
    medoids : int64 [k]
        The row of each group's medoid.
    score : float
        The sum (or mean) of compactness times independence over the groups (Eq. 4).
    pairs : list of (int, int, float)
        The medoids in pairs, as rows, with their similarity: the most similar first.
    """

    rows: NDArray[np.int64]
    groups: NDArray[np.int64]
    medoids: NDArray[np.int64]
    score: float
    pairs: list[tuple[int, int, float]]


def most_groups(size: int, rule: str = "at-least-two") -> int:
    """Return k_max for a cluster of ``size`` images: √(size / 2) / 2, rounded down.

    That is below 2, no split at all, for fewer than 32 images. ``at-least-two`` raises it to 2, as the printed costs
    imply (methods.md B.2 #1); ``literal`` does not.
    """
    literal = int(math.sqrt(size / 2) / 2)
    return max(2, literal) if rule == "at-least-two" else literal


def structure(similarities: Similarities, rows: NDArray[np.int64], k_max: int, *, reduce: str = "sum") -> Structure:
    """Find the most reliable division of a cluster (Eq. 4).

    Parameters
    ----------
    similarities : Similarities
        Of the cluster's n members.
    rows : int64 [n]
        The members.
    k_max : int
        Most groups; from 2 to n.
    reduce : str
        ``sum`` of compactness × independence over the groups, as printed, which grows with k; or their ``mean``
        (methods.md B.2 #3).

    Returns
    -------
    Structure
        Of k* groups; the smallest k where several are equally good.
    """
    best = -1.0
    for k in range(2, k_max + 1):
        medoids, groups = k_medoids(similarities, k)
        products = np.multiply(*reliability(similarities, groups))
        score = float(products.sum() if reduce == "sum" else products.mean())
        if score > best:
            best, chosen = score, (medoids, groups)
    medoids, groups = chosen
    pairs = [(similarities.between(i, j), i, j) for i, j in combinations(medoids.tolist(), 2)]
    ordered = [(int(rows[i]), int(rows[j]), alike) for alike, i, j in sorted(pairs, key=lambda p: (-p[0], p[1], p[2]))]
    return Structure(rows, groups, rows[medoids], best, ordered)


def structures(
    labels: NDArray[np.int64],
    graph: csr_array,
    features: NDArray[np.float32],
    *,
    similarity: str = "jaccard",
    min_size: int = 4,
    rule: str = "at-least-two",
    reduce: str = "sum",
    most_dense: int = DENSE,
) -> list[Structure]:
    """Find the most reliable division of every cluster that is large enough, best first.

    Parameters
    ----------
    labels : int64 [N]
        Clusters; -1 is an outlier and takes no part (methods.md B.2 #13).
    graph : scipy.sparse.csr_array, float32 [N, N]
        Symmetric Jaccard distances; absent = 1.
    features : float32 [N, D]
        L2-normalised.
    similarity : str
        ``jaccard``: 1 less the distance. ``cosine``: of the features, 0 where negative; clusters of more than
        ``most_dense`` images are measured by Jaccard (methods.md B.2 #2).
    min_size : int
        Least images of a cluster, 2 or more.
    rule : str
        Of :func:`most_groups`.
    reduce : str
        As in :func:`structure`.
    most_dense : int
        Most images of a cluster whose cosines are all held at once.

    Returns
    -------
    list of Structure
        By descending score (methods.md B.2 #14); clusters of equal score in the order of their labels.
    """
    groups = Groups(labels)
    sparse = jaccard_similarities(graph, groups)
    found = []
    for position, size in enumerate(groups.sizes.tolist()):
        k_max = most_groups(size, rule)
        if size < min_size or k_max < 2:
            continue
        members = groups.members(position)
        rows = groups.rows[members]
        dense = similarity == "cosine" and size <= most_dense
        similarities = cosine_similarities(features[rows]) if dense else sparse.part(members)
        found.append(structure(similarities, rows, k_max, reduce=reduce))
    return sorted(found, key=lambda one: -one.score)


def split(labels: NDArray[np.int64], structures: Sequence[Structure], memory: LabelMemory) -> NDArray[np.int64]:
    """Split the clusters in which medoids are different people.

    Groups whose medoids the answers make one person stay together; the other groups become clusters of their own. A
    cluster without a "different" among its medoids is not split (methods.md B.2 #5, #6).

    Parameters
    ----------
    labels : int64 [N]
    structures : sequence of Structure
        Of these labels.
    memory : LabelMemory
        With the answers.

    Returns
    -------
    int64 [N]
        A copy. Each cluster's first part keeps the label; the others have new labels above all.
    """
    labels = labels.copy()
    fresh = int(labels.max(initial=-1)) + 1
    for one in structures:
        if all(memory.implied(a, b) is not False for a, b, _ in one.pairs):
            continue
        medoids = one.medoids.tolist()
        part_of: list[int] = []
        for place, medoid in enumerate(medoids):
            joined = (part_of[other] for other in range(place) if memory.implied(medoids[other], medoid))
            part_of.append(next(joined, max(part_of, default=-1) + 1))
        parts = np.array(part_of)[one.groups]
        labels[one.rows[parts > 0]] = fresh + parts[parts > 0] - 1
        fresh += max(part_of)
    return labels
