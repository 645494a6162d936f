import io
import pickle
import resource
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resize as resized

from whosame.data import pixels as module
from whosame.data.decoding import decode
from whosame.data.indexing import index_images
from whosame.data.pixels import MappedPixels, PixelsConfig, StreamedPixels, open_pixels
from whosame.data.readers import FolderReader
from whosame.data.source import SourceConfig
from whosame.errors import InputError, StorageError

CONFIG = PixelsConfig(height=16, width=8)


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(6):
        Image.new("RGB", (20, 40), (number * 40, 10, 200)).save(folder / f"{number}.png")
    return folder


def manifest_of(images, tmp_path, **options):
    return index_images(SourceConfig(layout="folder", images=str(images), **options), tmp_path / "cache")


def encoded(image, kind="png", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def test_pixels_are_read_by_image_id_in_the_order_asked_for(images, tmp_path):
    pixels = open_pixels(manifest_of(images, tmp_path), CONFIG, tmp_path / "cache")
    assert pixels.shape == (6, 16, 8, 3)
    some = pixels.read(np.array([4, 0, 4]))
    assert some.dtype == np.uint8
    assert some.shape == (3, 16, 8, 3)
    assert some.flags.writeable
    assert (some[[0, 2]] == (160, 10, 200)).all()
    assert (some[1] == (0, 10, 200)).all()
    assert pixels.read(np.array([], np.int64)).shape == (0, 16, 8, 3)


@pytest.mark.parametrize("left", [b"", b"\x93NUMPY", slice(0, 300)])
def test_damaged_pixels_are_decoded_again(images, tmp_path, left):
    manifest = manifest_of(images, tmp_path)
    whole = open_pixels(manifest, CONFIG, tmp_path / "cache")
    expected, content = whole.read(np.arange(6)), whole.path.read_bytes()
    whole.path.unlink()
    whole.path.write_bytes(content[left] if isinstance(left, slice) else left)
    np.testing.assert_array_equal(open_pixels(manifest, CONFIG, tmp_path / "cache").read(np.arange(6)), expected)


def test_streamed_and_mapped_pixels_are_the_same(images, tmp_path):
    manifest = manifest_of(images, tmp_path)
    mapped = open_pixels(manifest, CONFIG, tmp_path / "cache")
    streamed = open_pixels(manifest, PixelsConfig(height=16, width=8, disk_budget_gib=0.0), tmp_path / "cache")
    assert isinstance(mapped, MappedPixels)
    assert isinstance(streamed, StreamedPixels)
    ids = np.array([5, 1, 1, 3])
    np.testing.assert_array_equal(streamed.read(ids), mapped.read(ids))
    for pixels in (mapped, streamed):
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(pixels)).read(ids), mapped.read(ids))


def test_bicubic_is_torchvisions_resizing_and_kept_apart(tmp_path):
    (tmp_path / "images").mkdir()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 50, 3), dtype=np.uint8))
    (tmp_path / "images" / "1.jpg").write_bytes(encoded(noise, "jpeg"))
    manifest = manifest_of(tmp_path / "images", tmp_path)
    bilinear, bicubic = (
        open_pixels(manifest, CONFIG.replace(resize=resize), tmp_path / "cache").read(np.array([0]))[0]
        for resize in (None, "bicubic")
    )
    whole = Image.open(tmp_path / "images" / "1.jpg").convert("RGB")
    np.testing.assert_array_equal(bicubic, np.asarray(resized(whole, [16, 8], InterpolationMode.BICUBIC)))
    assert (bicubic != bilinear).any()


def test_images_are_decoded_once(images, tmp_path, monkeypatch):
    manifest = manifest_of(images, tmp_path)
    open_pixels(manifest, CONFIG, tmp_path / "cache")
    other_split = manifest_of(images, tmp_path, folder=FolderReader(pattern=r"(?P<identity>\d)"))
    assert other_split.digest != manifest.digest
    calls = []
    monkeypatch.setattr(module, "decode", lambda *args, **options: calls.append(args) or decode(*args, **options))
    open_pixels(manifest, CONFIG, tmp_path / "cache")
    open_pixels(other_split, CONFIG, tmp_path / "cache")
    assert not calls
    open_pixels(manifest, PixelsConfig(height=16, width=16), tmp_path / "cache")
    assert len(calls) == 6
    open_pixels(manifest, PixelsConfig(height=16, width=8, invert=True), tmp_path / "cache")
    assert len(calls) == 12


