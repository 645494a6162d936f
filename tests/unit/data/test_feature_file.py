"""Features that were computed elsewhere: in any order by their paths, or in that of the images; what is wrong is named."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from whosame.data.feature_file import dimension_of, keep_features
from whosame.data.indexing import index_images
from whosame.data.manifest import Manifest
from whosame.data.source import SourceConfig
from whosame.errors import InputError

NAMES = ["b/2.png", "a.png", "c é.png"]


@pytest.fixture
def manifest(tmp_path):
    for number, name in enumerate(NAMES):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "images" / name)
    return index_images(SourceConfig(images=str(tmp_path / "images")), tmp_path / "cache")


@pytest.fixture
def vectors():
    return np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)


def kept(path, manifest, tmp_path):
    return np.load(keep_features(str(path), manifest, tmp_path / "kept.npy"))


def expected(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * 5**0.5).astype(np.float16)[:, :, None, None]


def test_an_array_is_in_the_order_of_the_images(manifest, vectors, tmp_path):
    np.save(tmp_path / "f.npy", vectors)
    assert dimension_of(str(tmp_path / "f.npy")) == 5
    np.testing.assert_array_equal(kept(tmp_path / "f.npy", manifest, tmp_path), expected(vectors))


def test_an_array_is_in_the_order_of_paths_when_images_were_added_behind_the_others(manifest, vectors, tmp_path):
    table = manifest.table.iloc[[1, 2, 0]].reset_index(drop=True)
    np.save(tmp_path / "f.npy", vectors)
    grown = Manifest(manifest.root, manifest.dataset, table, began=2)
    np.testing.assert_array_equal(kept(tmp_path / "f.npy", grown, tmp_path), expected(vectors[[1, 2, 0]]))


@pytest.mark.parametrize("lists", [True, False])
def test_a_table_is_matched_by_its_paths(manifest, vectors, tmp_path, lists):
    """NAMES[1] sorts first. A name in another form of Unicode is the same name; further images are passed over."""
    paths = [*NAMES[:2], "c e\u0301.png", "elsewhere.png"]
    rows = np.vstack([vectors, vectors[:1]])
    columns = {"embedding": list(rows)} if lists else {f"f{k}": rows[:, k] for k in range(5)}
    pd.DataFrame({"path": paths, "camera": 1} | columns).to_parquet(tmp_path / "f.parquet")
    assert dimension_of(str(tmp_path / "f.parquet")) == 5
    np.testing.assert_array_equal(kept(tmp_path / "f.parquet", manifest, tmp_path), expected(vectors[[1, 0, 2]]))


def test_features_that_cannot_be_used_are_named_all_at_once(manifest, vectors, tmp_path):
    vectors[0, 2], vectors[2] = np.nan, 0
    np.save(tmp_path / "f.npy", vectors)
    with pytest.raises(InputError, match=r"2 features cannot be used\n  a\.png: length nan\n  c é\.png: length 0"):
        kept(tmp_path / "f.npy", manifest, tmp_path)
    assert not (tmp_path / "kept.npy").exists()


def test_another_count_and_missing_paths_are_errors(manifest, vectors, tmp_path):
    np.save(tmp_path / "f.npy", vectors[:2])
    with pytest.raises(InputError, match="has 2 rows, and the folder 3 images"):
        kept(tmp_path / "f.npy", manifest, tmp_path)
    pd.DataFrame({"path": NAMES[:1], "f": list(vectors[:1])}).to_parquet(tmp_path / "f.parquet")
    with pytest.raises(InputError, match=r"no feature of 2 images\n  a\.png\n  c é\.png"):
        kept(tmp_path / "f.parquet", manifest, tmp_path)
    pd.DataFrame({"path": [*NAMES, "a.png"], "f": list(vectors[[0, 1, 2, 1]])}).to_parquet(tmp_path / "f.parquet")
    with pytest.raises(InputError, match=r"1 paths are there more than once\n  a\.png"):
        kept(tmp_path / "f.parquet", manifest, tmp_path)


def test_files_that_hold_no_features_are_errors(manifest, tmp_path):
    np.save(tmp_path / "int.npy", np.zeros((3, 5), np.int64))
    (tmp_path / "broken.npy").write_bytes(b"nothing")
    pd.DataFrame({"name": NAMES, "f": [[0.1]] * 3}).to_parquet(tmp_path / "nameless.parquet")
    pd.DataFrame({"path": NAMES, "f": [[0.1], [0.1, 0.2], [0.1]]}).to_parquet(tmp_path / "ragged.parquet")
    for name, message in (
        ("int.npy", r"holds int64 \[3, 5\]"),
        ("broken.npy", "cannot be read"),
        ("nameless.parquet", "has the columns name, f; it takes path"),
        ("absent.npy", "is not a file"),
        ("f.csv", r"takes a file \.npy or \.parquet"),
    ):
        with pytest.raises(InputError, match=message):
            dimension_of(str(tmp_path / name))
    with pytest.raises(InputError, match="differ in length"):
        kept(tmp_path / "ragged.parquet", manifest, tmp_path)
