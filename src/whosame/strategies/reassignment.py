"""Reassignment of labels after a round: splits by seeds, then unions (DCPS, Sec. 3.4.3; methods.md A.4 #13, #18)."""

import logging
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from whosame.memory import LabelMemory

log = logging.getLogger(__name__)

Labels = NDArray[np.int64]
RowPair = tuple[int, int]


def split_by_seeds(
    labels: Labels, features: NDArray[np.float32], memory: LabelMemory, pairs: Iterable[RowPair]
) -> Labels:
    """Split every cluster that holds a pair of different people in two, around the pair.

    Each other image joins the nearer of the two seed images (Euclidean). A must-link group moves as a block, by its
    mean; a block that is another person than one seed joins the other.

    Parameters
    ----------
    labels : int64 [N]
        Clusters; -1 is an outlier.
    features : float32 [N, D]
    memory : LabelMemory
        With the round's answers. A pair that they do not make different people splits nothing.
    pairs : iterable of (int, int)
        Rows, in order; a pair that an earlier split has separated is skipped.

    Returns
    -------
    int64 [N]
        A copy with new labels above the old for the parts that left.
    """
    labels = labels.copy()
    roots = memory.must_link_roots(len(labels))
    for a, b in pairs:
        if labels[a] < 0 or labels[a] != labels[b] or memory.implied(a, b) is not False:
            continue
        members = np.flatnonzero(labels == labels[a])
        blocks, of = np.unique(roots[members], return_inverse=True)
        means = np.zeros((len(blocks), features.shape[1]))
        np.add.at(means, of, features[members])
        means /= np.bincount(of)[:, None]
        nearer = np.linalg.norm(means - features[b], axis=1) < np.linalg.norm(means - features[a], axis=1)
        leaves = [_leaves(memory, int(block), a, b, bool(near)) for block, near in zip(blocks, nearer, strict=True)]
        labels[members[np.array(leaves)[of]]] = labels.max() + 1
    return labels


def _leaves(memory: LabelMemory, block: int, a: int, b: int, nearer_to_b: bool) -> bool:
    with_a, with_b = memory.implied(block, a), memory.implied(block, b)
    if with_a is True or with_b is True:
        return with_b is True
    if (with_a is False) != (with_b is False):
        return with_a is False
    return nearer_to_b


def unite(labels: Labels, memory: LabelMemory, pairs: Iterable[RowPair]) -> Labels:
    """Unite the two clusters of every pair that is one person, unless an answer keeps the clusters apart.

    Unions chain. The merged cluster keeps the smaller label. An outlier joins with its must-link group; two
    outliers become a cluster. A refused union is logged; the enforcement after it moves the must-link group alone.

    Parameters
    ----------
    labels : int64 [N]
        Clusters; -1 is an outlier.
    memory : LabelMemory
        With the round's answers. A pair that they do not make one person unites nothing.
    pairs : iterable of (int, int)
        Rows, in order.

    Returns
    -------
    int64 [N]
        A copy.
    """
    labels = labels.copy()
    roots = memory.must_link_roots(len(labels))
    for a, b in pairs:
        if memory.implied(a, b) is not True:
            continue
        for row in (a, b):
            if labels[row] < 0:
                labels[(roots == roots[row]) & (labels < 0)] = labels.max() + 1
        if labels[a] == labels[b]:
            continue
        first, second = labels == labels[a], labels == labels[b]
        if memory.differ(np.unique(roots[first]).tolist(), np.unique(roots[second]).tolist()):
            log.info("clusters %d and %d stay apart: an earlier answer separates some images", labels[a], labels[b])
            continue
        labels[first | second] = min(labels[a], labels[b])
    return labels
