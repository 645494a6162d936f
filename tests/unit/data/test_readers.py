import unicodedata
from collections import Counter

import pytest

from whosame.data.indexing import index_images
from whosame.data.readers import (
    DUKEMTMC,
    MARKET1501,
    READERS,
    FolderReader,
    FoundImage,
    MarketReader,
    OmniglotReader,
)
from whosame.data.readers.base import ImageFile, compare_counts, scan
from whosame.data.readers.msmt17 import EXPECTED as MSMT17
from whosame.data.readers.splits import draw_queries, split_by_identity
from whosame.data.source import SourceConfig
from whosame.errors import InputError
from whosame.parameters import parse


def touch(root, paths):
    for number, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(str(number))  # readers open no image
    return root


def rows(listing):
    return {image.file.path: image[1:4] for image in listing.images}


def found(split, camera, identity, number=0):
    return FoundImage(ImageFile(f"{identity}_{camera}_{number}.jpg", 1, 1), split, camera, identity)


BIG = "20240131123456789012"  # 20 digits


@pytest.mark.parametrize("layout", ["market1501", "dukemtmc", "synthetic"])
def test_numbers_in_names_are_read_whole(layout, tmp_path):
    names = ["0002_c12s1_1", "0002_c1s1_1", "0123456789012_c10_f1", "-1_c12s1_1", "0000_c1s1_1"]
    touch(tmp_path, [f"bounding_box_train/{name}.jpg" for name in names])
    found = [(image.camera, image.identity) for image in READERS[layout].read(tmp_path).images]
    assert sorted(found) == [(1, 0), (1, 2), (10, 123_456_789_012), (12, -1), (12, 2)]


def test_numbers_too_long_to_keep_are_numbered(tmp_path):
    names = [f"0002_c{BIG}", f"{BIG}_c1", f"{BIG}0_c1", "0000_c1", "-01_c1"]
    touch(tmp_path, [f"bounding_box_train/{name}.jpg" for name in names])
    found = {path[19:-4]: row[1:] for path, row in rows(MarketReader("market1501").read(tmp_path)).items()}
    assert found == {names[0]: (2, 1), names[1]: (1, 2), names[2]: (1, 3), names[3]: (1, 0), names[4]: (1, -1)}
    folder = FolderReader(pattern=r"(?P<identity>-?\d+)_c(?P<camera>\d+)", test_fraction=0.0).read(tmp_path)
    assert {row[1] for row in rows(folder).values()} == {1, 2}
    omniglot = touch(tmp_path / "omniglot", [f"A/character01/1_{BIG}.png", "B/character01/1_02.png"])
    assert {row[1] for row in rows(OmniglotReader(train=("A",), test=("B",)).read(omniglot)).values()} == {1, 2}


def test_lists_may_have_any_number(tmp_path):
    touch(tmp_path, [f"train/0_0_{BIG}_0.jpg", "test/0_0_15_0.jpg"])
    for name, line in (("train", f"0_0_{BIG}_0.jpg {BIG}"), ("query", f"0_0_15_0.jpg {'9' * 5000}")):
        (tmp_path / f"list_{name}.txt").write_text(line)
    for name in ("val", "gallery"):
        (tmp_path / f"list_{name}.txt").write_bytes(b"")
    found = rows(READERS["msmt17"].read(tmp_path))
    assert found == {f"train/0_0_{BIG}_0.jpg": ("train", 2, 2), "test/0_0_15_0.jpg": ("query", 1, 4)}
    (tmp_path / "list_val.txt").write_bytes(b"0_0_1_\xe9.jpg 1\n")
    with pytest.raises(InputError, match="listed but not there"):
        READERS["msmt17"].read(tmp_path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pattern": r"(?P<identity>\d+)_c(?P<camera>\d)"}, "x/12_c34.jpg: camera 3"),
        ({"pattern": r"(?P<identity>\d)_c\d+"}, "x/12_c34.jpg: identity 2"),
        ({"pattern": r"(?P<identity>\d+)_c"}, "x/-1_c7.jpg: identity 1"),
        ({"pattern": r"x/", "query": "_c3"}, "x/12_c34.jpg: query _c3"),
    ],
)
def test_an_expression_that_takes_a_part_of_a_number_is_an_error(options, said, tmp_path):
    touch(tmp_path, ["x/12_c34.jpg", "x/-1_c7.jpg"])
    with pytest.raises(InputError, match="takes a part of a number") as raised:
        FolderReader(**options).read(tmp_path)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    "options",
    [
        {"pattern": r"x/(?P<identity>\d)(?P<camera>\d)_c"},
        {"pattern": r"(?P<camera>\d)\d*\.jpg"},
        {"pattern": r"x/", "query": r"_c3\d*"},
        {"pattern": r"(?P<identity>-?\d+)_"},
    ],
)
def test_an_expression_may_divide_a_number_that_it_matches_whole(options, tmp_path):
    touch(tmp_path, ["x/12_c34.jpg"])
    assert len(FolderReader(**options).read(tmp_path).images) == 1


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_forms_of_a_name_are_one_person_and_one_alphabet(form, tmp_path):
    zoe = unicodedata.normalize("NFD", "Zoë")
    touch(tmp_path, ["Zoë/1.jpg", f"{zoe}/2.jpg", "Zoe/3.jpg"])
    pattern = unicodedata.normalize(form, r"(?P<identity>Zo[eë])/")
    found = rows(FolderReader(pattern=pattern, test_fraction=0.0).read(tmp_path))
    assert [(path, row[2]) for path, row in found.items()] == [("Zoe/3.jpg", 1), ("Zoë/1.jpg", 2), (f"{zoe}/2.jpg", 2)]
    alphabets = touch(tmp_path / "omniglot", [f"{zoe}/character01/1_01.png", "B/character01/1_02.png"])
    reader = OmniglotReader(train=(unicodedata.normalize(form, "Zoë"),), test=("B",))
    assert [image.split for image in reader.read(alphabets).images] == ["query", "train"]


