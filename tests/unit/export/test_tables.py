"""Tables for other programs, and names back from them; folders of identities."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from whosame.errors import InputError, StorageError
from whosame.export.identity_folders import folder_names, write_folders
from whosame.export.tables import fiftyone_csv, names_parquet, read_names, wildlife_csv
from whosame.naming.identity_table import IdentityRow
from whosame.search.calibration import NOT_CALIBRATED
from whosame.search.gallery import Gallery, ImageForm

ROWS = [
    IdentityRow("a/1.png", "Bella", "answered", 1.0, 2, ""),
    IdentityRow("a/2.png", "=7", "clustered", 0.25, None, "3"),
    IdentityRow("b/3.png", "", "outlier", 0.5, 2, ""),
]


@pytest.fixture
def gallery(tmp_path):
    paths = [*(row.path for row in ROWS), "test.png"]
    return Gallery(
        vectors=np.eye(4, dtype=np.float32),
        paths=paths,
        splits=["train"] * 3 + ["query"],
        cameras=np.array([2, -1, 2, 0]),
        identities=[row.identity for row in ROWS] + [""],
        known=[row.known for row in ROWS] + [""],
        p=np.array([1, 0.25, 0.5, np.nan]),
        individuals=np.arange(4),
        root=str(tmp_path),
        run="mine",
        code="0",
        round=0,
        answers=1,
        form=ImageForm(8, 8, "bilinear", letterbox=False, invert=False, features=0),
        calibration=NOT_CALIBRATED,
    )


def table(content):
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_a_wildlife_table_has_its_columns_and_comes_back(gallery, tmp_path):
    content = wildlife_csv(gallery)
    frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)
    assert list(frame.columns) == ["image_id", "identity", "path", "split", "camera"]
    assert frame["image_id"].is_unique
    assert frame["identity"].tolist() == ["Bella", "'=7", "unknown", "unknown"]
    assert frame["split"].tolist() == ["train"] * 3 + ["test"]
    assert read_names(content, tmp_path, gallery.paths) == {"a/1.png": "Bella", "a/2.png": "=7"}


def test_a_fiftyone_table_has_file_paths_and_comes_back(gallery, tmp_path):
    content = fiftyone_csv(gallery)
    assert [row["filepath"] for row in table(content)] == [str(tmp_path / path) for path in gallery.paths]
    assert [row["p"] for row in table(content)] == ["1.000", "0.250", "0.500", ""]
    assert read_names(content, tmp_path, gallery.paths) == {"a/1.png": "Bella", "a/2.png": "=7"}
    exported = f"filepath,label\n{tmp_path}/a/1.png,Max\n/elsewhere/x.png,Moritz\n".encode()
    assert read_names(exported, tmp_path, gallery.paths) == {"a/1.png": "Max"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"path,name\n", "not path, name"),
        (b"path,identity\na/1.png,x\na/1.png,y\n", "images with two names\n  a/1.png: x and y"),
        (b"path,identity\nother.png,x\n", "no row of the table"),
    ],
)
def test_tables_that_do_not_fit_are_errors(content, message, gallery, tmp_path):
    with pytest.raises(InputError, match=message):
        read_names(content, tmp_path, gallery.paths)


def test_the_parquet_table_has_the_columns_of_the_csv():
    frame = pd.read_parquet(io.BytesIO(names_parquet(ROWS)))
    assert list(frame.columns) == list(IdentityRow._fields)
    assert frame["identity"].tolist() == ["Bella", "=7", ""]
    assert frame["camera"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("how", ["links", "copies"])
def test_folders_hold_each_named_image_once(how, tmp_path):
    images, folder = tmp_path / "images", tmp_path / "identities"
    for row in ROWS:
        (images / row.path).parent.mkdir(parents=True, exist_ok=True)
        (images / row.path).write_text(row.path)
    (folder / "old").mkdir(parents=True)
    assert write_folders(ROWS, images, folder, how) == 2
    assert {path.relative_to(folder).as_posix(): path.read_text() for path in folder.glob("*/*")} == {
        "Bella/a__1.png": "a/1.png",
        "=7/a__2.png": "a/2.png",
    }
    assert all(path.is_symlink() == (how == "links") for path in folder.glob("*/*"))
    (images / "a" / "1.png").unlink()
    if how == "copies":
        with pytest.raises(StorageError, match="folders of identities cannot be written"):
            write_folders(ROWS, images, folder, how)


def test_names_that_no_file_may_have_get_folders_of_their_own():
    found = folder_names(["a/b", "A:b", "a_b-2", "..", "", "7"])
    assert len({name.lower() for name in found.values()}) == 6
    assert all("/" not in name and name.strip(".") for name in found.values())