def test_a_changed_image_is_decoded_again(images, tmp_path):
    open_pixels(manifest_of(images, tmp_path), CONFIG, tmp_path / "cache")
    Image.new("RGB", (20, 41), (1, 2, 3)).save(images / "2.png")
    pixels = open_pixels(manifest_of(images, tmp_path), CONFIG, tmp_path / "cache")
    assert (pixels.read(np.array([2])) == (1, 2, 3)).all()
    assert (pixels.read(np.array([1])) == (40, 10, 200)).all()


def test_a_file_that_went_after_indexing_is_named_and_nothing_is_left(images, tmp_path):
    manifest = manifest_of(images, tmp_path)
    (images / "3.png").unlink()
    (images / "4.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"3\.png was there when indexed"):
        open_pixels(manifest, CONFIG, tmp_path / "cache")
    with pytest.raises(InputError, match=r"4\.png has changed"):
        open_pixels(manifest, PixelsConfig(height=16, width=8, disk_budget_gib=0.0), tmp_path / "cache").read(
            np.array([4])
        )
    assert not list((tmp_path / "cache" / "03_pixels").iterdir())


def test_a_disk_with_too_little_space_is_seen_before(images, tmp_path, monkeypatch):
    manifest = manifest_of(images, tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**30 // 100))
    with pytest.raises(StorageError, match=r"need 0\.07 GiB .* where 0\.01 GiB are free"):
        open_pixels(manifest, PixelsConfig(height=2048, width=2048), tmp_path / "cache")
    assert not (tmp_path / "cache" / "03_pixels").exists()


def test_a_disk_that_fills_up_is_a_storage_error_and_leaves_nothing(images, tmp_path):
    manifest = manifest_of(images, tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # writing more gives EFBIG, as a full disk gives ENOSPC
    try:
        with pytest.raises(StorageError, match="cannot write"):
            open_pixels(manifest, CONFIG, tmp_path / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "cache" / "03_pixels").iterdir())


@pytest.mark.parametrize(
    ("image", "colour"),
    [
        (Image.new("L", (8, 16), 77), (77, 77, 77)),
        (Image.new("1", (8, 16), 1), (255, 255, 255)),
        (Image.new("RGBA", (8, 16), (10, 20, 30, 0)), (10, 20, 30)),
        (Image.new("LA", (8, 16), (40, 128)), (40, 40, 40)),
        (Image.new("RGB", (8, 16), (10, 20, 30)).quantize(4), (10, 20, 30)),
        (Image.fromarray(np.full((16, 8), 77 * 257, np.uint16)), (77, 77, 77)),
    ],
    ids=["grey", "one bit", "transparent", "grey with alpha", "palette", "16 bit"],
)
def test_every_kind_of_image_becomes_rgb(image, colour):
    for invert in (False, True):
        pixels = decode(encoded(image), 16, 8, invert=invert)
        expected = 255 - np.array(colour, np.uint8) if invert else np.array(colour, np.uint8)
        assert pixels.dtype == np.uint8
        assert (pixels == expected).all()


def test_exif_turns_an_image_upright():
    lying = np.zeros((8, 16, 3), np.uint8)
    lying[:, 8:] = 255  # the right half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise: right becomes bottom
    upright = decode(encoded(Image.fromarray(lying), exif=exif), 16, 8, invert=False)
    assert (upright[:8] == 0).all()
    assert (upright[8:] == 255).all()


def test_resizing_is_bilinear_over_the_area():
    ramp = np.tile(np.repeat(np.arange(0, 256, 2, dtype=np.uint8)[:, None], 64, 1)[..., None], (1, 1, 3))
    expected = np.asarray(Image.fromarray(ramp).resize((16, 32), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(ramp)), 32, 16, invert=False), expected)
    from_jpeg = decode(encoded(Image.fromarray(ramp), "jpeg", quality=95), 32, 16, invert=False)
    assert np.abs(from_jpeg.astype(int) - expected).mean() < 2  # reduced by the decoder first