def test_two_files_whose_names_look_the_same_are_named(tmp_path):
    touch(tmp_path, ["é.jpg", unicodedata.normalize("NFD", "é.jpg"), "e.jpg"])
    with pytest.raises(InputError, match="1 names are there twice") as raised:
        scan(tmp_path)
    assert "'\\xe9.jpg'" in str(raised.value)
    assert "'e\\u0301.jpg'" in str(raised.value)


def test_every_printable_name_is_a_name(tmp_path):
    names = ["Screenshot 9.41\u202fAM.png", "a\u00a0b.png", "全角\u3000名.png", "👨\u200d👩.png"]
    touch(tmp_path, names)
    assert sorted(file.path for file in scan(tmp_path)) == sorted(names)


def test_a_data_set_one_folder_deeper_is_offered(tmp_path):
    touch(tmp_path, ["Market-1501-v15.09.15/bounding_box_train/0002_c1.jpg"])
    with pytest.raises(InputError, match=r"Did you mean images=.*Market-1501-v15\.09\.15"):
        MarketReader("market1501").read(tmp_path)


@pytest.mark.parametrize("expected", [MARKET1501, DUKEMTMC, MSMT17])
def test_counts_that_differ_from_the_published_are_noted_and_the_right_ones_are_not(expected):
    for number in expected["gallery"]:
        whole = [found("train", 1, 1)] * expected["train"][0] + [found("query", 1, 2)] * expected["query"][0]
        whole += [found("gallery", 1, 2)] * number
        assert compare_counts("it", whole, expected) == []
        (note,) = compare_counts("it", whole[1:], expected)
        assert f"{expected['train'][0]:,}" in note
        assert f"{expected['train'][0] - 1:,}" in note


def test_market_counts_hold_with_junk_and_not_without_a_whole_set():
    whole = [found("train", 1, 1)] * 12_936 + [found("query", 1, 2)] * 3_368 + [found("gallery", 1, 2)] * 15_913
    assert compare_counts("market1501", whole + [found("gallery", 1, -1)] * 3_819, MARKET1501) == []
    assert compare_counts("market1501", whole[:100], MARKET1501) == []


def test_omniglot_leaves_out_other_alphabets_and_counts_them(tmp_path):
    touch(tmp_path, ["A/character01/1_01.png", "B/character01/1_01.png", "C/character01/1_01.png"])
    listing = OmniglotReader(train=("A",), test=("B",)).read(tmp_path)
    assert len(listing.images) == 2
    assert listing.notes == [
        "1 images of alphabets that are neither in omniglot.train nor in omniglot.test are left out",
    ]
    with pytest.raises(InputError, match="Klingon"):
        OmniglotReader(train=("A", "Klingon"), test=("B",)).read(tmp_path)


def test_links_back_up_end(tmp_path):
    touch(tmp_path, ["a/1.jpg"])
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    assert [file.path for file in scan(tmp_path)] == ["a/1.jpg"]


