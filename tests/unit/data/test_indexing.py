import io
import os
import shutil
import struct
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from whosame.data import indexing
from whosame.data.indexing import find_manifest, index_images
from whosame.data.manifest import Manifest
from whosame.data.readers import FolderReader, ReaderResult
from whosame.data.source import SourceConfig
from whosame.errors import InputError

PEOPLE = FolderReader(pattern=r"^(?P<split>[a-z]+)/(?P<identity>\w+)_(?P<camera>\d)")


def content(kind="jpeg", size=(32, 64), seed=0):
    out = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(out, kind)
    return out.getvalue()


def put(root, files):
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


@pytest.fixture
def images(tmp_path):
    names = ["train/a_1", "train/a_2", "train/b_1", "query/c_1", "gallery/c_2", "gallery/d_2"]
    return put(tmp_path / "images", {f"{name}.jpg": content(seed=i) for i, name in enumerate(names)})


def index(images, **options):
    return index_images(
        SourceConfig(layout="folder", images=str(images), **{"folder": PEOPLE, **options}),
        images.parent / "cache",
    )


def test_every_unusable_image_is_named_with_its_reason(images):
    jpeg, png = content(seed=9), content("png", seed=9)
    put(
        images,
        {
            "train/e_1.jpg": b"",
            "train/e_2.jpg": b"not an image at all",
            "train/e_3.jpg": jpeg[: len(jpeg) // 2],
            "train/e_4.png": png[: len(png) // 2],
            "train/e_5.jpg": jpeg[:3],
            "train/e_6.png": png[:40] + b"\0\0\0\0" + png[44:],
        },
    )
    with pytest.raises(InputError, match=r"6 images in .* cannot be used") as raised:
        index(images)
    message = str(raised.value)
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:-1]] == [
        f"train/e_{i}.{kind}" for i, kind in enumerate(["jpg", "jpg", "jpg", "png", "jpg", "png"], start=1)
    ]
    assert "empty file" in message
    assert "truncated" in message
    assert "no image in a known format" in message


def forged(width, height):
    """Return a PNG whose header promises more than is there."""
    png = content("png")
    header = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


def test_absurdly_large_images_are_refused_before_they_are_decoded(images, monkeypatch):
    put(
        images,
        {
            "train/e_1.png": forged(10_000, 10_000),  # Pillow would warn
            "train/e_2.png": forged(50_000, 50_000),  # Pillow would refuse
            "train/e_3.png": content("png", (300, 300)),
        },
    )
    decoded, load = [], ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(self.size) or load(self))
    with pytest.raises(InputError, match="3 images") as raised:
        index(images, max_megapixels=0.05)
    assert str(raised.value).count("absurdly large for a crop") == 3
    assert "e_3.png: 300 × 300 pixels" in str(raised.value)
    assert max(width * height for width, height in decoded) < 0.05e6


def test_a_lower_limit_holds_for_images_that_are_known(images):
    index(images)
    with pytest.raises(InputError, match="6 images"):
        index(images, max_megapixels=0.001)


def test_more_than_twenty_are_counted(images):
    put(images, {f"train/e{i:02d}_1.jpg": b"" for i in range(30)})
    with pytest.raises(InputError, match="… and 10 more"):
        index(images)


def test_a_folder_without_images_or_without_images_to_train_on(images):
    shutil.rmtree(images / "train")
    with pytest.raises(InputError, match="none of the 3 images is for training"):
        index(images)
    shutil.rmtree(images)
    put(images, {"readme.txt": b"hello"})
    with pytest.raises(InputError, match=r"no image .* in .*images"):
        index(images)


def test_an_identity_in_training_and_in_test(images):
    put(images, {"gallery/a_2.jpg": content(seed=20), "train/c_1.jpg": content(seed=21)})
    with pytest.raises(InputError, match="2 identities are in training and in test") as raised:
        index(images)
    assert "train/a_1.jpg and gallery/a_2.jpg" in str(raised.value)


