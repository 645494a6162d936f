"""Approximate nearest neighbours of millions of rows, with the share of the true ones that are found."""

from collections.abc import Iterator
from itertools import count
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.blocks import map_blocks, one_thread_a_product
from whosame.clustering.camera_neighbours import CameraNeighbours, camera_neighbours
from whosame.clustering.descent import Lists, improve
from whosame.clustering.forest import compare_within, leaves
from whosame.clustering.neighbours import NOWHERE, SPARE, Neighbours, neighbours, rank, similarities, unit_rows
from whosame.clustering.recall_sample import RecallSample
from whosame.errors import ParameterError
from whosame.progress import track
from whosame.seeding import stream

LEAF = 1600  # rows
TREES = 8  # before the recall is measured, and again each time it is too low
MOST_TREES = 64
LOSS = 0.005  # of recall that fewer dimensions may cost
FARTHEST = -3.0  # below every similarity
COPIED = 4096  # rows at a time


SearchKind = Literal["auto", "exact", "approximate"]


class Found(NamedTuple):
    """Neighbours, and the share of the sampled rows' true ones that is among them."""

    near: CameraNeighbours
    recall: float


class Search(NamedTuple):
    """How neighbours are searched.

    Attributes
    ----------
    kind : str
        exact, approximate, or auto: exact up to ``exact_up_to`` rows.
    exact_up_to : int
    recall, dimensions : float, int
        See :func:`approximate_neighbours`.
    """

    kind: SearchKind = "auto"
    exact_up_to: int = 150_000
    recall: float = 0.97
    dimensions: int = 256

    def approximate(self, n: int) -> bool:
        """Return whether the neighbours of ``n`` rows are searched approximately."""
        return self.kind == "approximate" or (self.kind == "auto" and n > self.exact_up_to)

    def neighbours(self, features: NDArray[Any], k: int) -> tuple[Neighbours, float | None]:
        """Return what :func:`neighbours` does, and its recall; None where it is exact."""
        if not self.approximate(len(features)):
            return neighbours(features, k), None
        found = approximate_neighbours(features, within=k, recall=self.recall, dimensions=self.dimensions)
        return found.near.within, found.recall

    def camera_neighbours(
        self, features: NDArray[Any], cameras: NDArray[np.int64], *, within: int, across: int
    ) -> tuple[CameraNeighbours, float | None]:
        """Return what :func:`camera_neighbours` does, and its recall; None where it is exact."""
        if not self.approximate(len(features)):
            return camera_neighbours(features, cameras, within=within, across=across), None
        return approximate_neighbours(
            features, cameras, within=within, across=across, recall=self.recall, dimensions=self.dimensions
        )


EXACT = Search("exact")


def approximate_neighbours(
    features: NDArray[Any],
    cameras: NDArray[np.int64] | None = None,
    *,
    within: int,
    across: int = 0,
    recall: float = 0.97,
    dimensions: int = 256,
) -> Found:
    """Find the nearest rows of every row within its camera and across cameras, most of them.

    Random trees bring near rows together; lists of neighbours then improve by those of their neighbours. Trees are
    added until the recall on a sample of rows, whose true neighbours are searched exactly, reaches the one asked for.
    Similarities of what is found are exact, in the order of :func:`camera_neighbours`.

    Parameters
    ----------
    features : float32 or float64 [N, D]
        L2-normalised. Rows of another length are normalised first.
    cameras : int64 [N], optional
        Images of unknown camera (-1) count as one camera of their own. None: all are of one camera.
    within, across : int
        How many are found of the row's own camera, the row itself included, and of all others.
    recall : float, default=0.97
        Share of the true neighbours to reach; less is found where ``MOST_TREES`` do not reach it.
    dimensions : int, default=256
        Trees and lists use this many principal components where features have more, unless on the sample that costs
        0.005 of recall or more.

    Returns
    -------
    Found
        The same on every call, whatever the number of threads.

    Raises
    ------
    InputError
        As of :func:`neighbours`.
    ParameterError
        ``within`` below 1.

    Notes
    -----
    About O(N log N · D) time. Memory above the features: a copy of them, of at most ``dimensions`` columns, and
    about 20 bytes a neighbour.
    """
    if within < 1:
        raise ParameterError(f"the number of neighbours is {within}, but at least 1 is needed")
    unit = unit_rows(features)
    groups = np.zeros(len(unit), np.int32) if cameras is None else np.unique(cameras, return_inverse=True)[1]
    with one_thread_a_product():
        return _search(unit, groups.astype(np.int32), within, across, recall, dimensions)


