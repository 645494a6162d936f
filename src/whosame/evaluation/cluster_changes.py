"""Changes from one clustering to another: images that moved, clusters that were merged and split."""

import numpy as np
from numpy.typing import NDArray


def cluster_changes(before: NDArray[np.int64], after: NDArray[np.int64]) -> dict[str, float]:
    """Return what the answers of a round have changed, by flat names.

    A cluster goes on as the one that has most of its images, if most of that one's images are of it: the smaller
    number of the two decides a tie. An image stays where its cluster goes on.

    Parameters
    ----------
    before, after : int64 [N]
        Clusters; a negative label is an outlier.

    Returns
    -------
    dict
        ``annotation/images_moved``: images whose cluster is another one, outliers that joined a cluster or became ones
        among them. ``annotation/clusters_merged``: clusters of before that went into one that is mostly of another.
        ``annotation/clusters_split``: clusters of after that came out of one that goes on as another.
    """
    pairs, at, counts = np.unique(np.stack([before, after], axis=1), axis=0, return_inverse=True, return_counts=True)
    clustered = (pairs >= 0).all(axis=1)
    old, new, shared = pairs[clustered, 0], pairs[clustered, 1], counts[clustered]
    main_after, main_before = _largest(old, new, shared), _largest(new, old, shared)
    stays = [main_after.get(a) == b and main_before.get(b) == a for a, b in pairs.tolist()]
    outlier = (pairs < 0).all(axis=1)
    kept = (np.array(stays, bool) | outlier)[at.ravel()]
    return {
        "annotation/images_moved": float((~kept).sum()),
        "annotation/clusters_merged": float(sum(main_before[b] != a for a, b in main_after.items())),
        "annotation/clusters_split": float(sum(main_after[a] != b for b, a in main_before.items())),
    }


def _largest(of: NDArray[np.int64], to: NDArray[np.int64], shared: NDArray[np.int64]) -> dict[int, int]:
    """Return for each cluster the one that shares most images with it."""
    order = np.lexsort((-to, shared))  # the last one of a cluster wins
    return dict(zip(of[order].tolist(), to[order].tolist(), strict=True))
