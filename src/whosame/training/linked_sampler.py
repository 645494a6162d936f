"""Batches of images with answers: each group followed by one that is known to be another person."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from whosame.training.pair_constraints import PairConstraints
from whosame.training.sampler import draw_images


def anchors(constraints: PairConstraints) -> dict[int, NDArray[np.int64]]:
    """Return the components with two images or more and a cannot-link, each with the components linked to it."""
    roots, sizes = np.unique(constraints.roots, return_counts=True)
    present = set(roots.tolist())
    found = {}
    for root in roots[sizes > 1].tolist():
        others = np.array(sorted(present.intersection(constraints.cannot_linked(root).tolist())), np.int64)
        if len(others):
            found[root] = others
    return found


def comparable(constraints: PairConstraints) -> NDArray[np.int64]:
    """Return the must-link component of each image in :func:`anchors` or cannot-linked to one, -1 for others."""
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
    """Yield batches of blocks in pairs that are known to be two persons.

    Of P blocks of K images half are components from :func:`anchors`, from random orders of all of them as in
    ``pk_batches``, and each is followed by a component with a cannot-link to it.

    Parameters
    ----------
    constraints : PairConstraints
    cameras : int64 [n]
    clusters, images : int
        P, rounded down to an even number, and K.
    batches : int
        Number of batches; none without an anchor.
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
