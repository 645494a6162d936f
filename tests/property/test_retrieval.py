"""Retrieval metrics equal a plain reference that sorts the whole gallery, in float64 and by a stable sort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosame.data.manifest import TestSet
from whosame.errors import InputError
from whosame.evaluation import count_without_match, evaluate_each, evaluate_retrieval, evaluate_test_set

TOLERANCE = 1e-6


def reference(query, query_ids, query_cams, gallery, gallery_ids, gallery_cams, max_rank=50):
    """mAP, CMC, mINP, queries without a match."""
    query, gallery = np.asarray(query, np.float64), np.asarray(gallery, np.float64)
    gallery = gallery / np.linalg.norm(gallery, axis=1, keepdims=True)
    precisions, penalties, hits, lonely = [], [], np.zeros(max_rank), 0
    for feature, identity, camera in zip(query, query_ids, query_cams, strict=True):
        order = np.argsort(-(gallery @ feature).round(12), kind="stable")  # 12 digits: equal rows stay equal in BLAS
        kept = [
            g
            for g in order
            if gallery_ids[g] >= 0 and not (gallery_ids[g] == identity and gallery_cams[g] == camera >= 0)
        ]
        right = np.array([gallery_ids[g] == identity for g in kept], dtype=bool)
        if identity <= 0 or not right.any():
            lonely += 1
            continue
        ranks = np.flatnonzero(right) + 1
        precisions.append(np.mean(np.cumsum(right)[right] / ranks))
        penalties.append(len(ranks) / ranks[-1])
        hits += np.arange(1, max_rank + 1) >= ranks[0]
    if not precisions:
        return np.nan, np.full(max_rank, np.nan), np.nan, lonely
    return np.mean(precisions), hits / len(precisions), np.mean(penalties), lonely


def check(*arguments):
    found = evaluate_retrieval(*arguments)
    mean_precision, cmc, penalty, lonely = reference(*arguments)
    np.testing.assert_allclose([found.mAP, found.mINP], [mean_precision, penalty], atol=TOLERANCE)
    np.testing.assert_allclose(found.cmc, cmc, atol=TOLERANCE)
    assert (found.queries, found.queries_without_match) == (len(arguments[1]), lonely)
    np.testing.assert_allclose(found.precision.mean(), mean_precision, atol=TOLERANCE)
    return found


def labels(random, count, *, lowest=-1):
    return random.integers(lowest, 6, count), random.integers(-1, 3, count)  # junk, distractors; cameras, unknown ones


def corners(random, count):
    """Unit vectors with entries ±1/4: inner products are exact, and most of them tie."""
    return (random.integers(0, 2, (count, 16)) / 2 - 0.25).astype(np.float32)


def clustered(random, count):
    """Unit vectors around few directions, with exact copies among them."""
    rows = random.standard_normal((4, 24))[random.integers(0, 4, count)] + 0.4 * random.standard_normal((count, 24))
    rows[random.integers(0, max(count, 1), count // 3)] = rows[:1]
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def of_any_length(random, count):
    return (np.exp(random.standard_normal((count, 1))) * random.standard_normal((count, 12))).astype(np.float32)


@pytest.mark.parametrize("features", [corners, clustered, of_any_length])
@settings(max_examples=60, deadline=None, database=None)
@given(seed=st.integers(0, 2**32 - 1), queries=st.integers(1, 9), gallery=st.integers(1, 400))
def test_equals_the_reference(features, seed, queries, gallery):
    random = np.random.default_rng(seed)
    check(features(random, queries), *labels(random, queries), features(random, gallery), *labels(random, gallery))


@pytest.mark.parametrize("features", [corners, clustered, of_any_length])
@settings(max_examples=30, deadline=None, database=None)
@given(seed=st.integers(0, 2**32 - 1), images=st.integers(1, 60), cameras=st.booleans())
def test_every_image_against_the_others_equals_a_gallery_without_it(features, seed, images, cameras):
    random = np.random.default_rng(seed)
    rows, (identities, places) = features(random, images), labels(random, images)
    places = places if cameras else np.full(images, -1)
    found = evaluate_each(rows, identities, places, block_bytes=4 * images * 7, threads=2)
    asked = np.flatnonzero(identities > 0)
    others = [np.delete(np.arange(images), i) for i in asked]
    each = [
        evaluate_retrieval(rows[[i]], identities[[i]], places[[i]], rows[rest], identities[rest], places[rest])
        for i, rest in zip(asked, others, strict=True)
    ]
    matched = [one for one in each if not one.queries_without_match]
    assert (found.queries, found.queries - found.queries_without_match) == (len(asked), len(matched))
    if matched:
        assert found.mAP == pytest.approx(np.mean([one.mAP for one in matched]), abs=TOLERANCE)
        assert found.mINP == pytest.approx(np.mean([one.mINP for one in matched]), abs=TOLERANCE)
        np.testing.assert_allclose(found.cmc, np.mean([one.cmc for one in matched], axis=0), atol=TOLERANCE)


@pytest.mark.parametrize("queries", ["auto", "split", "all"])
@settings(max_examples=30, deadline=None, database=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 6), gallery=st.integers(0, 12), cameras=st.booleans())
def test_queries_without_a_match_are_known_before_they_are_evaluated(queries, seed, count, gallery, cameras):
    random = np.random.default_rng(seed)
    (query_ids, query_cams), (gallery_ids, gallery_cams) = (labels(random, n, lowest=0) for n in (count, gallery))
    if not cameras:
        query_cams, gallery_cams = np.full(count, -1), np.full(gallery, -1)
    test_set = TestSet(np.arange(count), np.arange(gallery), query_ids, gallery_ids, query_cams, gallery_cams)
    found = evaluate_test_set(clustered(random, count), clustered(random, gallery), test_set, queries)
    assert count_without_match(test_set, queries) == (found.queries, found.queries_without_match)
    whole = queries == "all" or (queries == "auto" and (np.concatenate([query_cams, gallery_cams]) < 0).all())
    assert found.queries == ((np.concatenate([query_ids, gallery_ids]) > 0).sum() if whole else count)


@pytest.mark.parametrize("features", [corners, clustered])
def test_the_size_of_the_blocks_and_the_threads_do_not_matter(features):
    random = np.random.default_rng(0)
    arguments = (features(random, 37), *labels(random, 37), features(random, 300), *labels(random, 300))
    whole = check(*arguments)
    for rows, threads in ((1, 1), (5, 2), (36, 3)):
        cut = evaluate_retrieval(*arguments, block_bytes=rows * 4 * 300, threads=threads)
        assert (cut.mAP, cut.mINP) == (whole.mAP, whole.mINP)
        np.testing.assert_array_equal(cut.cmc, whole.cmc)


def test_similarities_too_near_for_float32_are_compared_in_float64():
    query = np.array([[1, 2**-12]], np.float32)
    gallery = np.array([[1, 0], [1, 2**-14]], np.float32)  # similarities 1 and 1 + 2^-26, which float32 rounds to 1
    assert np.ptp(query @ gallery.T) == 0
    assert evaluate_retrieval(query, [7], [0], gallery, [8, 7], [1, 1]).rank(1) == 1
    assert evaluate_retrieval(query, [7], [0], gallery, [7, 8], [1, 1]).rank(1) == 0


def test_the_protocol_on_a_case_done_by_hand():
    gallery = np.array([[1, 0], [0.96, 0.28], [0.8, 0.6], [0.6, 0.8], [0, 1]], np.float32)
    query = np.array([[1, 0]], np.float32)
    #       same camera: gone, distractor: wrong, match: rank 2, junk: gone, match: rank 3
    found = evaluate_retrieval(query, [5], [0], gallery, [5, 0, 5, -1, 5], [0, 0, 1, 1, 2])
    assert found.mAP == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found.mINP == pytest.approx(2 / 3)
    np.testing.assert_array_equal(found.cmc[:3], [0, 1, 1])


def test_cameras_that_are_unknown_are_not_the_same():
    eye = np.eye(2, dtype=np.float32)
    found = evaluate_retrieval(eye, [1, 2], [-1, 3], eye, [1, 2], [-1, 3])
    assert (found.mAP, found.queries_without_match) == (1.0, 1)


def test_without_any_match_nothing_is_made_up():
    eye = np.eye(2, dtype=np.float32)
    nobody = np.empty((0, 2), np.float32)
    for arguments in (
        (eye, [1, 2], [0, 0], eye, [3, 4], [1, 1]),
        (eye, [1, 2], [0, 0], nobody, [], []),
        (eye, [-1, -2], [0, 0], eye, [-1, -2], [1, 1]),
        (nobody, [], [], eye, [1, 2], [1, 1]),
        ([], [], [], [], [], []),
    ):
        found = evaluate_retrieval(*arguments)
        assert np.isnan(found.mAP)
        assert np.isnan(found.mINP)
        assert np.isnan(found.cmc).all()
        count = len(arguments[1])
        assert found.to_dict() == {"retrieval/queries": count, "retrieval/queries_without_match": count}


def test_names_of_the_figures():
    eye = np.eye(3, dtype=np.float32)
    figures = evaluate_retrieval(eye, [1, 2, 9], [0] * 3, eye, [1, 2, 3], [1] * 3, max_rank=3).to_dict()
    ranks = {f"retrieval/rank{r}": 1.0 for r in (1, 5, 10, 20)}
    means = {"retrieval/mAP": 1.0, "retrieval/mINP": 1.0}
    assert figures == {**means, **ranks, "retrieval/queries": 3, "retrieval/queries_without_match": 1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({0: np.full((2, 2), np.nan)}, "2 rows of query_features hold NaN"),
        ({3: np.array([[1.0, 0.0], [1e300, 0.0]])}, "row 1"),
        ({3: np.eye(3)[:2]}, "queries have 2 dimensions, but gallery images 3"),
        ({1: [1, 2, 3]}, "query_ids has 3 numbers, but query_features 2 rows"),
        ({5: [0]}, "gallery_cams has 1 numbers"),
        ({4: [0.5, 1.5]}, "gallery_ids is float64"),
        ({0: np.ones(2)}, "query_features is float64 [2]"),
        ({0: np.array([["a", "b"]] * 2)}, "query_features is <U1"),
    ],
)
def test_bad_input_is_one_clear_error(change, said):
    eye = np.eye(2)
    arguments = [eye, [1, 2], [0, 0], eye, [1, 2], [1, 1]]
    for position, value in change.items():
        arguments[position] = value
    with pytest.raises(InputError) as caught:
        evaluate_retrieval(*arguments)
    assert said in str(caught.value)
