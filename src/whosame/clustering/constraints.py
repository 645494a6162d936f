"""Constraints: labels that obey every answer. Clusters split at "different" and unite at "same"."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from whosame.clustering.dbscan import OUTLIER, renumber
from whosame.clustering.splitting import split_cluster
from whosame.memory import LabelMemory

Labels = NDArray[np.int64]
Placement = dict[int, dict[int, int]]  # cluster -> component -> its smallest row there


def enforce(labels: Labels, features: NDArray[Any], memory: LabelMemory) -> Labels:
    """Change labels as little as the answers require.

    1. Splits. In a cluster with a cannot-link, the must-link components in conflict are coloured, and everything else
       in the cluster goes to the nearest colour (see :func:`split_cluster`).
    2. Unions, the largest must-link components first. All clusters that a component touches merge whole, unless the
       result has a cannot-link inside. Then they merge one by one with the cluster that has most of the component's
       images (ties: centroid nearest to the component's mean, then the smaller label), and where that too
       violates a cannot-link, only the component's own images move there. Outliers join the cluster of their component;
       a component of outliers only becomes a cluster.

    Parameters
    ----------
    labels : int64 [N]
        -1 is an outlier, an identity of its own.
    features : float [N, D]
        L2-normalised.
    memory : LabelMemory
        Answers about rows 0..N-1.

    Returns
    -------
    int64 [N]
        Clusters 0..C-1 by smallest row, -1 outliers. The input is not changed.

    Raises
    ------
    ValueError
        Labels and features differ in length, or an answer is about a row outside 0..N-1.

    References
    ----------
    methods.md, Enforcement; A.4 #13, #14, #18.
    """
    if labels.ndim != 1 or len(labels) != len(features):
        raise ValueError(f"labels of shape {list(labels.shape)} for features of shape {list(features.shape)}")
    roots = memory.must_link_roots(len(labels))
    partition = _Partition(_split(labels, features, roots, memory), features, roots, memory)
    sizes = np.bincount(roots, minlength=len(roots))
    components = _grouped(roots, np.flatnonzero(sizes > 1).tolist())
    for root in sorted(components, key=lambda root: (-sizes[root], root)):
        partition.unite(root, components[root])
    final = np.full(len(labels), OUTLIER, np.int64)
    inside = partition.labels != OUTLIER
    final[inside] = renumber(partition.labels[inside])
    violated = violations(final, memory)
    assert len(violated) == 0, f"enforced labels violate {len(violated)} answers, the first {violated[:20].tolist()}"
    return final


def join(labels: Labels, memory: LabelMemory) -> Labels:
    """Unite the clusters that must-link components touch, and divide none, whatever is known to differ.

    Parameters
    ----------
    labels : int64 [N]
        -1 is an outlier, an identity of its own.
    memory : LabelMemory
        Answers about rows 0..N-1.

    Returns
    -------
    int64 [N]
        What :func:`enforce` makes of the "same" answers alone.
    """
    rows, clustered = np.arange(len(labels)), np.flatnonzero(labels != OUTLIER)
    ends = np.concatenate([memory.must_link_roots(len(labels)), len(labels) + labels[clustered]])
    starts = np.concatenate([rows, clustered])
    nodes = len(labels) + int(labels.max(initial=OUTLIER)) + 1
    links = csr_array((np.ones(len(ends), bool), (starts, ends)), shape=(nodes, nodes))
    found = connected_components(links, directed=False)[1][: len(labels)]
    inside = (labels != OUTLIER) | (np.bincount(found)[found] > 1)
    joined = np.full(len(labels), OUTLIER, np.int64)
    joined[inside] = renumber(found[inside])
    return joined


def violations(labels: Labels, memory: LabelMemory) -> NDArray[np.int64]:
    """Return pairs of rows whose labels contradict the answers.

    An outlier is an identity of its own: it can violate a must-link, but no cannot-link.

    Returns
    -------
    int64 [m, 2]
        (root, row) for every row that is not in the cluster of its must-link component's root, and for each cluster
        with two components under a cannot-link, one row of each; a < b, sorted.
    """
    roots = memory.must_link_roots(len(labels))
    rows = np.arange(len(labels))
    separated = rows[(rows != roots) & ((labels != labels[roots]) | (labels == OUTLIER))]
    pairs = {(int(roots[row]), int(row)) for row in separated}
    for placed in _parted(labels, roots, memory).values():
        for a, b in memory.differing(placed):
            left, right = sorted((placed[a], placed[b]))
            pairs.add((left, right))
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def _split(labels: Labels, features: NDArray[Any], roots: Labels, memory: LabelMemory) -> Labels:
    found = {label: memory.differing(placed) for label, placed in _parted(labels, roots, memory).items()}
    conflicts = {label: pairs for label, pairs in found.items() if pairs}
    divided = labels.copy()
    fresh = int(labels.max(initial=OUTLIER)) + 1
    members = _grouped(labels, conflicts)
    seeds = _grouped(roots, {root for pairs in conflicts.values() for pair in pairs for root in pair})
    for label, pairs in sorted(conflicts.items()):
        colours = split_cluster(members[label], features, roots, seeds, pairs)
        divided[members[label]] = np.where(colours == 0, label, fresh + colours - 1)
        fresh += int(colours.max())
    return divided


class _Partition:
    """Clusters without cannot-links inside, and their unions that keep it so."""

    def __init__(self, labels: Labels, features: NDArray[Any], roots: Labels, memory: LabelMemory) -> None:
        self.labels = labels
        self.features = features
        self.memory = memory
        self.fresh = int(labels.max(initial=OUTLIER)) + 1
        self.members = _grouped(labels, range(self.fresh))
        self.inside: dict[int, set[int]] = defaultdict(set)  # cluster -> its components that differ from others
        for label, placed in _parted(labels, roots, memory).items():
            self.inside[label].update(placed)

    def unite(self, root: int, rows: NDArray[np.int64]) -> None:
        """Bring the rows of one must-link component together."""
        own = self.labels[rows]
        touched, counts = np.unique(own[own != OUTLIER], return_counts=True)
        if len(touched) == 0:
            self.labels[rows] = self.fresh
            self.fresh += 1
            return
        order = touched.tolist()
        if not self._compatible(order):
            mean = self.features[rows].mean(axis=0, keepdims=True, dtype=np.float64)
            away = np.array([((self._centroid(label) - mean) ** 2).sum() for label in order])
            order = touched[np.lexsort((touched, away, -counts))].tolist()
        target = order[0]
        for label in order[1:]:
            if self._compatible([target, label]):
                target = self._merge(target, label)
            else:
                self._move(root, rows[self.labels[rows] == label], label, target)
        loose = rows[self.labels[rows] == OUTLIER]
        self.labels[loose] = target
        self.members[target] = np.concatenate([self.members[target], loose])

    def _compatible(self, clusters: list[int]) -> bool:
        together: set[int] = set()
        for label in clusters:
            if self.memory.differ(tuple(self.inside[label]), tuple(together)):
                return False
            together |= self.inside[label]
        return True

    def _merge(self, a: int, b: int) -> int:
        small, large = sorted((a, b), key=lambda label: (len(self.members[label]), label))
        moved = self.members.pop(small)
        self.labels[moved] = large
        self.members[large] = np.concatenate([self.members[large], moved])
        self.inside[large] |= self.inside.pop(small, set())
        return large

    def _move(self, root: int, block: NDArray[np.int64], source: int, target: int) -> None:
        self.labels[block] = target
        self.members[source] = np.setdiff1d(self.members[source], block, assume_unique=True)
        self.members[target] = np.concatenate([self.members[target], block])
        self.inside[source].discard(root)

    def _centroid(self, label: int) -> NDArray[np.float64]:
        centroid: NDArray[np.float64] = self.features[self.members[label]].mean(axis=0, dtype=np.float64)
        return centroid


def _parted(labels: Labels, roots: Labels, memory: LabelMemory) -> Placement:
    """Return the must-link components in each cluster that are known to differ from others; outliers are in none."""
    placed: Placement = defaultdict(dict)
    rows = np.flatnonzero(np.isin(roots, memory.parted()) & (labels != OUTLIER))
    for row, root, label in zip(rows.tolist(), roots[rows].tolist(), labels[rows].tolist(), strict=True):
        placed[label].setdefault(root, row)
    return placed


def _grouped(values: NDArray[np.int64], keys: Iterable[int]) -> dict[int, NDArray[np.int64]]:
    """Return for each key the rows with that value, ascending."""
    order = np.argsort(values, kind="stable")
    wanted = np.array(sorted(keys), dtype=np.int64)
    begins = np.searchsorted(values[order], wanted)
    ends = np.searchsorted(values[order], wanted, side="right")
    return {key: order[begin:end] for key, begin, end in zip(wanted.tolist(), begins, ends, strict=True)}