def _search(
    unit: NDArray[Any], groups: NDArray[np.int32], within: int, across: int, target: float, dimensions: int
) -> Found:
    n = len(unit)
    if n == 0:
        nothing = Neighbours(np.empty((0, 0), np.int32), np.empty((0, 0)))
        return Found(CameraNeighbours(nothing, nothing), 1.0)
    sample = RecallSample.of(unit, groups, within - 1, across)
    order = np.concatenate(leaves(unit, np.arange(n, dtype=np.int32), LEAF, stream(0, "order of rows")))
    axes = sample.principal_axes(unit, groups, dimensions, SPARE, LOSS)
    sorted_rows = np.empty((n, unit.shape[1] if axes is None else dimensions), np.float32)  # near rows side by side
    for begin in range(0, n, COPIED):
        some = unit[order[begin : begin + COPIED]]
        sorted_rows[begin : begin + COPIED] = some if axes is None else some @ axes
    groups = groups[order]
    place = np.empty(n, np.int32)
    place[order] = np.arange(n, dtype=np.int32)
    lists = Lists.empty(n, within - 1 + SPARE, across + SPARE if across else 0)
    found = 0.0
    trees = _forest(sorted_rows, groups)
    for grown in range(TREES, MOST_TREES + 1, TREES):
        for _ in track(range(TREES), f"neighbours, trees to {grown}"):
            for forest in next(trees):
                compare_within(forest, sorted_rows, groups, lists)
        lists = improve(lists, sorted_rows, groups)
        at = lists.indices[place[sample.rows]]
        found = sample.recall(unit, np.where(at >= 0, order[at], NOWHERE), lists.within)
        if found >= target:
            break
    del sorted_rows
    indices = np.where(lists.indices[place] >= 0, order[lists.indices[place]], NOWHERE)
    parts = (indices[:, : lists.within], indices[:, lists.within :])
    return Found(CameraNeighbours(_exact(unit, parts[0], within, own=True), _exact(unit, parts[1], across)), found)


def _forest(unit: NDArray[Any], groups: NDArray[np.int32]) -> Iterator[list[list[NDArray[np.int32]]]]:
    """Yield trees over all rows, each with a tree over the rows of every group where there are several."""
    rows = np.arange(len(unit), dtype=np.int32)
    order = np.argsort(groups, kind="stable").astype(np.int32)
    apart = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    for number in count():
        generator = stream(0, "neighbours", number)
        forest = [leaves(unit, rows, LEAF, generator)]
        if len(apart) > 1:
            again = [own for own in apart if number == 0 or len(own) > LEAF]  # all is known of a single leaf
            forest.append([leaf for own in again for leaf in leaves(unit, own, LEAF, generator)])
        yield forest


def _exact(unit: NDArray[Any], candidates: NDArray[np.int32], k: int, *, own: bool = False) -> Neighbours:
    """Return the ``k`` nearest of each row's candidates by float64 similarities."""
    n = len(unit)
    itself = np.arange(n, dtype=np.int32)[:, None]
    if own:
        candidates = np.hstack([itself, candidates])
    k = min(k, candidates.shape[1])
    into = Neighbours(np.full((n, k), NOWHERE, np.int32), np.full((n, k), -np.inf))

    def rank_block(begin: int, end: int) -> None:
        some = candidates[begin:end]
        none = some == NOWHERE
        near = similarities(0, end - begin, unit[begin:end], unit, np.where(none, 0, some).astype(np.int32))
        near[none] = FARTHEST
        own_rows = np.arange(begin, end) if own else np.full(end - begin, NOWHERE)
        indices, near = rank(own_rows, np.where(none, n, some).astype(np.int32), near, k)
        into.indices[begin:end] = np.where(indices == n, NOWHERE, indices)
        into.similarity[begin:end] = np.where(indices == n, -np.inf, near)

    map_blocks(rank_block, n)
    return into
