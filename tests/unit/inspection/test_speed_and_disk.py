"""Time and disk of a run: the parts add up, and the files are as large as foretold."""

import numpy as np
import pytest

from whosame.configuration import Configuration
from whosame.data.pixels import open_pixels
from whosame.data.readers.base import scan
from whosame.features.network import build_network
from whosame.inspection.disk import disk_use
from whosame.inspection.sample import decode_sample, draw_sample, pixels_config
from whosame.inspection.speed import Speed, duration, measure_speed
from whosame.testing.textures import write_textures
from whosame.training import cached_maps

FROZEN = {"architecture": "small", "widths": (8, 16), "weights": "random", "frozen_stages": 1}
SMALL = {"height": 32, "width": 16}


@pytest.fixture
def sample(tmp_path):
    write_textures(tmp_path / "images", 24, side=32)
    files = scan(tmp_path / "images")
    return draw_sample(tmp_path / "images", files, {files[0].path: 3}, size=20, seed=0, max_pixels=1e6)


def test_a_sample_is_drawn_checked_and_decoded_as_a_run_decodes(sample, tmp_path):
    config = Configuration(network=FROZEN, pixels=SMALL)
    pixels = pixels_config(config.pixels, config.network, sample.manifest)
    held = decode_sample(sample.manifest, pixels)
    kept = open_pixels(sample.manifest, pixels, tmp_path / "data")
    assert held.shape == (20, 32, 16, 3)
    assert np.array_equal(held.read(np.arange(20)), kept.read(np.arange(20)))
    assert sample.manifest.cameras().max() == 3


def test_pixels_and_maps_take_the_disk_that_was_foretold(sample, tmp_path):
    config = Configuration(network=FROZEN, pixels=SMALL, training={"cached_versions": 3})
    network = build_network(config.network, seed=0)
    train = np.arange(12)
    need = disk_use(network, config, (32, 16), images=20, train_images=12, data=tmp_path / "data" / "new")
    pixels = open_pixels(sample.manifest, pixels_config(config.pixels, config.network, sample.manifest), tmp_path)
    cached_maps(network, pixels, pixels.key, train, config.training, tmp_path / "maps", seed=0)
    header = 128
    assert pixels.path.stat().st_size == need.pixels + header
    assert sum(file.stat().st_size for file in (tmp_path / "maps").iterdir()) == need.maps + 3 * header
    assert need.enough
    assert need.total > need.pixels + need.maps


def test_the_speed_of_a_network_is_measured_and_leaves_it_as_it_was(sample):
    config = Configuration(network=FROZEN, pixels=SMALL)
    network = build_network(config.network, seed=0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    held = decode_sample(sample.manifest, config.pixels)
    speed = measure_speed(network, held, config, inspecting=0.5)
    assert speed.inspecting == 0.5
    assert min(speed.decoding, speed.frozen, speed.rest, speed.training, speed.augmenting, speed.multiply) > 0
    assert all(bool((value == before[name]).all()) for name, value in network.state_dict().items())


def test_a_duration_is_the_sum_of_its_parts():
    speed = Speed(1, 2, 10, 20, 3, 60, 0, "cpu")
    training = {"iterations": 2, "clusters_per_batch": 2, "images_per_cluster": 2, "cached_versions": 4}
    config = Configuration(network=FROZEN, training=training, rounds=5)
    found = duration(speed, config, images=100, train_images=60, dimension=16)
    assert found.before == 100 * 3 + 100 * 10 + 3 * 60 * (3 + 10)
    assert (found.extraction, found.training, found.evaluation) == (60 * 20, 8 * 60, 40 * 20)
    assert found.total == found.before + 5 * found.round
    unfrozen = Configuration(network=FROZEN | {"frozen_stages": 0}, training=training)
    assert duration(speed, unfrozen, images=100, train_images=60, dimension=16).training == 8 * (60 + 3 + 10)
