"""MPPS: pairs of clusters that may be one person (Gao and Li, UCAL, Sec. 3.2.2, Eq. 5 and 6)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.blocks import in_threads
from whosame.strategies.groups import lowest

BLOCK = 1024  # clusters compared with all others at once
FLAT = 1e-6  # gaps that differ by less are equal: float32 rounds there


@dataclass(frozen=True)
class Merges:
    """Pairs of clusters to ask about, the most similar first.

    Attributes
    ----------
    clusters : int64 [P, 2]
        Positions of two clusters, the smaller first; each pair once.
    similarities : float64 [P]
        Cosine of the centroids.
    """

    clusters: NDArray[np.int64]
    similarities: NDArray[np.float64]


def normalised_gaps(similarities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how far similarity falls from each rank to the next, between the list's least and greatest gap.

    Parameters
    ----------
    similarities : float [C, l_max]
        Of each cluster to the others, descending.

    Returns
    -------
    float64 [C, l_max - 1]
        d* of Eq. 5 and 6, in [0, 1]; 0 throughout where all gaps are equal (methods.md B.2 #10).
    """
    gaps = -np.diff(similarities.astype(np.float64), axis=1)
    if gaps.shape[1] == 0:
        return gaps
    least = gaps.min(axis=1, keepdims=True)
    width = gaps.max(axis=1, keepdims=True) - least
    return np.where(width > FLAT, (gaps - least) / np.where(width > FLAT, width, 1.0), 0.0)


def wanted_ranks(gaps: NDArray[np.float64], delta: float, *, include_next: bool = True) -> NDArray[np.int64]:
    """Return the number of most similar clusters that each cluster is asked about.

    Parameters
    ----------
    gaps : float64 [C, l_max - 1]
        From :func:`normalised_gaps`.
    delta : float
        Threshold, in [0, 1).
    include_next : bool
        Whether the cluster behind the gap is asked about too (methods.md B.2 #10).

    Returns
    -------
    int64 [C]
        The first rank l, from 1, whose gap exceeds ``delta``; one more with ``include_next``; 0 without any.
    """
    if gaps.shape[1] == 0:
        return np.zeros(len(gaps), np.int64)
    wide = gaps > delta
    ranks = np.argmax(wide, axis=1) + 1 + int(include_next)
    return np.where(wide.any(axis=1), ranks, 0).astype(np.int64)


def merges(
    centroids: NDArray[np.float32],
    *,
    l_max: int = 10,
    delta: float = 0.3,
    include_next: bool = True,
    block: int = BLOCK,
) -> Merges:
    """Choose the pairs of clusters that may be one person.

    Parameters
    ----------
    centroids : float32 [C, D]
        Means of the clusters; their cosine is the similarity (methods.md B.2 #2).
    l_max : int
        Length of each cluster's list of others, at least 3; C - 1 where there are fewer.
    delta, include_next : float, bool
        As in :func:`wanted_ranks`.
    block : int
        Clusters compared with all others at once.

    Returns
    -------
    Merges
        By descending similarity (methods.md B.2 #11); ties in the order of the clusters.
    """
    count = len(centroids)
    length = min(l_max, count - 1)
    if length < 1:
        return Merges(np.empty((0, 2), np.int64), np.empty(0))
    norms = np.linalg.norm(centroids, axis=1, keepdims=True)
    unit = centroids / np.where(norms > 0, norms, 1)

    def compare(begin: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        unlike = -(unit[begin : begin + block] @ unit.T)
        here = np.arange(begin, begin + len(unlike))
        unlike[here - begin, here] = np.inf
        near = lowest(unlike, length)
        values = -np.take_along_axis(unlike, near, axis=1)
        ranks = wanted_ranks(normalised_gaps(values), delta, include_next=include_next)
        asked = np.arange(length) < ranks[:, None]
        low, high = np.minimum(here[:, None], near), np.maximum(here[:, None], near)
        return (low * count + high)[asked], values[asked]

    codes, alike = zip(*in_threads(compare, range(0, count, block)), strict=True)
    unique, first = np.unique(np.concatenate(codes), return_index=True)
    similarities = np.concatenate(alike)[first].astype(np.float64)
    order = np.argsort(-similarities, kind="stable")
    return Merges(np.stack(np.divmod(unique[order], count), axis=1), similarities[order])
