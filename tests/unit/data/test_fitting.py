"""The size of the pixels from the images, and images that keep their aspect ratio."""

import io

import numpy as np
import pytest
from PIL import Image

from whosame.data.decoding import GREY, decode
from whosame.data.fitting import fitted, fitting_size
from whosame.data.indexing import index_images
from whosame.data.pixels import PixelsConfig, open_pixels
from whosame.data.source import SourceConfig
from whosame.errors import ParameterError
from whosame.parameters import parse

FREE = PixelsConfig(height=None, width=None, fit="letterbox", area=1024)


@pytest.mark.parametrize(
    ("heights", "widths", "expected"),
    [
        ([100, 300, 50], [100, 300, 50], (128, 128)),
        ([128, 256, 100], [64, 128, 300], (176, 96)),  # the median, not the mean: one panorama changes nothing
        ([30], [400], (80, 224)),  # no longer than 3 : 1
        ([], [], (128, 128)),
    ],
)
def test_the_median_aspect_ratio_at_a_number_of_pixels(heights, widths, expected):
    size = fitting_size(np.array(heights, np.int32), np.array(widths, np.int32), area=16384, multiple=16)
    assert size == expected


def test_a_fixed_size_and_a_patch_of_the_network_come_first(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (40, 20), (200, 0, 0)).save(tmp_path / "images" / "a.png")
    manifest = index_images(SourceConfig(layout="folder", images=str(tmp_path / "images")), tmp_path / "cache")
    assert fitted(FREE, manifest).size == (16, 48)
    assert fitted(FREE, manifest, multiple=32).size == (32, 32)
    assert fitted(FREE, manifest, only=(224, 224)).size == (224, 224)
    assert fitted(PixelsConfig(), manifest, only=(224, 224)).size == (64, 32)  # as configured: checked elsewhere
    pixels = open_pixels(manifest, fitted(FREE, manifest, multiple=32), tmp_path / "cache")
    (image,) = pixels.read(np.array([0]))
    np.testing.assert_array_equal(image[8:24], np.full((16, 32, 3), (200, 0, 0)))
    np.testing.assert_array_equal(image[:8], np.full((8, 32, 3), GREY))
    squeezed = open_pixels(manifest, fitted(FREE, manifest, multiple=32).replace(fit="stretch"), tmp_path / "cache")
    assert squeezed.key != pixels.key
    assert (squeezed.read(np.array([0])) == (200, 0, 0)).all()


@pytest.mark.parametrize(("size", "inside"), [((10, 40), 8), ((40, 10), 8), ((1, 400), 1)])
def test_the_image_is_in_the_middle(size, inside):
    file = io.BytesIO()
    Image.new("RGB", size, (0, 0, 255)).save(file, "PNG")
    image = decode(file.getvalue(), 32, 32, invert=False, letterbox=True)
    blue = (image == (0, 0, 255)).all(axis=2)
    assert sorted((blue.any(axis=0).sum(), blue.any(axis=1).sum())) == [inside, 32]
    rows = np.flatnonzero(blue.any(axis=1)), np.flatnonzero(blue.any(axis=0))
    assert all(abs(int(line[0]) - (31 - int(line[-1]))) <= 1 for line in rows)


def test_one_side_alone_is_refused():
    with pytest.raises(ParameterError, match="give both, or null for both"):
        parse(PixelsConfig, {"height": None}, "pixels")
