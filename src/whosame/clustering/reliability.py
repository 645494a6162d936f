"""Reliable clusters of SpCL: those that DBSCAN at a slightly smaller and a slightly larger eps confirms."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.clustering.dbscan import OUTLIER, dbscan, renumber, singletons

Labels = NDArray[np.int64]
SHARE = 0.9  # of the clusters of the first round are independent enough


def reliable_clusters(
    graph: csr_array, *, eps: float, gap: float, min_samples: int, threshold: float | None = None
) -> tuple[Labels, float | None]:
    """Cluster a graph of distances and make unreliable images outliers.

    Image i is in cluster I at ``eps``, I_t at ``eps - gap`` and I_l at ``eps + gap``; an outlier is alone. Its
    compactness gap is 1 - |I ∩ I_t| / |I ∪ I_t|, its independence gap 1 - |I ∩ I_l| / |I ∪ I_l|. An image stays in its
    cluster if the least independence gap of the cluster's images is at most ``threshold`` and its own compactness gap
    is the least of the cluster. All others become outliers; so does an image that is left alone.

    Parameters
    ----------
    graph : scipy.sparse.csr_array, float32 [N, N]
        Symmetric distances up to at least ``eps + gap``, as of :func:`jaccard_graph`.
    eps, gap : float
        ``0 < eps - gap`` and ``eps + gap < 1``.
    min_samples : int
        As for :func:`dbscan`.
    threshold : float, optional
        Of independence, as fixed by an earlier round of the run; None: fix it now.

    Returns
    -------
    labels : int64 [N]
        Clusters 0..C-1 by smallest row, -1 is an outlier.
    threshold : float or None
        For the next round; None as long as no round had a cluster.

    References
    ----------
    Ge et al., *Self-paced contrastive learning with hybrid memory for domain adaptive object re-ID*, NeurIPS 2020,
    section 3.2, as its public code computes it; methods.md, Clusters.
    """
    tight, labels, loose = (dbscan(graph, eps=at, min_samples=min_samples) for at in (eps - gap, eps, eps + gap))
    sizes = np.bincount(labels[labels != OUTLIER])
    compactness = overlap_gaps(labels, tight)
    independence = _least(overlap_gaps(labels, loose), labels, len(sizes))
    if threshold is None:
        threshold = independence_threshold(independence[sizes > 1])
    kept = np.zeros(len(labels), bool)
    if threshold is not None:
        rows = np.flatnonzero(labels != OUTLIER)
        own = labels[rows]
        least = _least(compactness, labels, len(sizes))
        kept[rows] = (independence[own] <= threshold) & (compactness[rows] <= least[own])
        kept[rows] &= np.bincount(own[kept[rows]], minlength=len(sizes))[own] > 1
    reliable = np.full(len(labels), OUTLIER, np.int64)
    reliable[kept] = renumber(labels[kept])
    return reliable, threshold


def overlap_gaps(labels: Labels, others: Labels) -> NDArray[np.float64]:
    """Return for each image 1 - |I ∩ J| / |I ∪ J| of its clusters I and J by two labellings; an outlier is alone."""
    own, other = singletons(labels), singletons(others)
    _, cell, counts = np.unique(own * (other.max(initial=0) + 1) + other, return_inverse=True, return_counts=True)
    shared = counts[cell]
    return np.asarray(1 - shared / (np.bincount(own)[own] + np.bincount(other)[other] - shared), np.float64)


def independence_threshold(gaps: NDArray[np.float64]) -> float | None:
    """Return the 90th percentile of the clusters' gaps as the public code rounds it; None without a cluster."""
    return float(np.sort(gaps)[min(len(gaps) - 1, round(SHARE * len(gaps)))]) if len(gaps) else None


def _least(gaps: NDArray[np.float64], labels: Labels, clusters: int) -> NDArray[np.float64]:
    least = np.full(clusters, np.inf)
    inside = labels != OUTLIER
    np.minimum.at(least, labels[inside], gaps[inside])
    return least
