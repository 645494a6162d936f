"""Scatter of one cluster: purification around its most central image, the hardest members first (MASS-like)."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from whosame.clustering.centrality import centrality
from whosame.memory import LabelMemory
from whosame.questions import Verdict
from whosame.strategies.groups import Groups
from whosame.strategies.session import SessionBudget

Rows = NDArray[np.int64]


class Scatter:
    """Asks about one cluster's members and its centre until it looks pure, then purifies its residual.

    Since all questions share the centre, "same" answers make a star without a superfluous question, and a "different"
    one separates an image from the whole star.

    Parameters
    ----------
    rows : int64 [m]
        The members, ascending.
    values : float64 [m]
        Their centrality.
    graph : scipy.sparse.csr_array, float32 [N, N]
        Source of a residual's centrality.
    kind : str
        As in :func:`centrality`.
    patience : int
        "Same" in a row after which the cluster looks pure.
    share : float
        Share of the members, rounded up, after which the questions end; they go on while the answer is "different".
    depth : int
        How often a residual is purified again.

    Attributes
    ----------
    centre : int
        The most central row; the smallest where they tie.
    level : int
        0 while the cluster is purified, 1 for its residual, 2 for the residual of that.
    """

    def __init__(
        self,
        rows: Rows,
        values: NDArray[np.float64],
        graph: csr_array,
        *,
        kind: str,
        patience: int,
        share: float,
        depth: int,
    ) -> None:
        self._graph, self._kind = graph, kind
        self._patience, self._share, self._depth = patience, share, depth
        self.level = 0
        self._begin(rows, values)

    def _begin(self, rows: Rows, values: NDArray[np.float64]) -> None:
        self.centre = int(rows[values.argmax()])
        hardest = np.argsort(values, kind="stable")
        self._others = [(int(rows[i]), float(values[i])) for i in hardest if rows[i] != self.centre]
        self._limit = math.ceil(self._share * len(rows))
        self._next = self._asked = self._row_of_same = 0
        self._last_differs = False

    def ask(self, budget: SessionBudget) -> tuple[int, float] | None:
        """Return the row to compare with :attr:`centre` next, and its centrality; None when there is none."""
        while True:
            while not self._looks_pure() and self._next < len(self._others):
                row, value = self._others[self._next]
                self._next += 1
                if budget.is_open(self.centre, row):
                    return row, value
            residual = np.sort(apart_from(self.centre, [row for row, _ in self._others], budget.memory))
            if len(residual) < 2 or self.level == self._depth:
                return None
            self.level += 1
            self._begin(residual, _within(self._graph, residual, self._kind))

    def tell(self, verdict: Verdict) -> None:
        """Take the paid answer to the last question. Closure answers are no new evidence."""
        self._asked += 1
        if verdict != "unsure":
            self._last_differs = verdict == "different"
            self._row_of_same = 0 if self._last_differs else self._row_of_same + 1

    def _looks_pure(self) -> bool:
        enough = self._row_of_same >= self._patience or self._asked >= self._limit
        return enough and not self._last_differs


def apart_from(centre: int, rows: Sequence[int], memory: LabelMemory) -> Rows:
    """Return the rows that the answers make another person than ``centre``, int64, in their order."""
    return np.array([row for row in rows if memory.implied(centre, row) is False], np.int64)


def purified(
    rows: Rows,
    graph: csr_array,
    features: NDArray[np.float32],
    memory: LabelMemory,
    roots: Rows,
    *,
    kind: str,
    depth: int,
) -> list[Rows]:
    """Divide a cluster by the answers about its centre, and its residual by those about the residual's own.

    Members without an answer stay with the centre if they are nearer to it than to the nearest rejected image
    (Euclidean), else they follow that image to its group. Must-link groups move as a block, by their mean, and none
    follows an image that the answers separate it from.

    Parameters
    ----------
    rows : int64 [m]
        The members, ascending.
    graph : scipy.sparse.csr_array, float32 [N, N]
    features : float32 [N, D]
    memory : LabelMemory
        With the round's answers.
    roots : int64 [N]
        From :meth:`LabelMemory.must_link_roots`.
    kind : str
        As in :func:`centrality`.
    depth : int
        How often a residual is divided again.

    Returns
    -------
    list of int64 arrays
        A partition of ``rows``, the centre's group first; ``[rows]`` where nothing was rejected.
    """
    centre = int(rows[_within(graph, rows, kind).argmax()])
    rejected = apart_from(centre, rows.tolist(), memory)
    if len(rejected) == 0:
        return [rows]
    groups = [rejected]
    if depth > 0 and len(rejected) > 1:
        groups = purified(rejected, graph, features, memory, roots, kind=kind, depth=depth - 1)
    group_of = {centre: 0} | {row: number for number, group in enumerate(groups, start=1) for row in group.tolist()}
    free = np.setdiff1d(rows[roots[rows] != roots[centre]], rejected)
    leaders = _leaders(free, np.array([centre, *rejected]), features, memory, roots)
    group_of |= {row: group_of[leader] for row, leader in zip(free.tolist(), leaders.tolist(), strict=True)}
    of = np.array([group_of.get(row, 0) for row in rows.tolist()])
    return [rows[of == number] for number in range(len(groups) + 1)]


def _within(graph: csr_array, rows: Rows, kind: str) -> NDArray[np.float64]:
    return centrality(graph[rows][:, rows], np.zeros(len(rows), np.int64), kind=kind)


def _leaders(free: Rows, leaders: Rows, features: NDArray[np.float32], memory: LabelMemory, roots: Rows) -> Rows:
    """Return for each free row the nearest leader that its must-link block may follow; the first always may."""
    blocks = Groups(np.unique(roots[free], return_inverse=True)[1])
    means = blocks.mean(features[free])
    near = features[leaders]
    away = np.einsum("ld,ld->l", near, near) - 2 * (means @ near.T)  # squared, less what is the block's own
    chosen = np.empty(len(blocks), np.int64)
    for block, order in enumerate(np.argsort(away, axis=1, kind="stable")):
        member = int(free[blocks.rows[blocks.starts[block]]])
        chosen[block] = next(leader for leader in leaders[order] if memory.implied(member, int(leader)) is not False)
    following = np.empty_like(free)
    following[blocks.rows] = chosen[blocks.cluster_of]
    return following
