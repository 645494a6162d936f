"""PK sampler: batches of P clusters × K images, in blocks of K, other cameras preferred."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def pk_batches(
    labels: NDArray[np.int64],
    cameras: NDArray[np.int64],
    *,
    clusters: int,
    images: int,
    batches: int,
    rng: np.random.Generator,
) -> Iterator[NDArray[np.int64]]:
    """Yield batches of rows: P clusters, K images of each one after another.

    Blocks have the same length whatever the sizes of the clusters, because ghost batch normalisation
    (``ghost_norm.py``) splits batches between them. The clusters come from random orders of all clusters, each used up
    before the next is drawn (the fewer than P at its end are dropped).

    Parameters
    ----------
    labels : int64 [n]
        Clusters; rows of label -1 are never drawn.
    cameras : int64 [n]
        Unknown cameras (-1) count as one camera.
    clusters, images : int
        P and K. With fewer clusters than P, a batch has as many as there are.
    batches : int
        Number of batches; none with fewer than two clusters.
    rng : numpy.random.Generator

    Yields
    ------
    int64 [P * K]

    References
    ----------
    Follows RandomMultipleGallerySampler of SpCL and Cluster Contrast, which leaves out clusters of one image, so that
    its blocks are not aligned.
    """
    order = np.argsort(labels, kind="stable")
    order = order[np.searchsorted(labels[order], 0) :]
    members = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(order) else []
    if len(members) < 2:
        return
    size = min(clusters, len(members))
    waiting = np.empty(0, np.int64)
    for _ in range(batches):
        if len(waiting) < size:
            waiting = rng.permutation(len(members))
        chosen, waiting = waiting[:size], waiting[size:]
        yield np.concatenate([draw_images(members[cluster], cameras, images, rng) for cluster in chosen])


def draw_images(
    members: NDArray[np.int64], cameras: NDArray[np.int64], images: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw K images of a cluster: one at random, the others from other cameras than its own.

    If no image is of another camera, from the rest of the cluster; if that is empty too, the one image K times. With
    replacement only when fewer than K - 1 are there to draw from.

    Parameters
    ----------
    members : int64 [m]
        Rows of the cluster, at least one.
    cameras : int64 [n]
        Camera of every row.
    images : int
        K.
    rng : numpy.random.Generator

    Returns
    -------
    int64 [K]
    """
    first = rng.integers(len(members))
    others = members[cameras[members] != cameras[members[first]]]
    if len(others) == 0:
        others = np.delete(members, first)
    if len(others) == 0:
        others = members
    if len(others) >= images - 1:
        rest = rng.permutation(others)[: images - 1]
    else:
        rest = others[rng.integers(len(others), size=images - 1)]
    return np.concatenate([members[first : first + 1], rest])
