"""Search: individuals once, "nobody near", queries that cannot be used, files that were damaged."""

import io

import numpy as np
import pytest
from PIL import Image

from whosame.errors import InputError, ResumeError, StorageError
from whosame.reporting.search_strip import search_strip
from whosame.search.calibration import NOT_CALIBRATED, Calibration, calibrate, interval
from whosame.search.gallery import ABOUT, INDEX, Gallery, ImageForm
from whosame.search.ranking import rank
from whosame.search.searcher import Searcher
from whosame.search.table import rankings_csv


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def gallery_of(vectors, *, individuals=None, threshold=-1.0, features=0, root="/images"):
    count = len(vectors)
    return Gallery(
        vectors=unit(np.asarray(vectors, float)),
        paths=[f"{row}.png" for row in range(count)],
        splits=["train"] * count,
        cameras=np.arange(count) % 3 - 1,
        identities=[str(row % 2 or "") for row in range(count)],
        known=["clustered"] * count,
        p=np.full(count, 0.5),
        individuals=np.arange(count) if individuals is None else np.array(individuals),
        root=root,
        run="mine",
        code="0",
        round=2,
        answers=5,
        form=ImageForm(6, 4, "bilinear", letterbox=False, invert=False, features=features),
        calibration=Calibration(threshold, 0.1, 0.2, 30, 10, "names"),
    )


def picture(colour):
    file = io.BytesIO()
    Image.new("RGB", (8, 12), colour).save(file, "PNG")
    return file.getvalue()


def mean_colour(pixels):
    """A network: the mean colour of an image."""
    return unit(pixels.reshape(len(pixels), -1, 3).mean(axis=1) + 1)


def test_a_confirmed_individual_appears_once_by_its_best_image():
    gallery = gallery_of([[1, 0], [0.9, 0.1], [0.8, 0.2], [0.5, 0.5], [0, 1]], individuals=[0, 1, 0, 0, 4])
    [ranking] = rank(gallery, unit(np.array([[1.0, 0.05]])), ["q"], top=3)
    assert [(hit.row, hit.images) for hit in ranking.hits] == [(0, 3), (1, 1), (4, 1)]
    assert ranking.hits[0].camera is None
    assert ranking.hits[1].camera == 0
    [without] = rank(gallery, gallery.vectors[:1], ["q"], top=9, itself=[0])
    assert [hit.row for hit in without.hits] == [1, 2, 4]


def test_individuals_of_many_images_do_not_crowd_out_the_rest():
    vectors = np.concatenate([np.tile([1.0, 0.0], (50, 1)), [[0.0, 1.0], [0.5, 0.5]]])
    gallery = gallery_of(vectors, individuals=[0] * 50 + [50, 51])
    [ranking] = rank(gallery, unit(np.array([[1.0, 0.0]])), ["q"], top=3)
    assert [hit.row for hit in ranking.hits] == [0, 51, 50]


def test_nobody_is_near_below_the_threshold_alone():
    gallery = gallery_of([[1, 0], [0, 1]], threshold=0.9)
    near, far = rank(gallery, unit(np.array([[1, 0.1], [1, 1]])), ["near", "far"], top=1)
    assert (near.nobody_near, far.nobody_near) == (False, True)


def test_a_threshold_that_tells_nothing_says_so():
    generator = np.random.default_rng(0)
    vectors, who = unit(generator.normal(size=(600, 16))), np.arange(600) // 6
    cameras, rows = np.full(600, -1), np.arange(600)
    assert "cannot tell" in calibrate(vectors, cameras, who, rows, generator, "test").text()
    apart = unit(vectors[who * 6] + 0.3 * vectors)
    assert "cannot tell" not in calibrate(apart, cameras, who, rows, generator, "test").text()


def test_images_are_found_and_those_that_are_none_are_all_named(tmp_path):
    searcher = Searcher(gallery_of([[255, 1, 1], [1, 255, 1]], root=str(tmp_path)), mean_colour)
    red, green = searcher.search({"red": picture("red"), "green": picture("lime")}, top=1)
    assert (red.hits[0].row, green.hits[0].row) == (0, 1)
    with pytest.raises(InputError, match="2 of 3 queries") as raised:
        searcher.search({"a": b"", "b": picture("red"), "c": b"no image"}, top=1)
    assert "a: empty file" in str(raised.value)
    assert "c: damaged" in str(raised.value)
    (tmp_path / "0.png").write_bytes(picture("red"))
    [itself] = searcher.search_files([tmp_path / "0.png"], top=2)
    assert [hit.row for hit in itself.hits] == [1]
    with pytest.raises(InputError, match=r"gone\.png: No such file"):
        searcher.search_files([tmp_path / "gone.png"], top=2)
    assert search_strip([itself], tmp_path).startswith(b"\x89PNG")
    assert rankings_csv([itself]).decode().splitlines()[1].split(",")[1:4] == [
        "false",
        "1",
        f"{itself.hits[0].score:.4f}",
    ]


