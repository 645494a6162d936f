"""Groups of rows: against numpy cluster by cluster, representatives, distances of pairs."""

import numpy as np

from whosame.strategies.groups import Groups, distances, singletons


def floats(*rows):
    return np.array(rows, np.float32)


def test_groups_agree_with_numpy_cluster_by_cluster():
    draw = np.random.default_rng(0)
    labels = draw.integers(-1, 40, 5000) * 3  # gaps between labels; more rows than one block
    values = draw.normal(size=(5000, 7)).astype(np.float32)
    groups = Groups(labels)
    means = groups.mean(values)
    distances, variances = groups.dispersion(values, means)
    assert groups.ids.tolist() == [label for label in np.unique(labels) if label >= 0]
    for position, label in enumerate(groups.ids):
        members = np.flatnonzero(labels == label)
        assert groups.rows[groups.members(position)].tolist() == members.tolist()
        np.testing.assert_allclose(means[position], values[members].mean(0), atol=1e-6)
        np.testing.assert_allclose(variances[position], values[members].var(0), atol=1e-5)
        np.testing.assert_allclose(
            distances[groups.members(position)],
            np.linalg.norm(values[members] - values[members].mean(0), axis=1),
            atol=1e-5,
        )
    assert groups.total(np.arange(5000))[3] == np.arange(5000)[labels == groups.ids[3]].sum()


def test_representative_is_nearest_to_the_unnormalised_mean():
    features = floats([1, 0], [0, 1], [0.6, 0.8], [-1, 0], [0, -1])  # mean of the first three: (.533, .6)
    groups = Groups(np.array([4, 4, 4, -1, 9]))
    distances = groups.dispersion(features, groups.mean(features))[0]
    np.testing.assert_allclose(distances[:3], [0.7601, 0.6667, 0.2108], atol=1e-4)
    assert groups.argmin(distances).tolist() == [2, 4]
    assert Groups(np.array([0, 0])).argmin(np.ones(2)).tolist() == [0]  # of a tie the first row


def test_distances_keep_the_digits_in_which_near_rows_differ():
    features = np.array([[1, 0], [1, 1e-4], [0, 1], [3, 4]], np.float32)
    found = distances(features, np.array([0, 0, 1] * 100), np.array([1, 2, 1] * 100))  # more than are compared at once
    np.testing.assert_allclose(found, [1e-4, np.sqrt(2), 0] * 100, rtol=1e-6)


def test_singletons_are_outliers_as_clusters_of_their_own():
    assert singletons(np.array([4, -1, 4, -1])).tolist() == [4, 5, 4, 6]
