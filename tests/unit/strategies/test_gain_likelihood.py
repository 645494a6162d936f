"""The two-covariance model: its ratio against the densities, what it learns, and where there is nothing to learn."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from whosame.strategies.gain.likelihood import DIMENSIONS, TwoCovariance
from whosame.strategies.groups import Groups


def people(count, images, between, *, noise=1.0, seed=0):
    """Return points [count * images, d] drawn from the model, and who each is."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(count, len(between))) * np.sqrt(between)
    who = np.repeat(np.arange(count), images)
    return (centres[who] + noise * draw.normal(size=(len(who), len(between)))).astype(np.float32), who


def fitted(points, labels, seed=0):
    return TwoCovariance.fit(points, Groups(np.asarray(labels, np.int64)), np.random.default_rng(seed))


def ratios_of_neighbours(model, labels):
    """Return the ratios of each cluster with the next, as a round computes them."""
    groups = Groups(np.asarray(labels, np.int64))
    means = groups.mean(model.points - model.points.mean(axis=0)).astype(np.float64)
    noise = 1 / groups.sizes
    return model.log_ratio(means[:-1], noise[:-1], means[1:], noise[1:])


@pytest.mark.parametrize("between", [[2.0], [0.3, 5.0], [1e-3, 1.0, 40.0]])
@pytest.mark.parametrize(("first_noise", "second_noise"), [(1.0, 1.0), (1.0, 0.05), (0.2, 3.0)])
def test_the_ratio_is_that_of_the_densities(between, first_noise, second_noise):
    draw = np.random.default_rng(0)
    first, second = 2 * draw.normal(size=(2, 5, len(between)))
    model = TwoCovariance(np.empty((0, len(between)), np.float32), np.array(between))
    found = model.log_ratio(first, np.full(5, first_noise), second, np.full(5, second_noise))
    expected = np.zeros(5)
    for k, c in enumerate(between):
        # One person: both means share her point, covariance c. Two: they share nothing.
        one = np.array([[c + first_noise, c], [c, c + second_noise]])
        for pair in range(5):
            both = np.array([first[pair, k], second[pair, k]])
            same = multivariate_normal([0, 0], one).logpdf(both)
            expected[pair] += same - multivariate_normal([0, 0], np.diag(np.diag(one))).logpdf(both)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("between", "first", "second", "expected"),
    [
        # One dimension, c = 1, both noises 1, x = y = 0: log(2 · 2 / (2 · 2 - 1)) / 2 = log(4/3) / 2.
        ([1.0], 0.0, 0.0, np.log(4 / 3) / 2),
        # x = 1, y = -1: the exponent is (2 + 2 + 2) / 3 - 1/2 - 1/2 = 1, so log(4/3) / 2 - 1/2.
        ([1.0], 1.0, -1.0, np.log(4 / 3) / 2 - 0.5),
        # Many dimensions: each at the origin gives log((c + n)² / (2cn + n²)) / 2, here with c = 1e6 and n = 1.
        ([1e6] * 200, 0.0, 0.0, 200 * 0.5 * np.log((1e6 + 1) ** 2 / (2e6 + 1))),
        ([1e17], 1.0, 1.0, 0.5 * np.log(1e17 / 2)),  # (c + 1)² - c² is 0 in float64
    ],
)
def test_the_ratio_by_hand(between, first, second, expected):
    model = TwoCovariance(np.empty((0, len(between)), np.float32), np.array(between))
    first, second = (np.full((1, len(between)), value) for value in (first, second))
    np.testing.assert_allclose(model.log_ratio(first, np.ones(1), second, np.ones(1)), [expected])


def test_fit_recovers_the_variances_and_ranks_same_above_different():
    between = np.array([9.0, 4.0, 1.0])
    points, who = people(400, 6, between, noise=0.5)
    turned = points @ np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0].astype(np.float32)
    model = fitted(turned, who)
    # In units of the noise, .25, people vary by 36, 16 and 4; shrinking a spherical covariance changes nothing.
    np.testing.assert_allclose(np.sort(model.between)[::-1], between / 0.25, rtol=0.15)
    within = Groups(who).dispersion(model.points, Groups(who).mean(model.points))[0]
    assert (within**2).sum() / (3 * 400 * 5) == pytest.approx(1, rel=0.05)
    halves = 2 * who + np.tile([0, 0, 0, 1, 1, 1], 400)  # of one person, then of the next
    ratio = ratios_of_neighbours(model, halves)
    same, different = ratio[::2], ratio[1::2]
    assert (same > 0).mean() > 0.95
    assert (different < 0).mean() > 0.95
    assert np.median(same) - np.median(different) > 10


