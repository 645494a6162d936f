"""PK sampler: batches of P blocks of K images, a cluster's or K single ones, other cameras preferred."""

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
    """Yield batches of rows: P blocks of K images, one after another.

    A block is K images of a cluster, or K different images that are each alone in their class (:func:`pack_singles`).
    Blocks have the same length whatever the sizes of the clusters, because ghost batch normalisation
    (``ghost_norm.py``) splits batches between them. They come from random orders of all clusters and all packs, each
    used up before the next is drawn (the fewer than P at its end are dropped).

    Parameters
    ----------
    labels : int64 [n]
        Clusters; rows of label -1 are never drawn.
    cameras : int64 [n]
        Unknown cameras (-1) count as one camera.
    clusters, images : int
        P and K. With fewer blocks than P, a batch has as many as there are.
    batches : int
        Number of batches; none with fewer than two clusters.
    rng : numpy.random.Generator

    Yields
    ------
    int64 [P * K]

    References
    ----------
    RandomMultipleGallerySampler of SpCL draws K images of a cluster and a single image once, so that its blocks shift;
    Cluster Contrast's leaves single images out. Here they have the same share as in SpCL, in blocks that stay aligned.
    """
    order = np.argsort(labels, kind="stable")
    order = order[np.searchsorted(labels[order], 0) :]
    members = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1) if len(order) else []
    if len(members) < 2:
        return
    groups = [rows for rows in members if len(rows) > 1]
    singles = np.array([rows[0] for rows in members if len(rows) == 1], np.int64)
    others = np.concatenate(groups) if groups else singles[:0]
    packs = np.empty((-(-len(singles) // images), images), np.int64)
    blocks = len(groups) + len(packs)
    size = min(clusters, blocks)
    waiting = np.empty(0, np.int64)
    for _ in range(batches):
        if len(waiting) < size:
            packs = pack_singles(singles, others, images, rng)
            waiting = rng.permutation(blocks)
        chosen, waiting = waiting[:size], waiting[size:]
        yield np.concatenate(
            [
                draw_images(groups[block], cameras, images, rng) if block < len(groups) else packs[block - len(groups)]
                for block in chosen
            ]
        )


def pack_singles(
    singles: NDArray[np.int64], others: NDArray[np.int64], images: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Put single images at random into blocks of K different ones; other images fill the last.

    K copies of an image would train on it K times as often as on one in a cluster, and normalise them together.

    Parameters
    ----------
    singles : int64 [s]
        Rows that are alone in their class.
    others : int64 [m]
        All other rows.
    images : int
        K.
    rng : numpy.random.Generator

    Returns
    -------
    int64 [ceil(s / K), K]
        Each row once. Only where the images do not suffice are some repeated.
    """
    if len(singles) == 0:
        return np.empty((0, images), np.int64)
    order = rng.permutation(singles)
    short = -len(order) % images
    return np.resize(np.concatenate([order, rng.permutation(others)[:short]]), (-(-len(order) // images), images))


def draw_images(
    members: NDArray[np.int64], cameras: NDArray[np.int64], images: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw K images of a cluster: one at random, the others from other cameras than its own.

    If no image is of another camera, from the rest of the cluster. With replacement only when fewer than K - 1 are
    there to draw from.

    Parameters
    ----------
    members : int64 [m]
        Rows of the cluster, at least two.
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
    if len(others) >= images - 1:
        rest = rng.permutation(others)[: images - 1]
    else:
        rest = others[rng.integers(len(others), size=images - 1)]
    return np.concatenate([members[first : first + 1], rest])
