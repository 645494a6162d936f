"""Every reader keeps to the contract: a tiny folder of each layout, and what it must come out as."""

import pytest

from whosame.data.indexing import index_images
from whosame.data.manifest import split
from whosame.data.readers import READERS, FolderReader, OmniglotReader
from whosame.data.source import SourceConfig
from whosame.errors import InputError
from whosame.testing.readers import READER_CHECKS, Layout, draw_folder

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
    "list_train.txt": "0000/0000_000_01_0303morning_0008_0.jpg 0\n0001/0001_000_14_0303noon_0015_1.jpg 1\n",
    "list_val.txt": "0000/0000_004_02_0303morning_0020_0.jpg 0\n",
    "list_query.txt": "0000/0000_000_05_0303morning_0031_0.jpg 0\n",
    "list_gallery.txt": "0000/0000_009_06_0113noon_0031_0.jpg 0\n0001/0001_009_06_0113noon_0032_0.jpg 1\n",
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
    images = {  # identities of the training list plus 1; of the test lists behind them
        f"{train}/0000/0000_000_01_0303morning_0008_0.jpg": ("train", 1, 1),
        f"{train}/0001/0001_000_14_0303noon_0015_1.jpg": ("train", 14, 2),
        f"{train}/0000/0000_004_02_0303morning_0020_0.jpg": ("train", 2, 1),
        f"{test}/0000/0000_000_05_0303morning_0031_0.jpg": ("query", 5, 3),
        f"{test}/0000/0000_009_06_0113noon_0031_0.jpg": ("gallery", 6, 3),
        f"{test}/0001/0001_009_06_0113noon_0032_0.jpg": ("gallery", 6, 4),
    }
    return Layout(READERS["msmt17"], images, MSMT_LISTS)


LAYOUTS = {
    "market1501": Layout(READERS["market1501"], MARKET, broken=["query/noname.jpg", "bounding_box_test/-2_c1.jpg"]),
    "synthetic": Layout(READERS["synthetic"], MARKET, broken=["query/noname.jpg"]),
    "dukemtmc": Layout(READERS["dukemtmc"], DUKE, broken=["bounding_box_train/0001_f00.jpg"]),
    "msmt17": msmt("train", "test"),
    "msmt17-v2": msmt("mask_train_v2", "mask_test_v2"),
    "omniglot": Layout(
        OmniglotReader(train=("Alpha", "Gamma"), test=("Beta",)),
        OMNIGLOT,
        broken=["Alpha/0022_20.png", "Beta/character01/x_1.png"],
    ),
    "folder": Layout(
        FolderReader(pattern=r"^(?P<split>[^/]+)/(?P<identity>[^/]+)/(?P<camera>[^/]+)/"),
        FOLDER,
        broken=["loose.png", "train/loose.png"],
    ),
}


def test_no_reader_goes_untested():
    assert {name.partition("-")[0] for name in LAYOUTS} == set(READERS)


@pytest.mark.parametrize("check", READER_CHECKS.values(), ids=READER_CHECKS)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_contract(layout, check):
    check(layout)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_manifest_is_sorted_and_typed(name, tmp_path, monkeypatch):
    layout, root = LAYOUTS[name], tmp_path / "images"
    root.mkdir()
    draw_folder(layout, root)
    monkeypatch.setattr(SourceConfig, "folder_of_images", lambda self, cache: root)  # synthetic would draw its own
    kind = name.partition("-")[0]
    options = {kind: layout.reader} if kind in ("omniglot", "folder") else {}
    images = None if kind == "synthetic" else str(root)
    manifest = index_images(SourceConfig(layout=kind, images=images, **options), tmp_path / "cache")
    assert list(manifest.table["path"]) == sorted(layout.images)
    expected = {"camera": "int64", "identity": "Int64", "height": "int32", "width": "int32"}
    assert {name: str(manifest.table[name].dtype) for name in expected} == expected
    assert set(manifest.table["height"]) == {16}
    assert set(manifest.table["width"]) == {8}
    train, truth, test = split(manifest)
    assert len(train) == sum(row[0] == "train" for row in layout.images.values())
    assert truth.known
    assert set(test.query_identities) <= set(test.gallery_identities)
    assert not set(truth.identities) & set(test.query_identities)


def test_the_lists_of_msmt17_are_held_to_its_rule(tmp_path):
    draw_folder(LAYOUTS["msmt17"], tmp_path)
    with (tmp_path / "list_val.txt").open("a") as file:
        file.write("0001/gone_000_01_0303.jpg 1\nnonsense\n0000/short.jpg 0\n")
    with pytest.raises(InputError) as raised:
        READERS["msmt17"].read(tmp_path)
    for problem in ("gone_000_01_0303.jpg: listed but not there", "list_val.txt, line 3", "short.jpg: the third field"):
        assert problem in str(raised.value)
