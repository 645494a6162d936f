"""Pictures as browsers can show them, and never another file."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from whosame.annotation.web.image_routes import UnshowableError, read_image


def put(path, image, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return digest(path)


def digest(path):
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


@pytest.fixture
def crop():
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 8, 3), dtype=np.uint8))


@pytest.mark.parametrize(("suffix", "kind"), [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")])
def test_what_browsers_know_is_sent_as_it_is(tmp_path, crop, suffix, kind):
    noted = put(tmp_path / f"a.{suffix}", crop)
    assert read_image(tmp_path, f"a.{suffix}", noted) == ((tmp_path / f"a.{suffix}").read_bytes(), kind)


@pytest.mark.parametrize("suffix", ["bmp", "tif", "ppm"])
def test_what_they_do_not_know_is_drawn_anew_without_loss(tmp_path, crop, suffix):
    noted = put(tmp_path / f"a.{suffix}", crop)
    content, kind = read_image(tmp_path, f"a.{suffix}", noted)
    assert kind == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), np.asarray(crop))


def test_16_bits_are_not_clipped_to_white(tmp_path):
    deep = np.array([[0, 255, 256], [32768, 65280, 65535]], dtype=np.uint16)
    noted = put(tmp_path / "a.tif", Image.fromarray(deep))
    content, _ = read_image(tmp_path, "a.tif", noted)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), deep >> 8)


def test_a_file_outside_the_folder_is_never_read(tmp_path, crop):
    secret = put(tmp_path / "secret" / "b.png", crop)
    root = tmp_path / "images"
    put(root / "a.png", crop)
    (root / "link.png").symlink_to(tmp_path / "secret" / "b.png")
    (root / "folder").symlink_to(tmp_path / "secret")
    (root / "ring").symlink_to(root / "ring")
    ways = (
        "../secret/b.png",
        "link.png",
        "folder/b.png",
        str(tmp_path / "secret" / "b.png"),
        "a.png/../../secret/b.png",
    )
    for way in (*ways, "ring", "a\0b.png", "", ".", "x" * 5000):
        with pytest.raises(UnshowableError):
            read_image(root, way, secret)


def test_a_picture_that_is_gone_or_changed_or_broken_is_not_shown(tmp_path, crop):
    noted = put(tmp_path / "a.png", crop)
    with pytest.raises(UnshowableError, match="not where it was"):
        read_image(tmp_path, "b.png", noted)
    with pytest.raises(UnshowableError, match="not where it was"):
        read_image(tmp_path / "gone", "a.png", noted)
    put(tmp_path / "a.png", crop.rotate(180))
    with pytest.raises(UnshowableError, match="has changed"):
        read_image(tmp_path, "a.png", noted)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(UnshowableError, match="cannot be read"):
        read_image(tmp_path, "a.png", digest(tmp_path / "a.png"))
