"""Images as browsers can show them, to the people who were shown them, and never another file."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from whosame.annotation.queue.guide import Example, Guide
from whosame.annotation.queue.tasks import PairTask
from whosame.annotation.store.schema import images as image_table
from whosame.annotation.web.image_routes import UnshowableError, read_image, read_thumbnail


@pytest.fixture
def save(tmp_path, image_ref):
    """Save an image under the test's folder; return its digest."""

    def save_(path, image):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        image.save(tmp_path / path)
        return image_ref(tmp_path, path).digest

    return save_


@pytest.fixture
def crop():
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 8, 3), dtype=np.uint8))


@pytest.mark.parametrize(("suffix", "kind"), [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")])
def test_what_browsers_know_is_sent_as_it_is(tmp_path, save, crop, suffix, kind):
    digest = save(f"a.{suffix}", crop)
    assert read_image(tmp_path, f"a.{suffix}", digest) == ((tmp_path / f"a.{suffix}").read_bytes(), kind)


@pytest.mark.parametrize("suffix", ["bmp", "tif", "ppm"])
def test_other_formats_are_converted_without_loss(tmp_path, save, crop, suffix):
    content, kind = read_image(tmp_path, f"a.{suffix}", save(f"a.{suffix}", crop))
    assert kind == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), np.asarray(crop))


def test_16_bits_are_not_clipped_to_white(tmp_path, save):
    deep = np.array([[0, 255, 256], [32768, 65280, 65535]], dtype=np.uint16)
    content, _ = read_image(tmp_path, "a.tif", save("a.tif", Image.fromarray(deep)))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content)).convert("L")), deep >> 8)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_turned_images_are_sent_upright(tmp_path, save, image_ref, crop, suffix):
    """No browser turns all of them, and none by an orientation that only XMP has."""
    exif = Image.Exif()
    exif[274] = 6
    exif[0x9286] = b"odd"  # a tag of the wrong type, as some cameras write
    crop.save(tmp_path / f"a.{suffix}", exif=exif, **({"lossless": True} if suffix == "webp" else {}))
    content, kind = read_image(tmp_path, f"a.{suffix}", image_ref(tmp_path, f"a.{suffix}").digest)
    shown = np.asarray(Image.open(io.BytesIO(content)), int)
    assert kind == "image/png"
    assert shown.shape == (8, 16, 3)
    assert np.abs(shown - np.asarray(crop)[::-1].swapaxes(0, 1)).mean() < (60 if suffix == "jpg" else 1)


def test_a_thumbnail_is_small_and_upright(tmp_path, image_ref):
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (2000, 1000), (200, 10, 10)).save(tmp_path / "a.jpg", exif=exif)
    content, kind = read_thumbnail(tmp_path, "a.jpg", image_ref(tmp_path, "a.jpg").digest)
    with Image.open(io.BytesIO(content)) as shown:
        assert (shown.format, kind, shown.size) == ("JPEG", "image/jpeg", (120, 240))
        assert shown.getpixel((60, 120))[0] > 180
    with pytest.raises(UnshowableError, match="has changed"):
        read_thumbnail(tmp_path, "a.jpg", "another")


@pytest.mark.parametrize("suffix", ["webp", "png", "gif"])
def test_of_several_frames_the_first_is_sent_which_the_network_sees_too(tmp_path, image_ref, suffix):
    frames = [Image.new("RGB", (8, 16), colour) for colour in ((255, 0, 0), (0, 255, 0))]
    lossless = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **lossless)
    content, _ = read_image(tmp_path, f"a.{suffix}", image_ref(tmp_path, f"a.{suffix}").digest)
    shown = Image.open(io.BytesIO(content))
    assert getattr(shown, "n_frames", 1) == 1
    assert shown.getpixel((0, 0)) == (255, 0, 0)


