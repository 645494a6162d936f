"""Texture crops: as many as wanted, drawn by the seed, none part of another, of a colour a canvas."""

import numpy as np
from PIL import Image

from whosame.testing.textures import write_textures


def read(paths):
    return np.stack([np.asarray(Image.open(path)) for path in paths]).astype(float)


def test_crops_look_alike_and_have_nothing_in_common(tmp_path):
    paths = write_textures(tmp_path / "a", 12, side=32)
    crops = read(paths)
    assert crops.shape == (12, 32, 32, 3)
    assert sorted(tmp_path.glob("a/*")) == paths
    means = crops.mean(axis=(1, 2))
    assert means.std(axis=0).max() < 12  # of one colour
    grey = crops.mean(axis=3).reshape(12, -1)
    alike = np.corrcoef(grey) - np.eye(12)
    assert abs(alike).max() < 0.5
    edges = np.concatenate([crops[:, :, :1], crops[:, :, -1:]]).mean(axis=3).reshape(24, -1)
    assert (np.corrcoef(edges) - np.eye(24)).max() < 0.95  # no crop goes on in another


def test_the_seed_draws_them_and_canvases_have_their_own_colour(tmp_path):
    first, again, other = (
        read(write_textures(tmp_path / name, 30, side=24, canvases=3, seed=seed))
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    means = first.mean(axis=(1, 2))
    assert means.std(axis=0).max() > 12
