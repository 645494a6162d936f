"""One pass over a folder: draws, what the pattern reads, sizes from headers, copies."""

import os

import numpy as np
import pytest
from PIL import Image

from whosame.data.readers.base import scan
from whosame.errors import InputError
from whosame.inspection.draw import Draw
from whosame.inspection.folder_scan import scan_folder
from whosame.inspection.headers import find_copies, read_headers


def save(path, height=8, width=8, shade=0, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), shade, np.uint8)).save(path, **options)


def draw(keys, seed=0, size=4):
    kept = Draw[str](size, seed=seed, purpose="test")
    for key in keys:
        kept.offer(key, key)
    return kept.drawn()


def test_a_draw_depends_on_the_seed_and_not_on_the_order():
    keys = [f"{number}.jpg" for number in range(200)]
    assert draw(keys) == draw(keys[::-1])
    assert draw(keys) != draw(keys, seed=1)
    assert draw(keys, size=500) == sorted(keys)
    often = sum(key in draw(keys, seed=seed, size=50) for seed in range(40) for key in keys[:20])
    assert 0.15 < often / 800 < 0.35  # each a quarter of the times


def test_a_pattern_that_matches_three_paths_is_counted(tmp_path):
    for number in range(3):
        save(tmp_path / f"a{number}_c{number // 2}_x.png")
    for number in range(40):
        save(tmp_path / "deep" / f"other {number}.png")
    found = scan_folder(tmp_path, pattern=r"(?P<identity>a\d)_c(?P<camera>\d)_(?P<view>y)?", most=10, seed=0)
    reading = found.reading
    assert (found.images, len(found.files), reading.paths, reading.matched) == (43, 10, 43, 3)
    assert (reading.known("identity"), reading.known("view")) == (3, 0)
    assert reading.groups["camera"].distinct == 2
    assert [path for path, _ in reading.examples] == ["a0_c0_x.png", "a1_c0_x.png", "a2_c1_x.png"]
    assert reading.examples[0][1] == {"identity": "a0", "camera": "0", "view": None}
    assert len(reading.unmatched) == 5
    assert reading.lonely_cameras == {"1": "a2"}


def test_a_folder_without_images_says_what_it_looked_for(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match=r"no image in .* Give another folder: images=PATH, with files of \.bmp"):
        scan_folder(tmp_path, pattern=None, most=10, seed=0)
    with pytest.raises(InputError, match="missing cannot be read: No such file"):
        scan_folder(tmp_path / "missing", pattern=None, most=10, seed=0)


def test_headers_give_upright_sizes_and_name_what_cannot_be_read(tmp_path):
    turned = Image.Exif()
    turned[274] = 6
    save(tmp_path / "a.jpg", 30, 20)
    save(tmp_path / "b.jpg", 30, 20, exif=turned)
    save(tmp_path / "c.webp", 7, 9)
    (tmp_path / "d.png").write_bytes(b"")
    (tmp_path / "e.png").write_bytes(b"no image at all")
    headers = read_headers(tmp_path, scan(tmp_path))
    sizes = list(zip(headers.heights.tolist(), headers.widths.tolist(), strict=True))
    assert sizes == [(30, 20), (20, 30), (7, 9)]
    assert headers.damaged["d.png"] == "empty file"
    assert headers.damaged["e.png"].startswith("damaged")


def test_a_header_beyond_the_first_bytes_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("whosame.inspection.headers.HEAD", 40)
    save(tmp_path / "a.jpg", 30, 20)
    assert read_headers(tmp_path, scan(tmp_path)).heights.tolist() == [30]


def test_copies_are_files_of_the_same_bytes(tmp_path, monkeypatch):
    save(tmp_path / "a.bmp", shade=1)
    save(tmp_path / "c.bmp", shade=2)  # as long, and not the same
    save(tmp_path / "long.bmp", 50, 50, shade=3)
    for name in ("b.bmp", "d.bmp"):
        os.link(tmp_path / "a.bmp", tmp_path / name)
    files = scan(tmp_path)
    copies = find_copies(tmp_path, files)
    assert (copies.groups, copies.spare, copies.compared) == ([["a.bmp", "b.bmp", "d.bmp"]], 2, 5)
    monkeypatch.setattr("whosame.inspection.headers.HASHED", 10)
    assert find_copies(tmp_path, files).compared == 1