def test_a_file_outside_the_folder_is_never_read(tmp_path, save, crop):
    secret, root = save("secret/b.png", crop), tmp_path / "images"
    save("images/a.png", crop)
    (root / "link.png").symlink_to(tmp_path / "secret" / "b.png")
    (root / "folder").symlink_to(tmp_path / "secret")
    (root / "ring").symlink_to(root / "ring")
    ways = ["../secret/b.png", "link.png", "folder/b.png", str(tmp_path / "secret/b.png"), "a.png/../../secret/b.png"]
    for way in (*ways, "ring", "a\0b.png", "", ".", "x" * 5000):
        with pytest.raises(UnshowableError):
            read_image(root, way, secret)


def test_an_image_that_is_gone_or_changed_or_broken_is_not_shown(tmp_path, save, crop, image_ref):
    digest = save("a.png", crop)
    for root, path in ((tmp_path, "b.png"), (tmp_path / "gone", "a.png")):
        with pytest.raises(UnshowableError, match="not where it was"):
            read_image(root, path, digest)
    save("a.png", crop.rotate(180))
    with pytest.raises(UnshowableError, match="has changed"):
        read_image(tmp_path, "a.png", digest)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(UnshowableError, match="cannot be read"):
        read_image(tmp_path, "a.png", image_ref(tmp_path, "a.png").digest)


def test_no_file_but_the_images_of_ones_pairs_is_sent(sqlite_store, queue_of, page_of, tmp_path, save, crop):
    """Not those of others, nor what lies outside the folder of the images, whatever the store says."""
    digest, outside, root = save("outside.png", crop), tmp_path / "outside.png", tmp_path / "images"
    root.mkdir()
    for name in ("0.png", "1.png"):
        shutil.copy(outside, root / name)
    (root / "link.png").symlink_to(outside)
    paths = ["0.png", "1.png", "../outside.png", str(outside), "link.png", "a\x00b.png"]
    from whosame.annotation.queue.image_tokens import ImageRef

    queue_of(
        sqlite_store, 3, root=str(root), images={image: ImageRef(path, digest) for image, path in enumerate(paths)}
    )
    with sqlite_store.reading() as connection:
        tokens = dict(connection.execute(select(image_table.c.image, image_table.c.token)).all())
    page = page_of(sqlite_store)
    alice, carol = page.token("alice"), page.token("carol", "coordinator")

    def statuses(client):
        return [client.get(f"/picture/{tokens[image]}").status_code for image in range(len(paths))]

    assert statuses(page.client(accept="application/json")) == [401] * 6
    client = page.client()
    client.post("/login", data={"token": alice})
    assert statuses(client) == [404] * 6  # she has no pair yet
    client.get("/")
    assert statuses(client) == [200, 200, 410, 410, 404, 404]  # she has two
    assert statuses(page.log_in(token=carol)) == [200, 200, 410, 410, 410, 410]
    for token in ("0.png", "..%2foutside.png", "x" * 22, "%2e%2e%2foutside.png", ""):
        assert 400 <= client.get(f"/picture/{token}").status_code < 500


def test_exemplars_are_sent_while_their_pair_is_shown_and_examples_to_all(
    sqlite_store, queue_of, page_of, tmp_path, save, crop, image_ref
):
    for k in range(8):
        save(f"{k}.png", crop.rotate(k))
    refs = {k: image_ref(tmp_path, f"{k}.png") for k in range(8)}
    guide = Guide("Same?", examples=(Example(4, 5, "same"),))
    task = PairTask(0, 1, "between", exemplars=((2,), ()))
    queue = queue_of(sqlite_store, [task, PairTask(6, 7, "between")], images=refs, root=str(tmp_path), guide=guide)
    page = page_of(sqlite_store)
    with sqlite_store.reading() as connection:
        tokens = dict(connection.execute(select(image_table.c.image, image_table.c.token)).all())
    alice, bob = page.log_in("alice"), page.log_in("bob")
    alice.get("/")

    def sent(client, kind="thumbnail"):
        return [k for k in range(8) if k in tokens and client.get(f"/{kind}/{tokens[k]}").status_code == 200]

    assert sent(alice) == sent(alice, "picture") == [0, 1, 2, 4, 5, 6, 7]
    assert sent(bob) == [4, 5]
    queue.close([(0, 1)])
    assert sent(alice) == [4, 5, 6, 7]
