"""Labels of a review: which identity each image has now, by the table and the answers since it was written."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from whosame.annotation.review.table import NONE, ReviewedTable, Rows
from whosame.memory import LabelMemory


def most_central(table: ReviewedTable, roots: Rows, rows: Rows) -> int:
    """Return the row that others are compared with: of the catalogue's, or of the most joined, the most central."""
    _, component, size = np.unique(roots[rows], return_inverse=True, return_counts=True)
    named = np.zeros(len(rows), bool) if table.known is None else table.known.individuals[rows] >= 0
    best = np.lexsort((rows, -table.closeness[rows], -size[component], ~named))
    return int(rows[best[0]])


def leave(
    table: ReviewedTable, memory: LabelMemory, roots: Rows, identities: Iterable[int], left: NDArray[np.bool_]
) -> None:
    """Mark the images of some identities of the table that answers part from the most central one.

    Parameters
    ----------
    table : ReviewedTable
    memory : LabelMemory
        By rows of the table.
    roots : int64 [N]
        Its must-link components.
    identities : iterable of int
        Their numbers in the table.
    left : bool [N]
        Changed in place at the rows of these identities.
    """
    for identity in identities:
        rows = table.rows_of[identity]
        core = most_central(table, roots, rows)
        left[rows] = [memory.implied(core, row) is False for row in rows.tolist()]


def labels_now(table: ReviewedTable, memory: LabelMemory, roots: Rows, left: NDArray[np.bool_]) -> Rows:
    """Return the identity of each row now, int64 [N]: the smallest number of those that answers join; -1: of none.

    Images that answers join have one identity. It joins those that the table gives them, unless their most central
    images are known to differ. An image is in no identity whose most central one it is known to differ from.

    Parameters
    ----------
    table : ReviewedTable
    memory : LabelMemory
    roots : int64 [N]
        Its must-link components by their smallest row.
    left : bool [N]
        From :func:`leave`. Such an image has the identity of those that answers join it to, if they have one.
    """
    labels = np.where(left, NONE, table.labels)
    size, n = len(table.names), len(labels)
    linked = np.bincount(roots, minlength=n)[roots] > 1
    inside = linked & (labels != NONE)
    component, label = np.divmod(np.unique(roots[inside] * size + labels[inside]), max(size, 1))
    place = np.full(n, NONE, np.int64)
    place[component[::-1]] = label[::-1]  # the smallest of each
    groups = _Groups(table, memory, roots)
    found, begin, count = np.unique(component, return_index=True, return_counts=True)
    for root, first, several in zip(found.tolist(), begin.tolist(), count.tolist(), strict=True):
        if several > 1:
            place[root] = groups.join(root, label[first : first + several].tolist())
    merged = np.array([*map(groups.find, range(size)), NONE], np.int64)
    placed: Rows = np.where(linked, merged[place[roots]], merged[labels])
    for each in np.unique(placed[(placed != table.labels) & (placed != NONE)]).tolist():
        rows = np.flatnonzero(placed == each)
        core = most_central(table, roots, rows)
        placed[[row for row in rows.tolist() if memory.implied(core, row) is False]] = NONE
    return placed


class _Groups:
    """Identities that answers join, each under the smallest of their numbers."""

    def __init__(self, table: ReviewedTable, memory: LabelMemory, roots: Rows) -> None:
        self._table, self._memory, self._roots = table, memory, roots
        self._parent: dict[int, int] = {}
        self._cores: dict[int, list[int]] = {}

    def find(self, label: int) -> int:
        while (parent := self._parent.get(label, label)) != label:
            label = parent
        return label

    def join(self, root: int, labels: list[int]) -> int:
        """Join the identities that share a component, where nothing parts them; return the one that it is of."""
        for label in labels:
            if label not in self._cores:
                self._cores[label] = [most_central(self._table, self._roots, self._table.rows_of[label])]
        own = [label for label in labels if self._roots[self._cores[label][0]] == root]
        for label in labels:
            one, other = sorted((self.find((own or labels)[0]), self.find(label)))
            pairs = ((a, b) for a in self._cores[one] for b in self._cores[other])
            if one != other and not any(self._memory.implied(a, b) is False for a, b in pairs):
                self._parent[other] = one
                self._cores[one] = self._cores[one] + self._cores[other]
        return (own or labels)[0]


def members_of(labels: Rows) -> dict[int, Rows]:
    """Return the rows of each identity."""
    order = np.argsort(labels, kind="stable")
    found, begin = np.unique(labels[order], return_index=True)
    parts = np.split(order, begin[1:])
    return {label: part for label, part in zip(found.tolist(), parts, strict=True) if label != NONE}


def members_after(before: Mapping[int, Rows], was: Rows, labels: Rows) -> dict[int, Rows]:
    """Return the rows of each identity after some labels have changed, given those before."""
    changed = np.flatnonzero(was != labels)
    members = dict(before)
    for label in {*was[changed].tolist(), *labels[changed].tolist()} - {NONE}:
        members[label] = np.flatnonzero(labels == label)
        if not len(members[label]):
            del members[label]
    return members
