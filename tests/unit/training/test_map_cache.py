"""Maps after the frozen stages: what is trained on and extracted through them, and how they are kept."""

import logging
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from whosame.errors import ParameterError, StorageError
from whosame.features import ExtractionConfig, NetworkConfig, build_network, extract
from whosame.features.batches import first_maps, to_unit
from whosame.seeding import stream
from whosame.training import AugmentConfig, Checkpoint, TrainingConfig, cached_maps, fit, make_optimiser
from whosame.training import map_cache as module

NETWORK = NetworkConfig(widths=(4, 8, 8), weights="random", frozen_stages=2)
CONFIG = TrainingConfig(
    iterations=5, clusters_per_batch=4, norm_chunk=8, augment=AugmentConfig(pad=2), cached_versions=3
)
LABELS = np.repeat(np.arange(5), 4)
TRAINING = np.arange(2, 42, 2)  # of 43 images


class Pictures:
    def __init__(self):
        self.array = np.random.default_rng(0).integers(0, 256, (43, 16, 8, 3), dtype=np.uint8)
        self.shape = self.array.shape
        self.read_so_far = 0

    def read(self, image_ids):
        self.read_so_far += len(image_ids)
        return self.array[image_ids]


def network(seed=0, **changes):
    made = build_network(NETWORK.replace(**changes), seed=seed)
    made.backbone.stem[1].running_mean += 0.1  # as if trained
    return made


def maps(folder, pixels=None, of=None, config=CONFIG, ids=TRAINING, key="pixels", **options):
    options = {"seed": 0, "device": "cpu", **options}
    return cached_maps(of or network(), pixels or Pictures(), key, ids, config, folder, **options)


def trained(inputs, rounds=(0, 1), start=None):
    """Return the checkpoint after the rounds; ``start`` is one to continue from."""
    made = network()
    optimiser = make_optimiser(made, CONFIG)
    if start is not None:
        start.restore(made, optimiser, NETWORK)
    for number in rounds:
        options = {"round": number, "rounds": 2, "seed": 0, "device": "cpu"}
        fit(made, optimiser, inputs, TRAINING, LABELS, np.full(20, -1), CONFIG, **options)
    return Checkpoint.of(made, optimiser, NETWORK, rounds=2)


def same(a, b):
    return all(torch.equal(a.network[name], value) for name, value in b.network.items())


def test_features_through_the_maps_differ_by_the_rounding_of_float16(tmp_path):
    made, ids = network(), np.array([7, 0, 42, 7])
    exact, cached = (
        extract(made, source, ids, ExtractionConfig(batch_size=3), device="cpu", vertical=True)
        for source in (Pictures(), maps(tmp_path))
    )
    difference = np.abs(exact.vectors - cached.vectors).max()
    assert 0 < difference < 2**-10  # float16 has 11 bits
    np.testing.assert_array_equal(exact.vertical, cached.vertical)
    assert exact.map_height == cached.map_height == 8 // 2


def test_each_read_draws_a_version_of_each_image(tmp_path):
    found = maps(tmp_path)
    versions = [found.read(TRAINING)]
    versions += [np.load(file)[: len(TRAINING)] for file in found.files[1:]]
    assert len(versions) == 3
    varied, drawn = found.varied(stream(0, "versions", 0)), []
    for _ in range(30):
        ids = TRAINING[[3, 17, 3]]
        read = varied.read(ids)
        drawn.append([[(read[at] == version[row]).all() for version in versions] for at, row in enumerate((3, 17, 3))])
    assert (np.sum(drawn, axis=2) == 1).all()  # exactly one of them
    assert (np.sum(drawn, axis=(0, 1)) > 15).all()  # of 90, each a third
    again = found.varied(stream(0, "versions", 0))
    np.testing.assert_array_equal(again.read(TRAINING), found.varied(stream(0, "versions", 0)).read(TRAINING))
    with pytest.raises(IndexError):  # an image that is not trained on has no versions
        again.read(np.ones(64, np.int64))