def test_what_systems_leave_among_images_is_no_image(tmp_path):
    strays = [
        ".DS_Store",
        "._1.jpg",
        "Thumbs.db",
        "a/desktop.ini",
        ".ipynb_checkpoints/1-checkpoint.jpg",
        "a/@eaDir/1.jpg",
    ]
    strays += ["__MACOSX/1.jpg", "$RECYCLE.BIN/1.jpg", "lost+found/1.jpg", "System Volume Information/1.jpg"]
    touch(tmp_path, ["1.jpg", "a/2.jpg", "album.jpg/3.jpg", *strays])
    assert [file.path for file in scan(tmp_path)] == ["1.jpg", "a/2.jpg", "album.jpg/3.jpg"]


def test_names_that_are_no_text_are_named(tmp_path):
    (tmp_path / "bad\udcff.jpg").write_text("")
    (tmp_path / "two\nlines.jpg").write_text("")
    with pytest.raises(InputError, match="2 file names are not printable text"):
        scan(tmp_path)


def test_any_folder_of_crops_needs_no_names(tmp_path):
    touch(tmp_path, ["1.jpg", "deep/er/IMG 2.PNG"])
    assert rows(FolderReader().read(tmp_path)) == {
        "1.jpg": ("train", -1, None),
        "deep/er/IMG 2.PNG": ("train", -1, None),
    }


def test_by_default_market_names_are_understood_where_they_are(tmp_path):
    touch(tmp_path, ["x/0010_c2s1.jpg", "x/0009_c11.jpg", "x/-1_c2.jpg", "x/0000_c2.jpg", "x/other.jpg"])
    found = rows(FolderReader(test_fraction=0.0).read(tmp_path))
    assert found == {
        "x/0009_c11.jpg": ("train", 11, 1),
        "x/0010_c2s1.jpg": ("train", 2, 2),
        "x/-1_c2.jpg": ("train", 2, -1),
        "x/0000_c2.jpg": ("train", 2, 0),
        "x/other.jpg": ("train", -1, None),
    }


def test_with_a_pattern_a_person_may_be_called_0000(tmp_path):
    touch(tmp_path, ["0000/1.jpg", "0001/1.jpg", "-1/1.jpg"])
    found = rows(FolderReader(pattern="^(?P<identity>[^/]+)/", test_fraction=0.0).read(tmp_path))
    assert {path: row[2] for path, row in found.items()} == {"0000/1.jpg": 1, "0001/1.jpg": 2, "-1/1.jpg": -1}


def test_held_out_distractors_and_junk_are_in_the_gallery(tmp_path):
    touch(tmp_path, [f"000{person}_c{camera}_{i}.jpg" for person in range(4) for camera in (1, 2) for i in (1, 2)])
    touch(tmp_path, ["-1_c1.jpg", "other.jpg"])
    found = FolderReader(test_fraction=0.4).read(tmp_path).images
    assert {image.split for image in found if image.identity in (0, -1)} == {"gallery"}
    assert {image.split for image in found if image.identity is None} == {"train"}
    assert Counter(image.split for image in found if image.identity not in (0, -1, None)) == {
        "train": 8,
        "query": 2,
        "gallery": 2,
    }


@pytest.mark.parametrize("name", ["test", "gallery", "testing", "bounding_box_test"])
def test_names_of_the_split(tmp_path, name):
    touch(tmp_path, ["train/a_1.jpg", f"{name}/b_1.jpg", "queries/b_2.jpg"])
    found = rows(FolderReader(pattern=r"(?P<split>\w+)/(?P<identity>\w)_(?P<camera>\d)").read(tmp_path))
    assert found["train/a_1.jpg"] == ("train", 1, 1)
    assert found["queries/b_2.jpg"] == ("query", 2, 2)
    assert found[f"{name}/b_1.jpg"] == ("gallery", 1, 2)


def test_an_unknown_name_of_a_split_is_an_error(tmp_path):
    touch(tmp_path, ["train/a.jpg", "val/b.jpg"])
    with pytest.raises(InputError, match=r"val/b\.jpg: 'val'"):
        FolderReader(pattern=r"(?P<split>\w+)/").read(tmp_path)


def test_unmatched_files_are_an_error_or_skipped_and_counted(tmp_path):
    touch(tmp_path, [*(f"no{i}.jpg" for i in range(25)), "yes_1.jpg"])
    with pytest.raises(InputError, match="25 paths do not match") as raised:
        FolderReader(pattern=r"yes_(?P<identity>\d)").read(tmp_path)
    assert "… and 5 more" in str(raised.value)
    listing = FolderReader(pattern=r"yes_(?P<identity>\d)", unmatched="skip").read(tmp_path)
    assert len(listing.images) == 1
    assert "25 files" in listing.notes[0]


