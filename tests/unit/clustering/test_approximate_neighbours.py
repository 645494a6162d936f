"""Approximate neighbours: they are exact of what is found, most are found, and threads do not change them."""

import logging
import sys
from threading import Barrier

import faiss
import numpy as np
import pytest

from whosame.clustering import ClusteringConfig, approximate_neighbours, base_clusters, cluster, neighbours
from whosame.clustering.blocks import in_threads, one_thread_a_product
from whosame.clustering.camera_neighbours import camera_neighbours
from whosame.errors import InputError, ParameterError
from whosame.evaluation import evaluate_clusters

module = sys.modules["whosame.clustering.approximate_neighbours"]  # its name is that of the function


@pytest.fixture(scope="module")
def images():
    """Return features of 300 individuals by 5 cameras, which shift them, duplicates among them, and the cameras."""
    draw = np.random.default_rng(0)
    who, cameras = draw.integers(0, 300, 3000), draw.integers(0, 5, 3000)
    features = draw.standard_normal((300, 40))[who] + 0.7 * draw.standard_normal((3000, 40))
    features += 0.5 * draw.standard_normal((5, 40))[cameras]
    features[2900:2950] = features[2900]  # more duplicates than neighbours are looked for
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features.astype(np.float32), np.where(cameras == 4, -1, cameras), who


@pytest.fixture
def small_leaves(monkeypatch):
    monkeypatch.setattr(module, "LEAF", 120)


def shares(found, true):
    """Return the share of true neighbours found, ties counted by similarity."""
    return (found.similarity >= true.similarity[:, -1:] - 1e-9).mean()


@pytest.mark.usefixtures("small_leaves")
def test_most_neighbours_are_found_and_their_similarities_are_exact(images):
    features, _, _ = images
    near, recall = approximate_neighbours(features, within=15)
    true = neighbours(features, 15)
    found = near.within
    assert recall >= 0.97
    assert abs(shares(found, true) - recall) < 0.02
    others = np.setdiff1d(np.arange(3000), np.arange(2900, 2950))  # which of 50 duplicates are listed is open
    same = (found.indices == true.indices).all(axis=1)
    assert same[others].mean() > 0.7
    np.testing.assert_allclose(found.similarity[same], true.similarity[same], rtol=0, atol=1e-14)
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(3000))
    assert (np.diff(found.similarity[:, 1:], axis=1) <= 1e-12).all()
    assert all(len(set(row)) == 15 for row in found.indices.tolist())


@pytest.mark.usefixtures("small_leaves")
def test_they_are_found_within_and_across_cameras(images):
    features, cameras, _ = images
    near, recall = approximate_neighbours(features, cameras, within=6, across=12)
    true = camera_neighbours(features, cameras, within=6, across=12)
    assert recall >= 0.97
    assert shares(near.within, true.within) > 0.95
    assert shares(near.across, true.across) > 0.95
    assert (cameras[near.within.indices] == cameras[:, None]).all()
    assert (cameras[near.across.indices] != cameras[:, None]).all()


@pytest.mark.usefixtures("small_leaves")
def test_threads_do_not_change_a_bit(images):
    features, cameras, _ = images
    threads = faiss.omp_get_max_threads()
    found = []
    try:
        for count in (1, 3):
            faiss.omp_set_num_threads(count)
            found.append(approximate_neighbours(features, cameras, within=6, across=12).near)
    finally:
        faiss.omp_set_num_threads(threads)
    for part in ("within", "across"):
        one, other = (getattr(near, part) for near in found)
        np.testing.assert_array_equal(one.indices, other.indices)
        np.testing.assert_array_equal(one.similarity, other.similarity)


def test_blocks_keep_their_threads_where_a_product_has_one():
    threads = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(3)
        together = Barrier(3, timeout=10)
        with one_thread_a_product():
            assert sorted(in_threads(lambda _: together.wait(), range(3))) == [0, 1, 2]
    finally:
        faiss.omp_set_num_threads(threads)


@pytest.mark.usefixtures("small_leaves")
def test_principal_components_are_used_where_they_lose_little(images):
    features, _, _ = images
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((90, 40)))[0].astype(np.float32)
    wide = features @ turn.T  # 40 dimensions among 90
    sample = module.RecallSample.of(wide, np.zeros(3000, np.int32), 14, 0)
    assert sample.principal_axes(wide, np.zeros(3000, np.int32), 40, 8, 0.005).shape == (90, 40)
    assert sample.principal_axes(wide, np.zeros(3000, np.int32), 4, 8, 0.005) is None
    near, recall = approximate_neighbours(wide, within=15, dimensions=40)
    assert recall >= 0.97
    assert shares(near.within, neighbours(wide, 15)) > 0.95


@pytest.mark.parametrize("cameras", [[], [3], [3, 3], [3, -1], [0, 1, 1]])
def test_hardly_any_images(cameras):
    features, cameras = np.eye(3, dtype=np.float32)[: len(cameras)], np.array(cameras, np.int64)
    near, recall = approximate_neighbours(features, cameras, within=2, across=2)
    true = camera_neighbours(features, cameras, within=2, across=2)
    assert recall == 1
    for part in ("within", "across"):
        found, expected = getattr(near, part).indices, getattr(true, part).indices
        np.testing.assert_array_equal(found[:, : expected.shape[1]], expected)
        assert (found[:, expected.shape[1] :] == -1).all()


@pytest.mark.usefixtures("small_leaves")
@pytest.mark.parametrize("distance", ["jaccard", "camera-jaccard"])
def test_clusters_are_nearly_those_of_the_exact_search(images, distance, caplog):
    features, cameras, _ = images
    config = ClusteringConfig(distance=distance, k1=8, k1_inter=8, exact_up_to=2000)
    found = base_clusters(features, cameras, config)
    assert found.state["neighbour_recall"] >= 0.97
    assert not caplog.records
    exact = base_clusters(features, cameras, config.replace(exact_up_to=3000))
    assert exact.state == {}
    assert exact.labels.max() > 100
    assert evaluate_clusters(found.labels, exact.labels + 2).clustered.ari > 0.9
    by_library = cluster(features, cameras=cameras, distance=distance, k1=8, k1_inter=8, eps=0.5, search="approximate")
    np.testing.assert_array_equal(by_library, found.labels)


def test_a_recall_below_the_target_is_said(images, caplog, monkeypatch):
    monkeypatch.setattr(module, "LEAF", 20)
    monkeypatch.setattr(module, "MOST_TREES", module.TREES)
    config = ClusteringConfig(distance="jaccard", search="approximate", recall=1.0)
    with caplog.at_level(logging.WARNING):
        found = base_clusters(images[0], images[1], config)
    assert found.state["neighbour_recall"] < 1
    assert "less than clustering.recall 100.0 %: raise clustering.exact_up_to above 3000" in caplog.text


def test_errors():
    features = np.eye(3, dtype=np.float32)
    with pytest.raises(ParameterError, match="search is 'fast', but takes exact, approximate or auto"):
        cluster(features, search="fast")
    with pytest.raises(ParameterError, match="the number of neighbours is 0"):
        approximate_neighbours(features, within=0)
    with pytest.raises(InputError, match="no direction"):
        approximate_neighbours(0 * features, within=2)
