"""The estimate without labels: points in groups, points without, and neighbours that are there by chance."""

import numpy as np
import pytest

from whosame.configuration import Configuration
from whosame.features.extraction import Features
from whosame.inspection.candidates import estimate_candidates
from whosame.inspection.first_questions import FirstQuestions, first_questions
from whosame.inspection.sample_features import SampleFeatures


def unit(points):
    return (points / np.linalg.norm(points, axis=-1, keepdims=True)).astype(np.float32)


def estimate(whole, crops, cameras=None, centre=False):
    rows = np.arange(len(whole))
    cameras = np.full(len(whole), -1) if cameras is None else cameras
    none = FirstQuestions("gain", np.empty((0, 2), np.int64), whole, rows)
    features = SampleFeatures(Features(whole, None, 1), rows, np.stack(crops))
    return estimate_candidates(features, cameras, none, centre=centre, seed=0)


def drawn(share, *, images=400, each=4, noise=0.5, crop=0.35, seed=0):
    """Return images of which a share show an individual several times, and crops of each; and who they show."""
    draw = np.random.default_rng(seed)
    grouped = int(share * images)
    who = np.concatenate([np.arange(grouped) // each, images + np.arange(images - grouped)])
    people = draw.normal(size=(2 * images, 48))
    whole = people[who] + noise * draw.normal(size=(images, 48))
    crops = [unit(whole + crop * draw.normal(size=whole.shape)) for _ in range(2)]
    return unit(whole), crops, who


@pytest.mark.parametrize("share", [0.0, 0.8])
def test_the_share_of_images_with_a_partner_is_estimated(share):
    whole, crops, who = drawn(share)
    found = estimate(whole, crops)
    true = float((who == who[found.partner]).mean())
    assert true == pytest.approx(share, abs=0.05)
    assert found.matched == pytest.approx(true, abs=0.15)
    assert found.stable > 0.6
    assert not found.lost


def test_neighbours_that_a_crop_does_not_keep_are_no_candidates():
    whole, _, _ = drawn(0.8)
    draw = np.random.default_rng(1)
    found = estimate(whole, [unit(draw.normal(size=whole.shape)) for _ in range(2)])
    assert found.stable < 0.1
    assert found.lost
    assert found.same == (0, 0, 1)
    assert "only" in found.why


def test_the_mean_of_a_camera_is_no_likeness():
    whole, crops, _ = drawn(0.0, images=200)
    cameras = np.arange(200) % 4
    offset = 1.5 * np.random.default_rng(2).normal(size=(4, 48))[cameras]
    moved, parts = unit(whole * 7 + offset), [unit(crop * 7 + offset) for crop in crops]
    assert estimate(moved, parts, cameras, centre=True).matched < 0.15


def test_pairs_are_shown_once_from_near_to_far():
    whole, crops, _ = drawn(0.8, images=100)
    found = estimate(whole, crops)
    pairs = found.pairs(30)
    assert len({frozenset(pair) for pair in pairs.tolist()}) == len(pairs) == 30
    cosines = found.nearest[pairs[:, 0]]
    assert (np.diff(cosines) <= 0).all()
    assert cosines[0] == found.nearest.max()
    assert found.pairs(10_000).shape[0] <= 100


def test_the_first_questions_are_those_of_the_runs_strategy_and_come_again():
    whole, _, _ = drawn(1.0, images=200, each=10, noise=1.2)
    cameras, features = np.full(200, -1), Features(whole, None, 1)
    config = Configuration(strategy="gain", budget=100, rounds=2)
    found = first_questions(features, cameras, config)
    assert 0 < len(found.pairs) <= 20
    assert np.array_equal(found.pairs, first_questions(features, cameras, config).pairs)
    nobody = first_questions(features, cameras, Configuration(strategy="none"))
    assert nobody.strategy == "gain"
