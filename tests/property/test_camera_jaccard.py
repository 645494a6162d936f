"""Camera-aware Jaccard distances in sparse rows equal a plain dense transcription of the published rule."""

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from whosame.clustering import camera_jaccard_graph, cluster, neighbours
from whosame.clustering.camera_neighbours import FEW, camera_neighbours
from whosame.errors import InputError, ParameterError

PUBLISHED = {"k1_intra": 5, "k1_inter": 20, "k2_intra": 2, "k2_inter": 4}
FAR = 999.0  # what the published code adds to a distance to put an image behind all others


def make(n, cameras, kind="clustered", dim=8, seed=0):
    """Return unit features float32 [n, dim] shifted by camera, and cameras [n]; "lonely": few images in some cameras."""
    draw = np.random.default_rng(seed)
    x = (
        0.7 * draw.standard_normal((n, dim))
        + draw.standard_normal((max(1, n // 12), dim))[draw.integers(0, max(1, n // 12), n)]
    )
    camera = draw.integers(0, cameras, n)
    if kind == "lonely":
        camera = np.where(draw.random(n) < 0.7, 0, 1 + np.minimum(draw.geometric(0.4, n), cameras))
    if kind == "unknown":
        camera = np.where(draw.random(n) < 0.3, -1, 5 * camera)
    x += 0.5 * draw.standard_normal((cameras + 7, dim))[camera % (cameras + 7)]
    if kind == "duplicates":
        x = x[draw.integers(0, max(1, n // 3), n)]
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), camera.astype(np.int64)


def reference(features, cameras, *, k1_intra, k1_inter, k2_intra, k2_inter, cut=True):
    """Return the dense camera-aware Jaccard distances, float64 [N, N].

    Chen et al. (CVPR 2024) as their code ranks: ``rank`` is by squared distance, with ``FAR`` added to the images of
    other cameras (within) or of the same camera (across); "the nearest k" of a list are its first k + 1. As published
    (``cut`` false) a list that is too short goes on among those far images; here it ends.
    """
    x = features.astype(np.float64)
    n = len(x)
    distance = np.round(2 - 2 * x @ x.T, 11) + 0.0
    np.fill_diagonal(distance, -1)  # itself first, even among duplicates
    same = cameras[:, None] == cameras[None, :]
    rank = {
        kind: np.argsort(distance + FAR * far, axis=1, kind="stable")
        for kind, far in (("intra", ~same), ("inter", same))
    }

    def first(kind, i, k):
        listed = rank[kind][i, :k]
        return listed[same[i, listed] == (kind == "intra")] if cut else listed

    def reciprocal(kind, i, k):
        return [j for j in first(kind, i, k + 1) if i in first(kind, j, k + 1)]

    v = np.zeros((n, n))
    for i in range(n):
        members = np.union1d(reciprocal("intra", i, k1_intra), reciprocal("inter", i, k1_inter)).astype(int)
        weights = np.exp(-(2 - 2 * (x[members] @ x[i])))
        v[i, members] = weights / weights.sum()
    averaged = [np.append(first("intra", i, k2_intra), first("inter", i, k2_inter)) for i in range(n)]
    v = np.stack([v[rows].mean(axis=0) for rows in averaged])
    s = np.stack([np.minimum(v, v[i]).sum(axis=1) for i in range(n)])
    return np.maximum(1 - s / (2 - s), 0)


def check(features, cameras, eps=0.5, min_samples=4, cut=True, **scales):
    scales = PUBLISHED | scales
    graph = camera_jaccard_graph(features, cameras, **scales, max_distance=eps)
    expected = reference(features, cameras, **scales, cut=cut)
    n = len(features)
    stored, found = np.zeros((n, n), bool), np.zeros((n, n))
    rows = np.repeat(np.arange(n), np.diff(graph.indptr))
    stored[rows, graph.indices] = True
    found[rows, graph.indices] = graph.data
    clear = np.abs(expected - eps) >= 1e-7  # elsewhere rounding decides
    assert (stored == (expected <= eps))[clear].all()
    assert stored.diagonal().all()
    assert (found == found.T).all()
    np.testing.assert_allclose(found[stored], expected[stored], rtol=0, atol=1e-7)
    within = np.where(clear, expected <= eps, stored)
    dense = DBSCAN(eps=0.5, min_samples=min_samples, metric="precomputed").fit_predict(1.0 - within)
    for distance in ("camera-jaccard", "auto"):
        if len(np.unique(cameras[cameras >= 0])) > 1:
            options = {"cameras": cameras, "distance": distance, "eps": eps, "min_samples": min_samples}
            np.testing.assert_array_equal(cluster(features, **options, **scales), dense)
    return dense


@given(
    kind=st.sampled_from(["clustered", "duplicates", "lonely", "unknown"]),
    n=st.integers(1, 70),
    dim=st.sampled_from([2, 3, 8, 32]),
    cameras=st.integers(1, 6),
    k1_intra=st.sampled_from([1, 2, 5, 30]),
    k1_inter=st.sampled_from([1, 5, 20, 100]),
    k2_intra=st.sampled_from([1, 2, 6]),
    k2_inter=st.sampled_from([1, 4, 12]),
    eps=st.sampled_from([0.3, 0.4, 0.5, 0.6, 0.9]),
    min_samples=st.integers(1, 6),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=80, deadline=None)
def test_distances_and_labels_equal_the_dense_rule(kind, n, dim, cameras, eps, min_samples, seed, **scales):
    features, camera = make(n, cameras, kind, dim, seed)
    check(features, camera, eps, min_samples, **scales)


@pytest.mark.parametrize("eps", [0.4, 0.6])
def test_where_no_list_is_too_short_they_equal_the_published_code_to_the_letter(eps):
    features, cameras = make(400, 4)
    assert np.bincount(cameras).min() > PUBLISHED["k1_intra"]
    assert check(features, cameras, eps, cut=False).max() > 5


def test_the_published_code_fills_a_short_list_with_other_cameras_and_here_it_ends():
    features = make(60, 1)[0]
    cameras = np.where(np.arange(60) < 57, 0, 1)  # 3 images across cameras where 21 are wanted
    ends, goes_on = (reference(features, cameras, **PUBLISHED, cut=cut) for cut in (True, False))
    assert np.abs(ends - goes_on).max() > 0.01


@pytest.mark.parametrize("kind", ["clustered", "duplicates", "lonely", "unknown"])
def test_neighbours_are_exact_within_and_across_cameras(kind):
    features, cameras = make(500, 9, kind, seed=3)
    counts = np.unique(cameras, return_counts=True)[1]
    assert counts.min() <= FEW if kind == "lonely" else True
    near = camera_neighbours(features, cameras, within=7, across=25)
    everything = neighbours(features, len(features))
    for row, (order, similarity) in enumerate(zip(everything.indices, everything.similarity, strict=True)):
        same = cameras[order] == cameras[row]
        for found, kept, k in ((near.within, same, 7), (near.across, ~same, 25)):
            expected = order[kept][:k]
            np.testing.assert_array_equal(found.indices[row, : len(expected)], expected)
            assert (found.indices[row, len(expected) :] == -1).all()
            np.testing.assert_allclose(found.similarity[row, : len(expected)], similarity[kept][:k], rtol=0, atol=1e-14)
    np.testing.assert_array_equal(near.nearest, everything.nearest)


@pytest.mark.parametrize("cameras", [[], [3], [3, 3], [3, -1], [0, 1]])
def test_hardly_any_images(cameras):
    features, cameras = make(2, 1)[0][: len(cameras)], np.array(cameras, np.int64)
    graph = camera_jaccard_graph(features, cameras)
    assert graph.shape == (len(cameras), len(cameras))
    assert graph.diagonal().tolist() == [0] * len(cameras)
    near = camera_neighbours(features, cameras, within=2, across=1)
    assert near.nearest.tolist() == {0: [], 1: [0], 2: [1, 0]}[len(cameras)]


def test_numbers_of_cameras_do_not_matter_and_unknown_ones_are_one_camera():
    features, cameras = make(150, 3, "unknown")
    renamed = np.select([cameras == camera for camera in (-1, 0, 5, 10)], [7, 2, 4, 3])
    for part in ("indptr", "indices", "data"):
        expected = getattr(camera_jaccard_graph(features, cameras), part)
        np.testing.assert_array_equal(getattr(camera_jaccard_graph(features, renamed), part), expected)


def test_threads_do_not_change_a_bit():
    features, cameras = make(1100, 4, dim=16)
    threads = faiss.omp_get_max_threads()
    graphs = []
    try:
        for count in (1, 3):
            faiss.omp_set_num_threads(count)
            graphs.append(camera_jaccard_graph(features, cameras))
    finally:
        faiss.omp_set_num_threads(threads)
    for part in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(graphs[0], part), getattr(graphs[1], part))


def test_auto_is_plain_where_fewer_than_two_cameras_are_known():
    features, cameras = make(80, 3)
    plain = cluster(features, k1=10)
    for known in (None, np.where(cameras == 0, 0, -1), np.full(80, -1)):
        np.testing.assert_array_equal(cluster(features, cameras=known, distance="auto", k1=10), plain)
    assert (cluster(features, cameras=cameras, distance="auto", k1=10) != plain).any()
    np.testing.assert_array_equal(cluster(features, cameras=cameras, k1=10), plain)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"distance": "camera-jaccard"}, ParameterError, "0 are known, two or more are needed"),
        ({"distance": "camera-jaccard", "cameras": np.zeros(9, int)}, ParameterError, "1 are known"),
        (
            {"distance": "auto", "cameras": np.zeros(8, int)},
            InputError,
            r"one for each of the 9 features, not int64 \[8\]",
        ),
        ({"distance": "auto", "cameras": np.zeros(9)}, InputError, "float64"),
        ({"distance": "cosine"}, ParameterError, "jaccard, camera-jaccard or auto"),
        ({"k1_intra": 0}, ParameterError, "k1_intra is 0"),
        ({"k2_inter": 0}, ParameterError, "k2_inter is 0"),
    ],
)
def test_what_cannot_be_is_named(wrong, error, message):
    with pytest.raises(error, match=message):
        cluster(make(9, 2)[0], **wrong)
