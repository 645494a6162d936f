"""The table of identities: names that last, what a spreadsheet gets, the answers of a round that is being played."""

import csv
import io

import numpy as np
import pandas as pd
import pytest

from whosame.annotation.store.store import AnswerEvent
from whosame.data.manifest import Manifest
from whosame.errors import InputError
from whosame.memory import LabelMemory
from whosame.naming.collect_answers import add_open_round
from whosame.naming.identify import Identified
from whosame.naming.identity_names import name_identities
from whosame.naming.identity_table import identity_rows, read_identities, write_identities
from whosame.naming.summary import NamingSummary

PATHS = ["=1+1.jpg", "b, b.jpg", "ü.jpg", "d.jpg", "e.jpg"]


def manifest(root):
    train = pd.DataFrame({"path": [*PATHS, "q.jpg"], "split": ["train"] * 5 + ["query"], "camera": [3, -1, 1, 2, 2, 2]})
    return Manifest(root, "folder", train)


def rows(root, labels, earlier):
    known = np.array(["answered", "answered", "clustered", "assigned", "outlier"])
    return identity_rows(manifest(root), Identified(np.array(labels), known, np.linspace(1, 0.2, 5)), earlier)


def test_a_table_is_read_as_it_was_written_and_says_what_is_new(tmp_path):
    file = tmp_path / "identities.csv"
    assert read_identities(file) == {}
    file.write_bytes(write_identities(rows(tmp_path, [0, 0, 1, 1, -1], {})))
    assert read_identities(file) == dict(zip(PATHS, ["1", "1", "2", "2", ""], strict=True))
    table = list(csv.DictReader(io.StringIO(file.read_text())))
    assert table[0] == dict(path="'=1+1.jpg", identity="1", known="answered", p="1.0", camera="3", before="")  # noqa: C408
    assert [row["camera"] for row in table] == ["3", "", "1", "2", "2"]
    later = rows(tmp_path, [0, 0, 0, 1, 1], read_identities(file))
    assert [(row.identity, row.before) for row in later] == [("1", ""), ("1", ""), ("1", "2"), ("2", ""), ("2", "")]
    summary = NamingSummary(later, {}, file, [file.with_suffix(".html")]).text()
    assert "5 images, 2 identities: 2 answered, 1 clustered, 1 assigned, 1 outlier\n1 images had another" in summary


def test_a_table_that_is_none_is_named(tmp_path):
    file = tmp_path / "identities.csv"
    file.write_text("image,label\na,b\n")
    with pytest.raises(InputError, match=r"identities\.csv is no table of identities"):
        read_identities(file)


def test_identities_keep_their_names_and_a_number_is_used_once():
    earlier = {"a": "1", "b": "1", "c": "1", "d": "Anna", "e": "7", "f": ""}
    found = name_identities(np.array([0, 1, 1, 2, -1, 3, 3, 2]), list("abcdefgh"), earlier)
    assert found == ["8", "1", "1", "Anna", "", "9", "9", "Anna"]


def event(a, b, verdict, annotator="ann", attempt=1, settles=False):
    return AnswerEvent(
        "uid", "mine", 2, a, b, "", "", "between", verdict, "human", annotator, 1.0, attempt, settles=settles
    )


def test_answers_of_the_open_round_count_once_they_are_decided():
    before = LabelMemory()
    before.add(0, 1, same=True)
    image_ids = np.array([10, 20, 30, 40])
    events = [
        event(20, 30, "same"),
        event(30, 40, "unsure"),
        event(10, 40, "same"),
        event(10, 40, "different", attempt=2),
    ]
    memory = add_open_round(before, events, image_ids, overlap=1)
    assert memory.log == [(0, 1, "same"), (1, 2, "same"), (2, 3, "unsure"), (0, 3, "same")]
    assert len(before.log) == 1
    assert add_open_round(before, events, image_ids, overlap=2).log == before.log
    both = [event(20, 30, "same"), event(20, 30, "different", "bob"), event(20, 30, "different", "cy")]
    assert add_open_round(before, both[:2], image_ids, overlap=2).log == before.log
    assert add_open_round(before, both, image_ids, overlap=2).log[1:] == [(1, 2, "different")]


def test_names_of_a_catalogue_are_fixed_and_no_other_identity_has_them():
    earlier = {"a": "1", "b": "1", "c": "Tom", "d": "Tom"}
    found = name_identities(np.array([0, 0, 1, 1, -1, 2]), list("abcdef"), earlier, ["", "Tom", "", "", "40", ""])
    assert found == ["Tom", "Tom", "41", "41", "40", "42"]
