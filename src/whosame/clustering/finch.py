"""FINCH: a parameter-free hierarchy of clusters from each image's nearest neighbour."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from whosame.clustering.approximate_neighbours import Search
from whosame.clustering.dbscan import renumber
from whosame.errors import InputError

Labels = NDArray[np.int64]
NO_DIRECTION = 1e-6  # a mean of unit rows that is shorter than this is rounding


def finch(features: NDArray[Any], nearest: NDArray[np.integer[Any]] | None = None) -> list[Labels]:
    """Return the hierarchy of partitions by first neighbours, the finest first.

    In the first partition every image is with its nearest neighbour. Each further one does the same with the means of
    the clusters, until all would be one cluster; that last partition is left out.

    Parameters
    ----------
    features : float32 or float64 [N, D]
        L2-normalised.
    nearest : int [N], optional
        The nearest other row of each (``Neighbours.nearest``), if known.

    Returns
    -------
    list of int64 [N]
        Partitions in clusters 0..C-1, numbered by their smallest row; each unites clusters of the one before. At least
        one, unless there is no image; none has an outlier, nor a cluster of one image where there are two images.

    Raises
    ------
    InputError
        Features that are no such array, rows without a direction, or nearest rows of another number of images.

    Notes
    -----
    Neighbours are by cosine, ties to the smaller row: the same labels on every call. They are exact up to 150,000
    images or means (:class:`Search`). O(N² D) for the search before the first partition, which has at most N/2
    clusters, and for that between their means. A mean without direction (images that
    cancel each other) has no neighbour and ends the hierarchy.

    References
    ----------
    Sarfraz, Sharma and Stiefelhagen, *Efficient parameter-free clustering using first neighbor relations*, CVPR 2019,
    Eq. 1 and Algorithm 1.
    """
    if len(features) == 0:
        return []
    if nearest is None:
        nearest = Search().neighbours(features, 2)[0].nearest
    elif nearest.shape != (len(features),):
        raise InputError(f"nearest rows of shape {list(nearest.shape)} were given for {len(features)} images")
    labels = first_partition(nearest)
    partitions, sums, joined = [labels], features, labels
    while labels.max() > 0:
        sums = _sums(sums, joined)  # over images, from the sums of the clusters before
        means = sums / np.bincount(labels)[:, None]
        if (np.linalg.norm(means, axis=1) < NO_DIRECTION).any():
            break
        joined = first_partition(Search().neighbours(means, 2)[0].nearest)
        labels = joined[labels]
        if labels.max() > 0:
            partitions.append(labels)
    return partitions


def first_partition(nearest: NDArray[np.integer[Any]]) -> Labels:
    """Unite every row with its nearest one: the connected components of Eq. 1.

    Eq. 1 also links rows that share a nearest neighbour; they are in one component through it.

    Parameters
    ----------
    nearest : int [N]
        The nearest other row of each row.

    Returns
    -------
    int64 [N]
        Clusters 0..C-1 by smallest row.
    """
    n = len(nearest)
    links = coo_array((np.ones(n, np.int8), (np.arange(n), nearest)), shape=(n, n))
    return renumber(connected_components(links, directed=False)[1])


def closest_in_number(partitions: Sequence[Labels], clusters: int) -> Labels:
    """Return the partition with the number of clusters nearest to ``clusters``; the finer one where two tie.

    Raises
    ------
    InputError
        There is no partition.
    """
    if not partitions:
        raise InputError("there is no partition to choose from: FINCH needs an image")
    return min(partitions, key=lambda labels: (abs(int(labels.max()) + 1 - clusters), -int(labels.max())))


def _sums(rows: NDArray[Any], labels: Labels) -> NDArray[np.float64]:
    members = csr_array((np.ones(len(labels)), (labels, np.arange(len(labels)))), shape=(labels.max() + 1, len(labels)))
    sums: NDArray[np.float64] = members @ rows
    return sums
