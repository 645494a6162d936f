"""Retrieval metrics: mAP, CMC and mINP by the standard protocol of person re-identification."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whosame.errors import InputError
from whosame.evaluation.feature_set import FeatureSet
from whosame.evaluation.ranking import ranks_of_matches
from whosame.identities import is_person
from whosame.operating_system import usable_cores

RANKS = (1, 5, 10, 20)
RECALLS = np.arange(101) / 100  # the precision-recall curve is kept as its mean between two of them
BLOCK_BYTES = 128 * 2**20  # of similarities at a time: large enough for BLAS, small beside the features


@dataclass(frozen=True, eq=False)
class RetrievalMetrics:
    """Figures of one evaluation, as fractions; NaN where no query has a match.

    Attributes
    ----------
    mAP : float
        Mean over queries of the mean precision at the ranks of the query's matches.
    cmc : float64 [max_rank]
        ``cmc[r - 1]``: share of the queries with a match among the first ``r`` images.
    mINP : float
        Mean over queries of (number of matches) / (rank of the last match).
    precision : float64 [100]
        Mean over queries of the precision in each hundredth of recall, at the matches, not interpolated: the mean of
        these hundred is mAP.
    queries : int
        How many were given.
    queries_without_match : int
        How many of these have no right image in the gallery; the means leave them out.
    """

    mAP: float  # noqa: N815  # its name in the literature
    cmc: NDArray[np.float64]
    mINP: float  # noqa: N815
    precision: NDArray[np.float64]
    queries: int
    queries_without_match: int

    def rank(self, r: int) -> float:
        """Return the CMC at rank ``r``; beyond the last rank kept, the CMC there."""
        return float(self.cmc[min(r, len(self.cmc)) - 1])

    def curves(self) -> dict[str, NDArray[np.float64]]:
        """Return the two curves of the evaluation by name: ``cmc`` and ``precision``."""
        return {"cmc": self.cmc, "precision": self.precision}

    def to_dict(self, prefix: str = "retrieval") -> dict[str, float]:
        """Return the figures by flat names; those that are undefined are left out."""
        figures: dict[str, float] = {"queries": self.queries, "queries_without_match": self.queries_without_match}
        if self.queries > self.queries_without_match:
            figures |= {"mAP": self.mAP, "mINP": self.mINP, **{f"rank{r}": self.rank(r) for r in RANKS}}
        return {f"{prefix}/{name}": value for name, value in figures.items()}


def evaluate_retrieval(
    query_features: ArrayLike,
    query_ids: ArrayLike,
    query_cams: ArrayLike,
    gallery_features: ArrayLike,
    gallery_ids: ArrayLike,
    gallery_cams: ArrayLike,
    *,
    max_rank: int = 50,
    block_bytes: int = BLOCK_BYTES,
    threads: int | None = None,
) -> RetrievalMetrics:
    """Rank the gallery for every query by cosine similarity, and score the rankings.

    For each query, gallery images of its identity and its camera are removed, and so are junk (-1) and images of
    unknown identity (-2). Of the rest, those of its identity are matches and all others, distractors (0) among them,
    are wrong. A camera of -1 is unknown: it equals no camera. Queries without a match are left out of the means and
    counted; those that show no person (:mod:`whosame.identities`) have none.

    Equal similarities rank in gallery order, as a stable sort puts them.

    Parameters
    ----------
    query_features : float32 [Q, D]
        Rows of length 1. If any row of the gallery is not, cosines are computed all the same.
    query_ids, query_cams : int64 [Q]
    gallery_features : float32 [G, D]
    gallery_ids, gallery_cams : int64 [G]
    max_rank : int
        Length of the CMC, at least 1.
    block_bytes : int
        Size of the blocks of similarities; the figures do not depend on it.
    threads : int, optional
        By default one per core; the figures do not depend on it.

    Returns
    -------
    RetrievalMetrics

    Raises
    ------
    InputError
        Shapes that do not belong together, ids or cameras that are not whole numbers, features that are not finite.

    Notes
    -----
    The similarity matrix is computed in blocks. Nothing is sorted but the ranks of the matches: a match's
    rank is one more than the number of images before it. Similarities too near to each other for float32 are
    compared in float64, so the figures do not depend on the BLAS library or the number of threads.

    References
    ----------
    mAP, CMC: Zheng et al., *Scalable person re-identification: a benchmark*, ICCV 2015, Sec. 3.4 (AP as the mean
    precision at the matches). mINP: Ye et al., *Deep learning for person re-identification*, TPAMI 2022, Sec. 4.2.

    Examples
    --------
    >>> query, gallery = np.eye(2, dtype=np.float32)[[0]], np.eye(2, dtype=np.float32)[[1, 0]]
    >>> evaluate_retrieval(query, [7], [1], gallery, [7, 8], [2, 2]).mAP
    0.5
    """
    query = FeatureSet.read("query", query_features, query_ids, query_cams)
    gallery = FeatureSet.read("gallery", gallery_features, gallery_ids, gallery_cams)
    itself = np.full(len(query), -1)
    return _score(query, gallery, itself, max_rank=max_rank, block_bytes=block_bytes, threads=threads)


def evaluate_each(
    features: ArrayLike,
    identities: ArrayLike,
    cameras: ArrayLike,
    *,
    max_rank: int = 50,
    block_bytes: int = BLOCK_BYTES,
    threads: int | None = None,
) -> RetrievalMetrics:
    """Rank all other images for every image that shows a person, and score the rankings.

    The protocol and the figures are those of :func:`evaluate_retrieval`.

    Parameters
    ----------
    features : float32 [M, D]
        Rows of length 1. If any row is not, cosines are computed all the same.
    identities, cameras : int64 [M]
    max_rank, block_bytes, threads
        As for :func:`evaluate_retrieval`.

    Returns
    -------
    RetrievalMetrics

    Raises
    ------
    InputError
        As for :func:`evaluate_retrieval`.

    Examples
    --------
    >>> evaluate_each(np.eye(3, dtype=np.float32)[[0, 0, 1]], [7, 7, 8], [-1, -1, -1]).to_dict()["retrieval/queries"]
    3
    """
    gallery = FeatureSet.read("test", features, identities, cameras)
    itself = np.flatnonzero(is_person(gallery.identities))
    query = gallery.take(itself)
    return _score(query, gallery, itself, max_rank=max_rank, block_bytes=block_bytes, threads=threads)


def _score(
    query: FeatureSet,
    gallery: FeatureSet,
    itself: NDArray[np.int64],
    *,
    max_rank: int,
    block_bytes: int,
    threads: int | None,
) -> RetrievalMetrics:
    """Score the rankings; ``itself`` is each query's own position in the gallery, -1 where it is not there."""
    dimensions = [each.features.shape[1] for each in (query, gallery) if len(each)]
    if len(set(dimensions)) > 1:
        raise InputError(f"queries have {dimensions[0]} dimensions, but gallery images {dimensions[1]}")
    if max_rank < 1:
        raise InputError(f"max_rank is {max_rank}, but a CMC has at least 1 rank")

    ranks = ranks_of_matches(query, gallery, itself, block_bytes, threads or usable_cores())
    matched = [found for found in ranks if len(found)]
    if not matched:
        nothing = np.full(max_rank, np.nan), np.nan, np.full(len(RECALLS) - 1, np.nan)
        return RetrievalMetrics(np.nan, *nothing, len(query), len(query))
    first = np.array([found[0] for found in matched])
    return RetrievalMetrics(
        mAP=float(np.mean([average_precision(found) for found in matched])),
        cmc=np.array([np.mean(first <= rank) for rank in range(1, max_rank + 1)]),
        mINP=float(np.mean([len(found) / found[-1] for found in matched])),
        precision=np.mean([_precision_by_recall(found) for found in matched], axis=0),
        queries=len(query),
        queries_without_match=len(query) - len(matched),
    )


def average_precision(ranks: NDArray[np.int32]) -> float:
    """Return the mean precision at the ranks of one query's matches, ascending; at least one."""
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))


def _precision_by_recall(ranks: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the mean precision of one query in each hundredth of recall, from the ranks of its matches.

    From a recall of (k - 1) / matches to k / matches the precision is that at the k-th match.
    """
    places = np.arange(len(ranks) + 1)
    area = np.concatenate([[0.0], np.cumsum(places[1:] / ranks)]) / len(ranks)
    found: NDArray[np.float64] = np.diff(np.interp(RECALLS, places / len(ranks), area)) * 100
    return found
