import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whosame.atomic import writing
from whosame.data.manifest import SCHEMA, UNKNOWN, Manifest, as_table, split
from whosame.errors import StorageError

ROWS = [
    # path, split, camera, identity, height, width, digest, name, encounter, view
    ("a/1.jpg", "train", 1, 7, 128, 64, "d1", "", -1, ""),
    ("a/2.jpg", "query", 2, 8, 128, 64, "d2", "", -1, ""),
    ("a/3.jpg", "train", -1, None, 100, 50, "d3", "", -1, ""),
    ("b/1.jpg", "gallery", 3, -1, 128, 64, "d4", "", -1, ""),
    ("b/2.jpg", "gallery", 3, 0, 128, 64, "d5", "", -1, ""),
    ("b/3.jpg", "gallery", 3, None, 128, 64, "d6", "", -1, ""),
]


def make(rows=ROWS, root="images", notes=("a note",)):
    columns = [list(column) for column in zip(*rows, strict=True)]
    table = as_table(pa.table(dict(zip(SCHEMA.names, columns, strict=True)), schema=SCHEMA))
    return Manifest(root, "tiny", table, notes)


def test_split_shows_the_training_set_without_identities():
    train, truth, test = split(make())
    np.testing.assert_array_equal(train.image_ids, [0, 2])
    np.testing.assert_array_equal(train.cameras, [1, -1])
    assert train.digests == ("d1", "d3")
    assert not any("identit" in name for name in vars(train))
    np.testing.assert_array_equal(truth.identities, [7, UNKNOWN])
    assert not truth.known
    np.testing.assert_array_equal(test.query_ids, [1])
    np.testing.assert_array_equal(test.query_identities, [8])


def test_cameras_of_training_images_can_be_left_out():
    known, hidden = split(make([*ROWS])), split(make([*ROWS]), use_cameras=False)
    np.testing.assert_array_equal(hidden[0].cameras, [-1, -1])
    assert hidden[0].cameras.dtype == np.int64
    np.testing.assert_array_equal(hidden[2].gallery_cameras, known[2].gallery_cameras)


def test_unknown_test_images_are_left_out_while_junk_and_distractors_stay():
    test = split(make())[2]
    np.testing.assert_array_equal(test.gallery_ids, [3, 4])
    np.testing.assert_array_equal(test.gallery_identities, [-1, 0])
    np.testing.assert_array_equal(test.gallery_cameras, [3, 3])


def test_views_are_int64_and_may_be_empty():
    train, truth, test = split(make([ROWS[2]]))
    for array in (train.image_ids, train.cameras, truth.identities, *vars(test).values()):
        assert array.dtype == np.int64
    assert len(test.query_ids) == 0
    assert split(make([ROWS[0]]))[1].known


@pytest.mark.parametrize("column", range(10))
def test_digest_changes_with_what_a_row_says(column):
    other = list(ROWS[0])
    other[column] = {"path": "a/0.jpg", "split": "query", "digest": "dx", "name": "ann", "view": "left"}.get(
        SCHEMA.names[column], 5
    )
    assert make(root="elsewhere", notes=()).digest == make().digest
    same = SCHEMA.names[column] in ("height", "width", "name")  # follow from the bytes, and from the path
    assert (make([tuple(other), *ROWS[1:]]).digest == make().digest) is same


def test_a_manifest_of_an_older_version_is_read(tmp_path):
    manifest = make()
    manifest.save(tmp_path / "new.parquet")
    stored = pq.read_table(tmp_path / "new.parquet")
    pq.write_table(stored.drop_columns(["name", "encounter", "view"]), tmp_path / "old.parquet")
    pd.testing.assert_frame_equal(Manifest.load(tmp_path / "old.parquet").table, manifest.table)


def test_a_missing_or_foreign_file_is_named(tmp_path):
    with pytest.raises(StorageError, match=r"nothing\.parquet"):
        Manifest.load(tmp_path / "nothing.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(StorageError, match="index again"):
        Manifest.load(tmp_path / "text.parquet")


def test_writing_leaves_the_earlier_file_when_it_fails(tmp_path):
    path = tmp_path / "deep" / "file"
    with writing(path) as file:
        file.write(b"earlier")

    def stop_halfway():
        with writing(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_halfway()
    assert path.read_bytes() == b"earlier"
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_writing_overwrites_what_a_killed_writer_left(tmp_path):
    (tmp_path / "file.partial").write_bytes(b"a longer leftover of a killed process")
    with writing(tmp_path / "file") as file:
        file.write(b"whole")
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_a_disk_that_cannot_be_written_is_a_storage_error(tmp_path):
    (tmp_path / "no folder").write_text("")
    with pytest.raises(StorageError, match="cannot write"), writing(tmp_path / "no folder" / "file"):
        pass