def test_features_take_the_place_of_images_in_a_run_that_has_its_own():
    searcher = Searcher(gallery_of([[1, 0], [0, 1]], features=2), unit)
    [ranking] = searcher.search_features(np.array([[3.0, 0.5]]), ["q"], top=1)
    assert ranking.hits[0].row == 0
    with pytest.raises(InputError, match=r"takes features of 2 numbers.* no images"):
        searcher.search({"a": picture("red")}, top=1)
    with pytest.raises(InputError, match=r"not floats \[queries, 2\]"):
        searcher.search_features(np.ones((1, 3)), ["q"], top=1)
    with pytest.raises(InputError, match="b: length nan"):
        searcher.search_features(np.array([[1.0, 1.0], [np.nan, 1.0]]), ["a", "b"], top=1)


def test_the_gallery_comes_back_and_a_damaged_one_is_an_error(tmp_path):
    gallery = gallery_of(np.random.default_rng(0).normal(size=(9, 5)), individuals=[0, 0, 0, 3, 4, 5, 5, 7, 8])
    gallery.save(tmp_path)
    loaded = Gallery.load(tmp_path)
    np.testing.assert_array_equal(loaded.vectors, gallery.vectors)
    for name in ("paths", "identities", "known", "root", "run", "round", "form", "calibration"):
        assert getattr(loaded, name) == getattr(gallery, name)
    np.testing.assert_array_equal(loaded.individuals, gallery.individuals)
    about = (tmp_path / ABOUT).read_text()
    (tmp_path / ABOUT).write_text(about.replace('"format": 1', '"format": 0'))
    with pytest.raises(ResumeError, match="another version"):
        Gallery.load(tmp_path)
    (tmp_path / ABOUT).write_text(about)
    (tmp_path / INDEX).write_bytes(b"damaged")
    with pytest.raises(StorageError, match="cannot be read"):
        Gallery.load(tmp_path)
    (tmp_path / INDEX).unlink()
    with pytest.raises(InputError, match="is no exported model"):
        Searcher.load(tmp_path)


def test_the_threshold_is_between_those_who_are_there_and_those_who_are_not():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, 64))
    labels = np.repeat(np.arange(40), 4)
    vectors = unit(centres[labels] + 0.3 * rng.normal(size=(160, 64)))
    cameras = np.tile([0, 0, 1, 1], 40)
    found = calibrate(vectors, cameras, labels, np.arange(160), rng, "test")
    assert (found.missed, found.mistaken) == (0, 0)
    assert (found.probes, found.individuals, found.source) == (160, 40, "test")
    own = labels[:, None] == labels
    near = np.where(own & (cameras[:, None] != cameras), vectors @ vectors.T, -1).max(axis=1)
    others = np.where(own, -1, vectors @ vectors.T).max(axis=1)
    assert others.max() < found.threshold <= near.min()
    fresh = unit(rng.normal(size=(100, 64)))  # of nobody in the gallery
    assert np.mean((fresh @ vectors.T).max(axis=1) >= found.threshold) < 0.05
    noise = unit(rng.normal(size=(160, 64)))
    assert calibrate(noise, cameras, labels, np.arange(160), rng, "test").mistaken > 0.3
    assert calibrate(vectors, cameras, labels, np.arange(10), rng, "test") == NOT_CALIBRATED


def test_the_error_rates_intervals_hold_individuals_that_err_together():
    """Individuals with error rates of their own, of which 40 are seen: 95 % of the intervals have the mean in them."""
    random = np.random.default_rng(0)
    held = []
    for _ in range(300):
        individuals = np.repeat(np.arange(40), random.integers(1, 30, 40))
        wrong = random.random(len(individuals)) < random.beta(0.4, 1.6, 40)[individuals]
        low, high = interval(wrong, individuals)
        assert low <= wrong.mean() <= high
        held.append(low <= 0.2 <= high)
    assert 0.9 < np.mean(held) < 0.98
    assert interval(np.zeros(30, bool), np.arange(30) // 3) == pytest.approx((0, 0.278), abs=1e-3)  # of ten, not thirty
