"""The real drawings: counts as Lake et al. published them, and the same through a regular expression."""

from pathlib import Path

import numpy as np
import pytest

from whosame.data.indexing import index_images
from whosame.data.manifest import split
from whosame.data.pixels import PixelsConfig, open_pixels
from whosame.data.readers import FolderReader
from whosame.data.source import SourceConfig

IMAGES = Path(__file__).parents[2].parent / "shared" / "data" / "omniglot_small1"
BY_EXPRESSION = FolderReader(
    pattern=r"(?P<identity>[^/]+/[^/]+)/\d+_(?P<camera>\d+)\.png$",
    train=r"^(Balinese|Early_Aramaic|Korean)/",
    query=r"^(Greek|Latin)/.*_0[1-5]\.png$",
    gallery=r"^(Greek|Latin)/.*_(0[6-9]|1\d|20)\.png$",
)

pytestmark = pytest.mark.skipif(not IMAGES.is_dir(), reason="../shared/data/omniglot_small1 is not here")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_the_published_counts(cache):
    train, truth, test = split(index_images(SourceConfig(layout="omniglot", images=str(IMAGES)), cache))
    assert len(train) == 1720
    assert len(np.unique(truth.identities)) == 86
    assert (len(test.query_ids), len(test.gallery_ids)) == (250, 750)
    assert set(test.query_cameras) == set(range(1, 6))
    assert set(test.gallery_cameras) == set(range(6, 21))
    assert set(train.cameras) == set(range(1, 21))


def test_the_same_images_by_expression_give_the_same_rows(cache):
    named = index_images(SourceConfig(layout="omniglot", images=str(IMAGES)), cache)
    expressed = index_images(SourceConfig(layout="folder", images=str(IMAGES), folder=BY_EXPRESSION), cache)
    assert expressed.digest == named.digest
    assert expressed.notes == named.notes == ()


def test_drawings_are_white_on_black_when_inverted(cache):
    manifest = index_images(SourceConfig(layout="omniglot", images=str(IMAGES)), cache)
    pixels = open_pixels(manifest, PixelsConfig(height=48, width=48, invert=True), cache)
    some = pixels.read(np.arange(0, 2720, 100))
    assert (some[..., 0] == some[..., 2]).all()
    assert 0.02 < some.mean() / 255 < 0.2