def test_versions_are_augmented_images_after_the_frozen_stages(tmp_path):
    without = CONFIG.replace(augment=AugmentConfig(flip=1, pad=0, erase=0, colour=0, channel_gain=0))
    found, made, mirrored = maps(tmp_path, config=without), network().eval(), Pictures().array[TRAINING][:, :, ::-1]
    with torch.inference_mode():
        expected = made.frozen_map(to_unit(torch.from_numpy(mirrored.copy())))
    for file in found.files[1:]:
        np.testing.assert_array_equal(np.load(file), expected.numpy().astype(np.float16))


def test_training_on_the_maps_is_determined_and_continues_from_a_checkpoint(tmp_path):
    whole = trained(maps(tmp_path / "a"))
    assert same(whole, trained(maps(tmp_path / "b")))
    first = trained(maps(tmp_path / "a"), rounds=(0,))
    assert not same(whole, first)
    assert same(whole, trained(maps(tmp_path / "a", of=first.build(NETWORK)), rounds=(1,), start=first))


def test_maps_are_computed_once_and_shared_by_what_they_do_not_depend_on(tmp_path):
    def computed(**options):
        pixels = Pictures()
        maps(tmp_path, pixels, **options)
        return pixels.read_so_far

    everything, version = 43, 20
    assert computed() == everything + 2 * version
    assert computed() == 0
    deeper = network()
    with torch.no_grad():
        deeper.backbone.stages[2].conv1.weight += 1  # is trained: the maps are before it
    assert computed(of=deeper) == 0
    assert computed(config=CONFIG.replace(cached_versions=4, learning_rate=1.0)) == version
    assert computed(seed=1) == 2 * version
    assert computed(config=CONFIG.replace(augment=AugmentConfig(pad=1))) == 2 * version
    assert computed(ids=TRAINING[1:]) == 2 * 19
    assert computed(config=CONFIG.replace(cached_versions=1), ids=TRAINING[2:]) == 0
    for other in ({"of": network(1)}, {"of": network(frozen_stages=1)}, {"key": "others"}, {"precision": "bfloat16"}):
        assert computed(**other) == everything + 2 * version


def test_a_killed_or_damaged_computation_is_repeated_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 16)
    expected = [file.read_bytes() for file in maps(tmp_path / "whole").files]
    calls = []

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == 5:  # the second and last batch of version 1
            raise KeyboardInterrupt
        return first_maps(*arguments)

    monkeypatch.setattr(module, "first_maps", killed)
    with pytest.raises(KeyboardInterrupt):
        maps(tmp_path / "stopped")
    monkeypatch.setattr(module, "first_maps", first_maps)
    assert [file.suffix for file in (tmp_path / "stopped").iterdir()] == [".npy"]
    pixels = Pictures()
    found = maps(tmp_path / "stopped", pixels)
    assert pixels.read_so_far == 40
    assert [file.read_bytes() for file in found.files] == expected
    content = found.files[2].read_bytes()
    for damaged in (b"", content[:50], content[:-10]):
        found.files[2].unlink()
        found.files[2].write_bytes(damaged)
        assert maps(tmp_path / "stopped").files == found.files
        assert found.files[2].read_bytes() == expected[2]


def test_the_size_is_announced_and_a_disk_with_too_little_space_is_seen_before(tmp_path, monkeypatch, caplog):
    with caplog.at_level(logging.INFO):
        maps(tmp_path / "a")
    assert "maps after 2 frozen stages: 0.00 GiB in" in caplog.text
    pixels = Pictures()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    with pytest.raises(StorageError, match=r"maps after 2 frozen stages need 0\.00 GiB .*training\.cached_versions"):
        maps(tmp_path / "b", pixels)
    assert pixels.read_so_far == 0
    assert not (tmp_path / "b").exists()


def test_values_beyond_float16_are_refused_and_nothing_is_left(tmp_path):
    large = network()
    with torch.no_grad():
        large.backbone.stages[1].bn2.weight.fill_(1e6)
    with pytest.raises(ParameterError, match=r"beyond 65,504.*cached_versions=0"):
        maps(tmp_path, of=large)
    assert not list(tmp_path.iterdir())
