import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from whosame.data.manifest import SCHEMA, SPLITS, Manifest, as_table, split

row = st.tuples(
    st.sampled_from(SPLITS),
    st.integers(-1, 20),
    st.none() | st.integers(-1, 2**40),
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.text("0123456789abcdef", min_size=32, max_size=32),
    st.text(max_size=3),
    st.integers(-1, 9),
    st.sampled_from(["", "left"]),
)
path = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1)


@settings(max_examples=40, deadline=None)
@given(rows=st.dictionaries(path, row, min_size=1, max_size=8), notes=st.lists(st.text(max_size=9), max_size=3))
def test_what_is_saved_is_loaded(rows, notes):
    columns = zip(*((name, *rest) for name, rest in sorted(rows.items())), strict=True)
    table = as_table(pa.table(dict(zip(SCHEMA.names, map(list, columns), strict=True)), schema=SCHEMA))
    manifest = Manifest(Path("/images"), "tiny", table, tuple(notes))
    with tempfile.TemporaryDirectory() as folder:
        manifest.save(Path(folder) / "manifest.parquet")
        loaded = Manifest.load(Path(folder) / "manifest.parquet")
    pd.testing.assert_frame_equal(loaded.table, manifest.table)
    assert (loaded.root, loaded.dataset, loaded.notes) == (manifest.root, manifest.dataset, manifest.notes)
    assert loaded.digest == manifest.digest
    train, truth, _ = split(loaded)
    assert len(train) == len(truth.identities) == sum(each[0] == "train" for each in rows.values())
    assert sorted(train.image_ids) == list(train.image_ids)