def test_expressions_say_what_an_image_is_for(tmp_path):
    touch(tmp_path, ["A/x_1.png", "B/y_1.png", "B/y_2.png", "C/z_1.png"])
    pattern = r"(?P<identity>.)_(?P<camera>\d)"
    both = FolderReader(pattern=pattern, query="^B/.*_1", gallery="^B/.*_2").read(tmp_path)
    assert Counter(image.split for image in both.images) == {"train": 2, "query": 1, "gallery": 1}
    named = FolderReader(pattern=pattern, train="^A/", query="^B/.*_1", gallery="^B/.*_2").read(tmp_path)
    assert Counter(image.split for image in named.images) == {"train": 1, "query": 1, "gallery": 1}
    assert "1 images that none of" in named.notes[0]
    with pytest.raises(InputError, match=r"A/x_1\.png: train and query"):
        FolderReader(pattern=pattern, train="^A/", query="_1").read(tmp_path)


def test_a_gallery_without_queries_gets_some(tmp_path):
    touch(tmp_path, ["train/x_1_1.png", *(f"test/y_{camera}_{i}.png" for camera in (1, 2) for i in range(3))])
    listing = FolderReader(pattern=r"^(?P<split>\w+)/(?P<identity>.)_(?P<camera>\d)").read(tmp_path)
    assert Counter(image.split for image in listing.images) == {"train": 1, "query": 2, "gallery": 4}
    assert "2 queries drawn from the gallery" in listing.notes[0]


def test_without_a_split_whole_identities_are_held_out(tmp_path):
    touch(tmp_path, [f"{person:02d}_{camera}_{i}.jpg" for person in range(12) for camera in (1, 2) for i in range(2)])
    reader = FolderReader(pattern=r"(?P<identity>\d+)_(?P<camera>\d)", test_fraction=0.25)
    listing = reader.read(tmp_path)
    by_split = {
        split: {i.identity for i in listing.images if i.split == split} for split in ("train", "query", "gallery")
    }
    assert len(by_split["train"]) == 9
    assert by_split["query"] == by_split["gallery"]
    assert not by_split["train"] & by_split["query"]
    assert Counter(image.split for image in listing.images) == {"train": 36, "query": 6, "gallery": 6}
    assert reader.read(tmp_path) == listing
    others = [rows(FolderReader(pattern=reader.pattern, seed=seed).read(tmp_path)) for seed in range(1, 4)]
    assert any(other != rows(listing) for other in others)


def test_one_identity_always_stays_to_train_and_unknown_images_train():
    assert split_by_identity(["a", None, "-1"], 0.9, 0) == ["train"] * 3
    assert sorted(split_by_identity(["a", "b"], 0.9, 0)) == ["gallery", "train"]
    assert split_by_identity(["a", "b", "c"], 0.0, 0) == ["train"] * 3


def test_queries_leave_every_person_a_gallery_image():
    images = [
        *(found("gallery", 1, 1, i) for i in range(3)),  # two cameras, one of them with one image only
        found("gallery", 2, 1),
        found("gallery", 1, 2),  # one image in each of two cameras
        found("gallery", 2, 2),
        found("gallery", 1, 3),  # one image in all: no match could be found
        found("gallery", 1, 0),  # distractor
        found("gallery", 1, -1),
        found("gallery", 1, None),
    ]
    turned, drawn = draw_queries(images, 0)
    assert drawn == 2
    queries = [(image.identity, image.camera) for image in turned if image.split == "query"]
    assert sorted(identity for identity, _ in queries) == [1, 2]
    assert (1, 1) in queries
    assert draw_queries(turned, 1) == (turned, 0)


def test_synthetic_images_are_drawn_into_the_cache_once(tmp_path):
    few = {"train_images": 4, "train_identities": 2, "test_identities": 2, "query_images": 2}
    few |= {"gallery_images": 5, "distractor_images": 1, "junk_images": 1}
    source = parse(SourceConfig, {"synthetic": {**few, "cameras": 2}})
    manifest = index_images(source, tmp_path)
    assert manifest.root.parent == tmp_path.resolve() / "01_raw"
    assert [len(manifest.image_ids(split)) for split in ("train", "query", "gallery")] == [4, 2, 5]
    assert sorted(set(manifest.identities(manifest.image_ids("gallery"))))[:2] == [-1, 0]
    drawn = {path: path.stat().st_mtime_ns for path in manifest.paths()}
    assert index_images(source, tmp_path).digest == manifest.digest
    assert {path: path.stat().st_mtime_ns for path in manifest.paths()} == drawn
