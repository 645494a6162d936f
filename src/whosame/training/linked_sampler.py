"""Batches of images with answers: each group followed by one that is known to be another person."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from whosame.training.pair_constraints import PairConstraints
from whosame.training.sampler import draw_images


def anchors(constraints: PairConstraints) -> dict[int, NDArray[np.int64]]:
    """Return the components with two images or more and a cannot-link, each with the components linked to it."""
    roots, sizes = np.unique(constraints.roots, return_counts=True)
    present = np.zeros(constraints.components, bool)
    present[roots] = True
    found = {}
    for root in roots[sizes > 1].tolist():
        others = constraints.cannot_linked(root)
        others = others[present[others]]
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
    ``pk_batches``, and each is followed by a component with a cannot-link to it. If that is a single image, the block
    holds as many of the single images known to differ from the anchor as it can.

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
        With fewer anchors than P / 2, fewer. A single image is repeated only where K such images are not known.
    """
    found = anchors(constraints)
    names = np.array([*found], np.int64)
    if len(names) == 0:
        return
    order = np.argsort(constraints.roots, kind="stable")
    roots, begin, sizes = np.unique(constraints.roots[order], return_index=True, return_counts=True)

    def members(root: int) -> NDArray[np.int64]:
        at = np.searchsorted(roots, root)
        return order[begin[at] : begin[at] + sizes[at]]

    size = min(clusters // 2, len(names))
    waiting = np.empty(0, np.int64)
    for _ in range(batches):
        if len(waiting) < size:
            waiting = rng.permutation(names)
        chosen, waiting = waiting[:size], waiting[size:]
        blocks = []
        for root in chosen.tolist():
            blocks.append(draw_images(members(root), cameras, images, rng))
            opposite = members(rng.choice(found[root]))
            if len(opposite) > 1:
                blocks.append(draw_images(opposite, cameras, images, rng))
            else:
                at = np.searchsorted(roots, found[root])
                first = rng.permutation(order[begin[at[sizes[at] == 1]]])
                blocks.append(np.resize(np.concatenate([opposite, first[first != opposite[0]]]), images))
        yield np.concatenate(blocks)
