"""Every reader passes this suite: a tiny folder of each layout, and what it must come out as."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from whosame.data.indexing import index_images
from whosame.data.manifest import split
from whosame.data.readers import READERS, FolderReader, OmniglotReader
from whosame.data.source import SourceConfig
from whosame.errors import InputError

MARKET = {
    "bounding_box_train/0002_c1s1_000451_03.jpg": ("train", 1, 2),
    "bounding_box_train/0002_c2s1_000776_01.jpg": ("train", 2, 2),
    "bounding_box_train/0007_c3s3_077419_03.jpg": ("train", 3, 7),
    "query/0001_c1s1_001051_00.jpg": ("query", 1, 1),
    "bounding_box_test/0001_c2s1_009051_00.jpg": ("gallery", 2, 1),
    "bounding_box_test/-1_c1s1_000401_03.jpg": ("gallery", 1, -1),
    "bounding_box_test/0000_c3s1_000151_01.jpg": ("gallery", 3, 0),
}
DUKE = {
    "bounding_box_train/0001_c2_f0046182.jpg": ("train", 2, 1),
    "bounding_box_train/0008_c5_f0081234.jpg": ("train", 5, 8),
    "query/0005_c2_f0046985.jpg": ("query", 2, 5),
    "bounding_box_test/0005_c8_f0090000.jpg": ("gallery", 8, 5),
}
MSMT_LISTS = {
    "list_train.txt": ["0000/0000_000_01_0303morning_0008_0.jpg 0", "0001/0001_000_14_0303noon_0015_1.jpg 1"],
    "list_val.txt": ["0000/0000_004_02_0303morning_0020_0.jpg 0"],
    "list_query.txt": ["0000/0000_000_05_0303morning_0031_0.jpg 0"],
    "list_gallery.txt": ["0000/0000_009_06_0113noon_0031_0.jpg 0", "0001/0001_009_06_0113noon_0032_0.jpg 1"],
}
MSMT = {  # identities of the training list plus 1; of the test lists behind them
    "{train}/0000/0000_000_01_0303morning_0008_0.jpg": ("train", 1, 1),
    "{train}/0001/0001_000_14_0303noon_0015_1.jpg": ("train", 14, 2),
    "{train}/0000/0000_004_02_0303morning_0020_0.jpg": ("train", 2, 1),
    "{test}/0000/0000_000_05_0303morning_0031_0.jpg": ("query", 5, 3),
    "{test}/0000/0000_009_06_0113noon_0031_0.jpg": ("gallery", 6, 3),
    "{test}/0001/0001_009_06_0113noon_0032_0.jpg": ("gallery", 6, 4),
}
OMNIGLOT = {
    "Beta/character01/0031_01.png": ("query", 1, 2),
    "Beta/character01/0031_06.png": ("gallery", 6, 2),
    "Alpha/character02/0022_20.png": ("train", 20, 1),
    "Gamma/character01/0044_20.png": ("train", 20, 3),
}
FOLDER = {
    "train/ann/hall/1.png": ("train", 2, 1),
    "train/bob/door/1.png": ("train", 1, 2),
    "probe/cyd/hall/1.png": ("query", 2, 3),
    "test/cyd/door/1.png": ("gallery", 1, 3),
}


def msmt(train, test):
    return {path.format(train=train, test=test): row for path, row in MSMT.items()}


CASES = {
    "market1501": (MARKET, {}),
    "synthetic": (MARKET, {}),
    "dukemtmc": (DUKE, {}),
    "msmt17": (msmt("train", "test"), {}),
    "msmt17-v2": (msmt("mask_train_v2", "mask_test_v2"), {}),
    "omniglot": (OMNIGLOT, {"omniglot": OmniglotReader(train=("Alpha", "Gamma"), test=("Beta",))}),
    "folder": (
        FOLDER,
        {"folder": FolderReader(pattern=r"^(?P<split>[^/]+)/(?P<identity>[^/]+)/(?P<camera>[^/]+)/")},
    ),
}


def draw(root, paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shade = hashlib.md5(path.encode()).digest()  # no two files with the same bytes
        Image.fromarray(np.frombuffer(shade * 24, np.uint8).reshape(16, 8, 3)).save(root / path)
    return root


def test_no_reader_goes_untested():
    assert {name.partition("-")[0] for name in CASES} == set(READERS)


@pytest.fixture(params=CASES)
def case(request, tmp_path):
    rows, options = CASES[request.param]
    layout = request.param.partition("-")[0]
    root = draw(tmp_path / "images", rows)
    (root / "Thumbs.db").write_text("not an image")
    (root / "._0001_c1.jpg").write_text("a Mac's shadow of a file")
    if layout == "msmt17":
        for name, lines in MSMT_LISTS.items():
            (root / name).write_text("\n".join(lines) + "\n")
    return layout, root, rows, options


def reader_of(layout, options):
    return options.get(layout, READERS[layout])


def test_splits_cameras_and_identities_are_read(case):
    layout, root, rows, options = case
    found = reader_of(layout, options).read(root)
    assert {image.file.path: image[1:] for image in found.images} == rows
    for image in found.images:
        stat = (root / image.file.path).stat()
        assert (image.file.size, image.file.modified) == (stat.st_size, stat.st_mtime_ns)


def test_the_manifest_is_sorted_and_typed(case, tmp_path, monkeypatch):
    layout, root, rows, options = case
    monkeypatch.setattr(SourceConfig, "place", lambda self, cache: root)  # synthetic would draw its own
    images = None if layout == "synthetic" else str(root)
    manifest = index_images(SourceConfig(layout, images, **options), tmp_path / "cache")
    assert list(manifest.table["path"]) == sorted(rows)
    expected = {"camera": "int64", "identity": "Int64", "height": "int32", "width": "int32"}
    assert {name: str(manifest.table[name].dtype) for name in expected} == expected
    assert set(manifest.table["height"]) == {16}
    assert set(manifest.table["width"]) == {8}
    train, truth, test = split(manifest)
    assert len(train) == sum(row[0] == "train" for row in rows.values())
    assert truth.known
    assert set(test.query_identities) <= set(test.gallery_identities)
    assert not set(truth.identities) & set(test.query_identities)


def test_reading_twice_gives_the_same(case):
    layout, root, _, options = case
    reader = reader_of(layout, options)
    assert reader.read(root) == reader.read(root)


def test_a_folder_that_is_not_there_is_an_input_error(case, tmp_path):
    layout, _, _, options = case
    with pytest.raises(InputError, match="nowhere"):
        reader_of(layout, options).read(tmp_path / "nowhere")


def test_names_that_break_the_rule_are_all_listed(case):
    layout, root, _, options = case
    wrong = {
        "market1501": ["query/noname.jpg", "bounding_box_test/-2_c1.jpg"],
        "synthetic": ["query/noname.jpg"],
        "dukemtmc": ["bounding_box_train/0001_f00.jpg"],
        "omniglot": ["Alpha/0022_20.png", "Beta/character01/x_1.png"],
        "folder": ["loose.png", "train/loose.png"],
        "msmt17": [],
    }[layout]
    if layout == "msmt17":
        with (root / "list_val.txt").open("a") as file:
            file.write("0001/gone_000_01_0303.jpg 1\nnonsense\n0000/short.jpg 0\n")
        wrong = ["gone_000_01_0303.jpg: listed but not there", "list_val.txt, line 3", "short.jpg: the third field"]
    draw(root, [path for path in wrong if path.endswith((".jpg", ".png"))] if layout != "msmt17" else [])
    with pytest.raises(InputError) as raised:
        reader_of(layout, options).read(root)
    assert all(name in str(raised.value) for name in wrong)
