"""Splitting a cluster with cannot-links inside: colours of the conflict graph, then the nearest colour."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def split_cluster(
    rows: NDArray[np.int64],
    features: NDArray[Any],
    roots: NDArray[np.int64],
    seeds: Mapping[int, NDArray[np.int64]],
    conflicts: Iterable[tuple[int, int]],
) -> NDArray[np.int64]:
    """Divide one cluster so that no two conflicting must-link components stay together.

    The components in conflict are coloured greedily, the largest first (ties: the smaller root). Each takes the
    nearest colour that no conflict forbids, a new one if there is none. Then every other must-link component moves as a
    block, and every free image alone, to the colour whose centroid is nearest to its mean; a colour's centroid is the
    mean over the images of its components, in any cluster. With one "different" between two images this is DCPS's
    division by the two seeds.

    Parameters
    ----------
    rows : int64 [n]
        The images of the cluster.
    features : float [N, D]
    roots : int64 [N]
        The must-link component of every image.
    seeds : mapping of int to int64 arrays
        All images of each component in conflict.
    conflicts : iterable of (int, int)
        Components with images in the cluster that are different people.

    Returns
    -------
    int64 [n]
        The colour of each image, 0 for that of the largest component in conflict.

    References
    ----------
    Welsh and Powell 1967 (greedy colouring); methods.md, Enforcement; A.4 #13.
    """
    adjacent: dict[int, set[int]] = defaultdict(set)
    for a, b in conflicts:
        adjacent[a].add(b)
        adjacent[b].add(a)
    colour_of: dict[int, int] = {}
    sums: list[NDArray[np.float64]] = []
    counts: list[int] = []
    for root in sorted(adjacent, key=lambda root: (-len(seeds[root]), root)):
        images = features[seeds[root]].astype(np.float64)
        taken = {colour_of[other] for other in adjacent[root] if other in colour_of}
        free = [colour for colour in range(len(sums)) if colour not in taken]
        if free:
            centroids = [sums[colour] / counts[colour] for colour in free]
            colour = free[int(nearest(images.mean(axis=0, keepdims=True), centroids)[0])]
            sums[colour] += images.sum(axis=0)
            counts[colour] += len(images)
        else:
            colour = len(sums)
            sums.append(images.sum(axis=0))
            counts.append(len(images))
        colour_of[root] = colour
    blocks, block_of = np.unique(roots[rows], return_inverse=True)
    order = np.argsort(block_of, kind="stable")
    begins = np.flatnonzero(np.diff(block_of[order], prepend=-1))
    means = np.add.reduceat(features[rows[order]].astype(np.float64), begins, axis=0)
    means /= np.bincount(block_of)[:, None]
    colours = nearest(means, [total / count for total, count in zip(sums, counts, strict=True)])
    for at, root in enumerate(blocks.tolist()):
        colours[at] = colour_of.get(root, colours[at])
    return colours[block_of]


def nearest(points: NDArray[np.float64], centroids: list[NDArray[np.float64]]) -> NDArray[np.int64]:
    """Return the index of the centroid [D] nearest to each point [n, D] by Euclidean distance; ties: the first."""
    distances = np.stack([((points - centroid) ** 2).sum(axis=1) for centroid in centroids])  # so that ties stay exact
    first: NDArray[np.int64] = np.argmin(distances, axis=0).astype(np.int64)
    return first