def test_the_same_bytes_under_one_identity_are_counted_and_under_two_an_error(images):
    put(images, {"train/a_3.jpg": content(seed=0), "train/a_4.jpg": content(seed=0)})
    assert index(images).notes == ("2 files are copies of another of the same or of no known person",)
    put(images, {"train/e_1.jpg": content(seed=1), "train/f_1.jpg": content(seed=2)})
    with pytest.raises(InputError, match="2 images are there under two identities") as raised:
        index(images)
    assert "train/a_2.jpg = train/e_1.jpg" in str(raised.value)
    assert "train/b_1.jpg = train/f_1.jpg" in str(raised.value)
    assert "2 images are there under two identities (duplicates=keep)" in index(images, duplicates="keep").notes


def test_one_camera_only_is_a_note_and_none_at_all_is_not(images):
    reader = FolderReader(pattern=r"^(?P<split>[a-z]+)/(?P<identity>\w+)_")
    assert index(images, folder=reader).notes == ()
    for path in sorted(images.rglob("*_2.jpg")):
        path.rename(path.with_name(path.name.replace("_2", "_1x")))
    assert index(images).notes == ("all 6 images are of one camera (1)",)
    (images / "train/a_1.jpg").rename(images / "train/a.jpg")
    some = FolderReader(pattern=r"^(?P<split>[a-z]+)/(?P<identity>[a-z]+)(_(?P<camera>\d))?")
    assert index(images, folder=some).notes == ("1 images are of no known camera",)


def test_notes_are_said_once(images, caplog):
    put(images, {"train/a_3.jpg": content(seed=0)})
    for _ in range(2):
        assert index(images).notes == ("1 files are copies of another of the same or of no known person",)
    assert caplog.messages == ["images: 1 files are copies of another of the same or of no known person"]


@pytest.mark.parametrize("changed", [{"camera": 2**63}, {"identity": 10**20}, {"identity": -2}])
def test_numbers_that_no_manifest_holds_are_refused_with_the_file(changed, images, monkeypatch):
    read = FolderReader.read
    monkeypatch.setattr(
        FolderReader,
        "read",
        lambda self, root: ReaderResult([one._replace(**changed) for one in read(self, root).images]),
    )
    with pytest.raises(InputError, match="6 numbers of images are out of range") as raised:
        index(images)
    assert f"train/a_1.jpg: {next(iter(changed))} {next(iter(changed.values()))}" in str(raised.value)


def test_a_copy_whose_names_have_another_form_is_the_same_data_set(images):
    (images / "train/a_1.jpg").rename(images / "train/é_1.jpg")
    first = index(images)
    apart = images / unicodedata.normalize("NFD", "train/é_1.jpg")
    (images / "train/é_1.jpg").rename(apart)
    second = index(images)
    assert second.digest == first.digest
    assert apart in second.paths()
    stored = find_manifest(images.parent / "cache", first.digest)
    assert stored.paths() == second.paths()


def test_no_test_images_and_no_identities_are_notes(images):
    manifest = index(images, folder=FolderReader(pattern=r"_(?P<camera>\d)"))
    assert manifest.notes == (
        "0 images in query and gallery: retrieval is not measured",
        "6 of 6 images have no identity: no oracle answers for them",
    )


# --- unchanged files are not decoded again ---


@pytest.fixture
def decoded(monkeypatch):
    paths, read_bytes = [], Path.read_bytes

    def spy(path):
        paths.append(f"{path.parent.name}/{path.name}")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", spy)
    return paths


def test_only_new_and_changed_files_are_decoded(images, decoded):
    first = index(images)
    assert len(decoded) == 6
    decoded.clear()
    assert index(images).digest == first.digest
    assert index(images, folder=FolderReader(pattern="(?P<identity>.)_")).digest != first.digest
    assert decoded == []

    os.utime(images / "train/a_1.jpg", ns=(1, 1))  # the same size at another time
    assert index(images).digest == first.digest
    assert decoded == ["train/a_1.jpg"]
    decoded.clear()

    put(images, {"train/a_1.jpg": content(seed=30), "train/b_2.jpg": content(seed=31)})
    (images / "gallery/d_2.jpg").unlink()
    second = index(images)
    assert sorted(decoded) == ["train/a_1.jpg", "train/b_2.jpg"]
    assert len(second) == 6
    assert second.digest != first.digest


