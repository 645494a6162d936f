"""Batches of P clusters × K images, in blocks of K, other cameras preferred."""

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

    Blocks stay aligned whatever the sizes of the clusters, because the chunks of BatchNorm (``ghost_norm.py``) are
    cut between them. The clusters come from random orders of all of them, each used up before the next is drawn (what
    is left at its end, fewer than P, is dropped).

    Parameters
    ----------
    labels : ndarray of int64, shape (n,)
        Clusters; rows of label -1 are never drawn.
    cameras : ndarray of int64, shape (n,)
        Unknown cameras (-1) count as one camera.
    clusters, images : int
        P and K. With fewer clusters than P, a batch has as many as there are.
    batches : int
        How many batches. With fewer than two clusters there are none: nothing to tell apart.
    rng : numpy.random.Generator

    Yields
    ------
    ndarray of int64, shape (P * K,)

    References
    ----------
    Follows RandomMultipleGallerySampler of SpCL and Cluster Contrast, which however leaves out clusters of one image
    and so lets the blocks shift.
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
    members : ndarray of int64, shape (m,)
        Rows of the cluster, at least one.
    cameras : ndarray of int64, shape (n,)
        Camera of every row.
    images : int
        K.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (K,)
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
