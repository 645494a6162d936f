"""Ranking: individuals and images of a gallery by their similarity to a query."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whosame.search.gallery import Gallery


class Hit(NamedTuple):
    """An individual that people have confirmed, by its best image, or an image of which no answer says more.

    Attributes
    ----------
    row : int
        Of the gallery.
    path : str
        Relative to the folder of the images.
    score : float
        Cosine similarity to the query.
    identity : str
        By name; empty where none is known.
    known : str
        How the identity is known; empty for images of the test set.
    p : float
        How probable the identity is; nan for images of the test set.
    camera : int or None
    images : int
        Supporting images: how many the answers join to one individual, this one among them.
    """

    row: int
    path: str
    score: float
    identity: str
    known: str
    p: float
    camera: int | None
    images: int


class Ranking(NamedTuple):
    """The result for a query.

    Attributes
    ----------
    query : str
        Its path, or what it was called.
    nobody_near : bool
        Whether the best score is below the calibrated threshold.
    hits : list of Hit
        The best first.
    """

    query: str
    nobody_near: bool
    hits: list[Hit]


def rank(
    gallery: Gallery,
    vectors: NDArray[np.float32],
    queries: Sequence[str],
    top: int,
    itself: Sequence[int | None] | None = None,
) -> list[Ranking]:
    """Rank the gallery for queries; each individual that people have confirmed appears once.

    Parameters
    ----------
    gallery : Gallery
    vectors : float32 [Q, D]
        Features of the queries, of length 1.
    queries : sequence of str, Q long
    top : int
        Hits of each query, at least 1; fewer where the gallery has fewer.
    itself : sequence of int or None, Q long, optional
        The row of each query in the gallery, which is then no hit of it.
    """
    sizes = np.bincount(gallery.individuals, minlength=len(gallery))
    rankings = []
    for vector, query, own in zip(vectors, queries, itself or [None] * len(queries), strict=True):
        scores = gallery.vectors @ vector
        if own is not None:
            scores[own] = -np.inf
        rankings.append(_rank_one(gallery, sizes, scores, query, min(top, len(gallery) - (own is not None))))
    return rankings


def _rank_one(gallery: Gallery, sizes: NDArray[np.int64], scores: NDArray[np.float32], query: str, top: int) -> Ranking:
    hits: list[Hit] = []
    seen: set[int] = set()
    count = min(len(scores), 4 * top)
    while True:  # more, where individuals of many images take the first places
        hits.clear()
        seen.clear()
        some = np.argpartition(-scores, count - 1)[:count]
        for row in some[np.lexsort((some, -scores[some]))].tolist():
            individual = int(gallery.individuals[row])
            if individual not in seen and len(hits) < top and scores[row] > -np.inf:
                seen.add(individual)
                hits.append(_hit(gallery, row, float(scores[row]), int(sizes[individual])))
        if len(hits) == top or count == len(scores):
            return Ranking(query, not hits or hits[0].score < gallery.calibration.threshold, hits)
        count = min(len(scores), 4 * count)


def _hit(gallery: Gallery, row: int, score: float, images: int) -> Hit:
    camera = int(gallery.cameras[row])
    return Hit(
        row,
        gallery.paths[row],
        score,
        gallery.identities[row],
        gallery.known[row],
        float(gallery.p[row]),
        camera if camera >= 0 else None,
        images,
    )
