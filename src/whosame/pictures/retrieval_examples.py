"""Retrieval examples: queries with the worst, the median and the best average precision, and what they find first."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whosame.evaluation.queries import Ranked
from whosame.evaluation.ranking import ranks_of_matches
from whosame.evaluation.retrieval import BLOCK_BYTES, average_precision
from whosame.identities import is_counted
from whosame.operating_system import usable_cores

GROUPS = ("worst", "median", "best")


class Found(NamedTuple):
    """An image of the gallery in the ranking of a query.

    Attributes
    ----------
    image : int
        Its id.
    score : float
        Cosine similarity.
    hit : bool
        Whether it shows the query's individual.
    """

    image: int
    score: float
    hit: bool


class Example(NamedTuple):
    """A query and what it finds first.

    Attributes
    ----------
    group : str
        ``worst``, ``median`` or ``best``.
    image : int
        Its id.
    average_precision : float
    matches : int
        Images of its individual in the gallery that count.
    found : list of Found
        The best first.
    """

    group: str
    image: int
    average_precision: float
    matches: int
    found: list[Found]


def retrieval_examples(ranked: Ranked, each: int, top: int) -> list[Example]:
    """Return the examples: ``each`` queries of a group, no individual twice as long as there are others.

    What is removed from the ranking of a query in the evaluation is removed here: junk, the query itself, and images of
    its individual by its own camera.

    Parameters
    ----------
    ranked : Ranked
        Queries and gallery as they are evaluated.
    each : int
    top : int
        Images of a ranking, at most.
    """
    query, gallery = ranked.query, ranked.gallery
    ranks = ranks_of_matches(query, gallery, ranked.itself, BLOCK_BYTES, usable_cores())
    scored = np.array([row for row, found in enumerate(ranks) if len(found)], np.int64)
    precision = np.array([average_precision(ranks[row]) for row in scored])
    order = scored[np.argsort(precision, kind="stable")]
    taken: set[int] = set()
    starts = {"worst": order, "best": order[::-1], "median": _from_the_middle(order)}
    chosen = {group: list(_different(start, query.identities, taken, each)) for group, start in starts.items()}
    value = dict(zip(scored.tolist(), precision.tolist(), strict=True))
    return [
        Example(group, int(ranked.query_ids[row]), value[row], len(ranks[row]), _first(ranked, row, top))
        for group in GROUPS
        for row in sorted(chosen[group], key=lambda row: (value[row], row))
    ]


def _from_the_middle(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return an order from its middle to both of its ends."""
    distance = np.abs(np.arange(len(order)) - (len(order) - 1) / 2)
    return order[np.argsort(distance, kind="stable")]


def _different(order: NDArray[np.int64], identities: NDArray[np.int64], taken: set[int], each: int) -> Iterator[int]:
    """Yield the first rows of individuals that were not taken."""
    left = each
    for row in order.tolist():
        if left and int(identities[row]) not in taken:
            taken.add(int(identities[row]))
            left -= 1
            yield row


def _first(ranked: Ranked, row: int, top: int) -> list[Found]:
    query, gallery = ranked.query, ranked.gallery
    lengths = np.where(gallery.lengths > 0, gallery.lengths, 1) * (query.lengths[row] or 1)
    scores = gallery.features @ query.features[row] / lengths
    same = gallery.identities == query.identities[row]
    removed = ~is_counted(gallery.identities)
    removed |= same & (gallery.cameras == query.cameras[row]) & (query.cameras[row] >= 0)
    if ranked.itself[row] >= 0:
        removed[ranked.itself[row]] = True
    kept = np.flatnonzero(~removed)
    best = kept[np.argsort(-scores[kept], kind="stable")[:top]]
    return [Found(int(ranked.gallery_ids[place]), float(scores[place]), bool(same[place])) for place in best]
