"""Queries of a test set: those of its split, or every image that shows a person against all others."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whosame.data.manifest import TestSet
from whosame.evaluation.feature_set import FeatureSet
from whosame.evaluation.retrieval import RetrievalMetrics, evaluate_each, evaluate_retrieval
from whosame.identities import is_person

Queries = Literal["auto", "split", "all"]


class Ranked(NamedTuple):
    """Queries and gallery of a test set as they are ranked.

    Attributes
    ----------
    query, gallery : FeatureSet
        Of Q and G images.
    itself : int64 [Q]
        The query's own position in the gallery, -1 where it is not there.
    query_ids, gallery_ids : int64 [Q], int64 [G]
        Image ids.
    """

    query: FeatureSet
    gallery: FeatureSet
    itself: NDArray[np.int64]
    query_ids: NDArray[np.int64]
    gallery_ids: NDArray[np.int64]

    @classmethod
    def of(cls, vectors: NDArray[np.float32], test_set: TestSet, queries: Queries) -> "Ranked":
        """Return what :func:`evaluate_test_set` scores.

        Parameters
        ----------
        vectors : float32 [M, D]
            Features of all images, by image id.
        test_set, queries
            As there.
        """
        query_ids, gallery_ids = test_set.query_ids, test_set.gallery_ids
        if _every_image(test_set, queries):
            ids = np.concatenate([query_ids, gallery_ids])
            gallery = FeatureSet.read("test", vectors[ids], *_both(test_set))
            itself = np.flatnonzero(is_person(gallery.identities))
            return cls(gallery.take(itself), gallery, itself, ids[itself], ids)
        query = FeatureSet.read("query", vectors[query_ids], test_set.query_identities, test_set.query_cameras)
        gallery = FeatureSet.read(
            "gallery", vectors[gallery_ids], test_set.gallery_identities, test_set.gallery_cameras
        )
        return cls(query, gallery, np.full(len(query), -1), query_ids, gallery_ids)


def evaluate_test_set(
    query_features: NDArray[np.float32], gallery_features: NDArray[np.float32], test_set: TestSet, queries: Queries
) -> RetrievalMetrics:
    """Score retrieval on a test set.

    Parameters
    ----------
    query_features, gallery_features : float32 [Q, D], float32 [G, D]
    test_set : TestSet
        Of Q queries and G gallery images.
    queries : str
        ``split``: the queries of the split against its gallery. ``all``: every image of both that shows a person
        against all others. ``auto``: ``all`` where no camera is known, else ``split``.
    """
    if _every_image(test_set, queries):
        return evaluate_each(np.concatenate([query_features, gallery_features]), *_both(test_set))
    return evaluate_retrieval(
        query_features,
        test_set.query_identities,
        test_set.query_cameras,
        gallery_features,
        test_set.gallery_identities,
        test_set.gallery_cameras,
    )


def count_without_match(test_set: TestSet, queries: Queries) -> tuple[int, int]:
    """Return how many queries :func:`evaluate_test_set` has, and how many of them without a match."""
    if _every_image(test_set, queries):
        identities, cameras = _both(test_set)
        asked = is_person(identities)
        lonely = _without_match(identities[asked], cameras[asked], identities, cameras, itself=1)
    else:
        query = test_set.query_identities, test_set.query_cameras
        lonely = _without_match(*query, test_set.gallery_identities, test_set.gallery_cameras, itself=0)
    return len(lonely), int(lonely.sum())


def _without_match(
    identities: NDArray[np.int64],
    cameras: NDArray[np.int64],
    gallery_identities: NDArray[np.int64],
    gallery_cameras: NDArray[np.int64],
    *,
    itself: int,
) -> NDArray[np.bool_]:
    """Return which queries have no match, bool [Q]; ``itself``: how often the gallery has the query itself."""
    seen: dict[int, int] = {}
    seen_by: dict[tuple[int, int], int] = {}
    for person, camera in zip(gallery_identities.tolist(), gallery_cameras.tolist(), strict=True):
        seen[person] = seen.get(person, 0) + 1
        seen_by[person, camera] = seen_by.get((person, camera), 0) + 1
    matches = [
        seen.get(person, 0) - (seen_by.get((person, camera), 0) if camera >= 0 else itself)
        for person, camera in zip(identities.tolist(), cameras.tolist(), strict=True)
    ]
    lonely: NDArray[np.bool_] = ~is_person(identities) | (np.array(matches, np.int64) == 0)
    return lonely


def _every_image(test_set: TestSet, queries: Queries) -> bool:
    return queries == "all" or (queries == "auto" and bool((_both(test_set)[1] < 0).all()))


def _both(test_set: TestSet) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return (
        np.concatenate([test_set.query_identities, test_set.gallery_identities]),
        np.concatenate([test_set.query_cameras, test_set.gallery_cameras]),
    )