def test_the_noise_of_means_is_not_taken_for_people():
    points, who = people(3000, 2, np.array([1.0, 0.5]))  # a mean of two images adds half a variance to each
    np.testing.assert_allclose(np.sort(fitted(points, who).between), [0.5, 1.0], rtol=0.15)


def test_images_outside_clusters_are_projected_but_not_learnt_from():
    points, who = people(40, 5, np.array([4.0, 1.0]))
    wild = np.concatenate([points, points - 100, points + 100])  # the same mean
    labels = np.concatenate([who, np.full(400, -1)])
    alone, among = fitted(points, who), fitted(wild, labels)
    np.testing.assert_allclose(among.between, alone.between, rtol=1e-3)
    assert len(among.points) == 600


@pytest.mark.parametrize("dimension", [3, 200])
@pytest.mark.parametrize(
    "labels", [[-1] * 12, [0] * 12, list(range(12)), [0] * 6 + [-1] * 6], ids=["none", "one", "alone", "one and others"]
)
def test_without_two_clusters_people_vary_as_images_do(labels, dimension):
    points = np.random.default_rng(0).normal(size=(12, dimension)).astype(np.float32)
    model = fitted(points, labels)
    assert np.isfinite(model.points).all()
    assert (model.between == 1).all()
    away = points[:, None] - points
    np.testing.assert_allclose(  # turned and moved at most
        np.linalg.norm(model.points[:, None] - model.points, axis=2), np.linalg.norm(away, axis=2), atol=1e-3
    )


@pytest.mark.parametrize(
    "points",
    [
        np.full((30, 8), 0.1),
        np.repeat(np.random.default_rng(0).normal(size=(6, 8)), 5, axis=0),
        np.repeat(np.random.default_rng(0).normal(size=(6, 300)), 5, axis=0),
        np.random.default_rng(0).normal(size=(30, 300)),
        np.outer(np.arange(30.0), np.ones(8)),
    ],
    ids=["all equal", "copies", "copies, many dimensions", "fewer images than dimensions", "on a line"],
)
def test_degenerate_features_give_finite_numbers(points):
    labels = np.repeat(np.arange(6), 5)
    model = fitted(points.astype(np.float32), labels)
    assert model.points.shape == (30, len(model.between))
    assert np.isfinite(model.points).all()
    assert np.isfinite(model.between).all()
    assert np.isfinite(ratios_of_neighbours(model, labels)).all()


def test_many_dimensions_are_reduced_to_those_that_matter():
    points, who = people(60, 8, np.full(10, 4.0))
    lifted = points @ np.linalg.qr(np.random.default_rng(1).normal(size=(300, 10)))[0].T.astype(np.float32)
    lifted += 0.01 * np.random.default_rng(2).normal(size=lifted.shape).astype(np.float32)
    model = fitted(lifted, who)
    assert model.points.shape[1] <= DIMENSIONS
    np.testing.assert_allclose(np.sort(model.between)[-10:].mean(), 4.0, rtol=0.3)
    assert (np.sort(model.between)[:-10] < 0.5).all()


def test_shrunk_points_by_hand():
    # c = 3, one image (noise 1) at 2: expected person 2 · 3/4 = 1.5, left 3/4. Three images: 2 · 3/(3 + 1/3) = 1.8.
    model = TwoCovariance(np.empty((0, 1), np.float32), np.array([3.0]))
    shrunk = model.shrunk(np.array([[2.0], [2.0]]), np.array([1.0, 1 / 3]))
    np.testing.assert_allclose(shrunk[:, 0], [1.5 / np.sqrt(0.75), 1.8 / np.sqrt(0.75)], rtol=1e-6)
    assert shrunk.dtype == np.float32
