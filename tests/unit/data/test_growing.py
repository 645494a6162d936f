"""A folder that grows: what a run knows keeps its ids and numbers, new images come behind, changed ones are named."""

import numpy as np
import pytest
from PIL import Image

from whosame.data.fitting import fitted
from whosame.data.growing import extended
from whosame.data.indexing import index_images
from whosame.data.manifest import Manifest
from whosame.data.pixels import PixelsConfig
from whosame.data.source import SourceConfig
from whosame.errors import InputError

PATTERN = r"(?P<identity>\w+)_(?P<camera>[a-z]+)_"


@pytest.fixture
def folder(tmp_path):
    """Return a function that draws images of such names, each unlike the others, and returns the folder's manifest."""
    count = iter(range(1000))

    def add(*names, size=(8, 16)):
        (tmp_path / "images").mkdir(exist_ok=True)
        for name in names:
            Image.new("RGB", size, (next(count), 0, 0)).save(tmp_path / "images" / f"{name}.png")
        source = {"images": str(tmp_path / "images"), "folder": {"pattern": PATTERN, "test_fraction": 0.5, "seed": 3}}
        return index_images(SourceConfig(**source), tmp_path / "cache")

    return add


def column(manifest, name):
    table = manifest.table.dropna(subset="identity")
    return dict(zip(table["path"], table[name], strict=True))


def test_ids_numbers_and_splits_stay_and_new_images_come_behind(folder):
    known = folder("bo_yard_1", "bo_hall_2", "cy_yard_1", "cy_hall_2", "di_hall_1", "ed_yard_1")
    assert set(known.table["split"]) == {"train", "gallery", "query"}
    found = folder("al_attic_1", "bo_attic_3", "cy_yard_0", "zoe_hall_1")
    grown = extended(known, found, drawn=True)
    assert grown.table[:6].equals(known.table)
    assert list(grown.table["path"][6:]) == ["al_attic_1.png", "bo_attic_3.png", "cy_yard_0.png", "zoe_hall_1.png"]
    identity, camera, split = (column(grown, name) for name in ("identity", "camera", "split"))
    assert identity["bo_attic_3.png"] == identity["bo_yard_1.png"]
    assert identity["cy_yard_0.png"] == identity["cy_yard_1.png"]
    assert {identity["al_attic_1.png"], identity["zoe_hall_1.png"]} == {5, 6}
    assert camera["al_attic_1.png"] == camera["bo_attic_3.png"] == 3
    assert camera["cy_yard_0.png"] == camera["cy_yard_1.png"]
    for name in ("bo", "cy"):
        before, late = split[f"{name}_yard_1.png"], split[{"bo": "bo_attic_3.png", "cy": "cy_yard_0.png"}[name]]
        assert (before == "train") == (late == "train")
    assert split["al_attic_1.png"] == split["zoe_hall_1.png"] == "train"
    assert grown.first(6).digest == known.digest


def test_it_may_grow_more_than_once_and_is_kept_in_a_file(folder, tmp_path):
    known = folder("bo_yard_1", "bo_yard_2", size=(8, 16))
    once = extended(known, folder("cy_yard_1", "cy_yard_2", "cy_yard_3", size=(32, 8)), drawn=True)
    once.save(tmp_path / "images.parquet")
    again = extended(Manifest.load(tmp_path / "images.parquet"), folder("al_yard_1"), drawn=True)
    assert (again.began, len(again)) == (2, 6)
    np.testing.assert_array_equal(again.table["path"][:5], once.table["path"])
    same = extended(again, folder(), drawn=True)
    assert (same.digest, same.began) == (again.digest, 2)
    free = PixelsConfig(height=None, width=None, area=1024)
    assert fitted(free, again).size == fitted(free, known).size  # of the images that the run began with


def test_images_that_are_gone_or_other_ones_are_named(folder, tmp_path):
    known = folder("bo_yard_1", "cy_yard_1", "di_yard_1")
    (tmp_path / "images" / "bo_yard_1.png").unlink()
    with pytest.raises(
        InputError, match=r"2 images of the run have changed\n  bo_yard_1.png: gone\n  di_.*: other bytes"
    ):
        extended(known, folder("di_yard_1"), drawn=True)


def test_an_identity_that_is_another_one_now_is_named(folder):
    known = folder("bo_yard_1", "bo_yard_2", "cy_yard_1")
    found = folder("di_yard_1")
    table = found.table.assign(identity=[1, 2, 2, 3])
    with pytest.raises(InputError, match=r"the identity of images of the run is another one.*\n  cy_yard_1.png"):
        extended(known, Manifest(found.root, found.dataset, table.astype(found.table.dtypes.to_dict())), drawn=True)
