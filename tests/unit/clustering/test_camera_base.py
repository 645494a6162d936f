"""The base clustering of a round by camera-aware distances: the graph, the nearest images, SpCL's reliable part."""

import numpy as np
import pytest

from whosame.clustering import ClusteringConfig, base_clusters, camera_jaccard_graph, dbscan, jaccard_graph, neighbours
from whosame.clustering import cluster as by_library
from whosame.clustering.reliability import reliable_clusters
from whosame.data.manifest import TrainSet
from whosame.errors import ParameterError
from whosame.features import centre_by_camera
from whosame.features.extraction import Features
from whosame.pipelines.active_round.select import cluster
from whosame.tables import known_table

SCALES = {"k1_intra": 3, "k1_inter": 8, "k2_intra": 2, "k2_inter": 3}


@pytest.fixture(scope="module")
def images():
    """Return features of 12 people by 3 cameras, which shift them, and the cameras."""
    draw = np.random.default_rng(0)
    who, cameras = np.repeat(np.arange(12), 10), draw.integers(0, 3, 120)
    features = draw.standard_normal((12, 16))[who] + 0.4 * draw.standard_normal((120, 16))
    features += 0.5 * draw.standard_normal((3, 16))[cameras]
    features = np.vstack([features, features[:10]])  # duplicates
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features.astype(np.float32), np.concatenate([cameras, cameras[:10]])


@pytest.mark.parametrize("distance", ["camera-jaccard", "auto"])
def test_clusters_are_those_of_the_camera_aware_graph(images, distance):
    vectors, cameras = images
    found = base_clusters(vectors, cameras, ClusteringConfig(distance=distance, eps=0.6, **SCALES))
    expected = camera_jaccard_graph(vectors, cameras, **SCALES, max_distance=0.6)
    assert (found.graph != expected).nnz == 0
    np.testing.assert_array_equal(found.labels, dbscan(expected, eps=0.6, min_samples=4))
    np.testing.assert_array_equal(found.nearest, neighbours(vectors, 2).nearest)
    assert found.labels.max() > 5


def test_reliability_is_judged_on_the_camera_aware_graph(images):
    vectors, cameras = images
    config = ClusteringConfig(base="spcl", distance="auto", eps=0.6, eps_gap=0.1, **SCALES)
    found = base_clusters(vectors, cameras, config)
    graph = camera_jaccard_graph(vectors, cameras, **SCALES, max_distance=0.7)
    labels, threshold = reliable_clusters(graph, eps=0.6, gap=0.1, min_samples=4)
    np.testing.assert_array_equal(found.labels, labels)
    assert found.state == {"independence": threshold}


def test_auto_is_plain_without_cameras(images):
    vectors, _ = images
    found = base_clusters(vectors, np.full(len(vectors), -1), ClusteringConfig(distance="auto", k1=8))
    assert (found.graph != jaccard_graph(vectors, k1=8, k2=6, max_distance=0.5)).nnz == 0
    with pytest.raises(ParameterError, match="0 are known, two or more are needed"):
        base_clusters(vectors, np.full(len(vectors), -1), ClusteringConfig(distance="camera-jaccard"))


def test_a_round_clusters_centred_features_by_the_cameras_of_its_images(images):
    vectors, cameras = images
    train_set = TrainSet(np.arange(len(vectors)), cameras, ("",) * len(vectors))
    parameters = {"eps": 0.6, **SCALES}  # otherwise the defaults
    nothing = known_table(train_set.image_ids, [""] * len(vectors), [-1] * len(vectors))
    found = cluster(Features(vectors, None, 1), train_set, nothing, None, None, parameters)
    expected = by_library(centre_by_camera(vectors, cameras), cameras=cameras, distance="camera-jaccard", **parameters)
    np.testing.assert_array_equal(
        np.unique(found.labels, return_inverse=True)[1], np.unique(expected, return_inverse=True)[1]
    )