def test_good_files_beside_bad_ones_are_decoded_once(images, decoded):
    put(images, {"train/e_1.jpg": b""})
    with pytest.raises(InputError):
        index(images)
    decoded.clear()
    put(images, {"train/e_1.jpg": content(seed=40)})
    index(images)
    assert decoded == ["train/e_1.jpg"]


def test_the_manifest_is_kept_and_stays_as_it_is_when_later_images_are_bad(images):
    manifest = index(images)
    (path,) = (images.parent / "cache" / "02_index").glob("manifest_*.parquet")
    before = path.stat().st_mtime_ns
    assert Manifest.load(path).digest == manifest.digest
    index(images)
    put(images, {"train/e_1.jpg": b""})
    with pytest.raises(InputError):
        index(images)
    assert path.stat().st_mtime_ns == before


def test_a_damaged_cache_is_made_again(images, decoded):
    first = index(images)
    for path in (images.parent / "cache" / "02_index").iterdir():
        path.write_bytes(b"damaged")
    decoded.clear()
    assert index(images).digest == first.digest
    assert len(decoded) == 6
    (path,) = (images.parent / "cache" / "02_index").glob("manifest_*.parquet")
    assert Manifest.load(path).digest == first.digest


# --- images that cannot be used ---


def test_unusable_images_are_left_out_counted_and_listed_if_so_wanted(images):
    put(images, {"train/e_1.jpg": b"", "train/e_2.png": content("png")[:40], "gallery/f_1.jpg": content(seed=50)})
    (images / "train" / "g_1.jpg").symlink_to(images / "gone.jpg")
    with pytest.raises(InputError, match=r"3 images .* cannot be used(?s:.)*unreadable=skip"):
        index(images)
    manifest = index(images, unreadable="skip")
    left = ["train/e_1.jpg", "train/e_2.png", "train/g_1.jpg"]
    assert sorted(manifest.table["path"]) == sorted(
        str(path.relative_to(images)) for path in images.rglob("*.*") if str(path.relative_to(images)) not in left
    )
    (note,) = [note for note in manifest.notes if "unreadable=skip" in note]
    assert note.startswith("3 images that cannot be used are left out")
    listed = Path(note.split(": ", 1)[1].removesuffix(" lists them"))
    assert [line.split(": ")[0] for line in listed.read_text().splitlines()] == left
    assert index(images, unreadable="skip").digest == manifest.digest

    for path in left:
        (images / path).unlink()
    assert index(images).bytes_digest == manifest.bytes_digest
    assert not any("unreadable" in note for note in index(images, unreadable="skip").notes)
    assert not listed.exists()


def test_nothing_but_unusable_images_is_an_error_all_the_same(images):
    for path in images.rglob("*.jpg"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match=r"6 images in .* cannot be used"):
        index(images, unreadable="skip")


def test_links_to_nothing_and_pipes_are_named_among_the_others(images):
    (images / "train" / "e_1.jpg").symlink_to("gone.jpg")
    (images / "train" / "e_2.jpg").symlink_to("e_2.jpg")
    os.mkfifo(images / "train" / "e_3.jpg")
    put(images, {"train/e_4.jpg": b""})
    with pytest.raises(InputError, match="4 images") as raised:
        index(images)
    for name in ("e_1", "e_2", "e_3"):
        assert f"train/{name}.jpg: no file, or a link to none" in str(raised.value)


def test_test_images_that_are_training_images_are_a_note(images):
    train = (images / "train" / "a_1.jpg").read_bytes()
    put(images, {"query/h_1.jpg": train, "gallery/i_1.jpg": train, "gallery/i_2.jpg": train})
    notes = index(images, duplicates="keep").notes
    assert (
        "1 queries and 2 gallery images are training images, byte for byte, as gallery/i_1.jpg = train/a_1.jpg: "
        "retrieval looks too good"
    ) in notes
    assert not any("byte for byte" in note for note in index(images, folder=FolderReader(pattern="zzz|")).notes)


def test_what_was_indexed_by_an_earlier_decoder_is_inspected_again(images, decoded, monkeypatch):
    index(images)
    decoded.clear()
    monkeypatch.setattr(indexing, "DECODER", indexing.DECODER + 1)
    index(images)
    assert len(decoded) == 6
