"""Batches of images that people answered about, each group beside one that is another person."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from whosame.training.pair_constraints import PairConstraints
from whosame.training.sampler import draw_images


def anchors(constraints: PairConstraints) -> dict[int, NDArray[np.int64]]:
    """Return the components that can be compared, each with its rivals: two images and more, and at least one rival."""
    roots, sizes = np.unique(constraints.roots, return_counts=True)
    present = set(roots.tolist())
    found = {}
    for root in roots[sizes > 1].tolist():
        rivals = np.array(sorted(present.intersection(constraints.rivals(root).tolist())), np.int64)
        if len(rivals):
            found[root] = rivals
    return found


def comparable(constraints: PairConstraints) -> NDArray[np.int64]:
    """Return the must-link component of each image in :func:`anchors` or among their rivals, -1 for others."""
    found = anchors(constraints)
    wanted = np.unique(np.concatenate([[*found], *found.values()])) if found else np.empty(0, np.int64)
    return np.where(np.isin(constraints.roots, wanted), constraints.roots, -1)


def linked_batches(
    constraints: PairConstraints,
    cameras: NDArray[np.int64],
    *,
    clusters: int,
    images: int,
    batches: int,
    rng: np.random.Generator,
) -> Iterator[NDArray[np.int64]]:
    """Yield batches in which every other block is another person than the block before it.

    Of P blocks of K images half are components from :func:`anchors`, from random orders of all of them as in
    ``pk_batches``, and each is followed by one of its rivals.

    Parameters
    ----------
    constraints : PairConstraints
    cameras : int64 [n]
    clusters, images : int
        P, of which an odd one is left out, and K.
    batches : int
        How many; none without an anchor.
    rng : numpy.random.Generator

    Yields
    ------
    int64 [P * K]
        With fewer anchors than P / 2, fewer.
    """
    found = anchors(constraints)
    names = np.array([*found], np.int64)
    if len(names) == 0:
        return
    order = np.argsort(constraints.roots, kind="stable")
    ordered = constraints.roots[order]
    size = min(clusters // 2, len(names))
    waiting = np.empty(0, np.int64)
    for _ in range(batches):
        if len(waiting) < size:
            waiting = rng.permutation(names)
        chosen, waiting = waiting[:size], waiting[size:]
        blocks = []
        for root in chosen.tolist():
            for name in (root, rng.choice(found[root])):
                members = order[np.searchsorted(ordered, name) : np.searchsorted(ordered, name, side="right")]
                blocks.append(draw_images(members, cameras, images, rng))
        yield np.concatenate(blocks)
