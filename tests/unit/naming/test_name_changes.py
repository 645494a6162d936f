"""Names that last: every change has a cause, images without one keep their name, people's names are theirs alone."""

import csv

import numpy as np
import pytest

from whosame.errors import InputError, StorageError
from whosame.memory import LabelMemory
from whosame.naming.identity_names import name_identities
from whosame.naming.identity_table import IdentityRow
from whosame.naming.name_changes import NameChange, causes, stay
from whosame.naming.name_history import HISTORY, record, renamed
from whosame.naming.names_before import NamesBefore
from whosame.naming.written_names import WRITTEN, check_names, keep_written, read_before, read_written


def before(names, asked=()):
    return NamesBefore([*names], [""] * len(names), np.isin(np.arange(len(names)), asked))


def found(names, earlier, looks=0.0, memory=None, asked=()):
    sure = np.full(len(names), looks) if np.isscalar(looks) else np.array(looks)
    return causes([*names], before(earlier, asked), sure, memory or LabelMemory(), 0.5)


def test_an_identity_that_joins_another_and_one_that_divides_are_recorded():
    assert found("AAAA", "AABB") == ["", "", "merge", "merge"]
    assert found("AACC", "AAAA") == ["", "", "split", "split"]


def test_moves_need_to_be_probable_and_answers_are_causes_of_their_own():
    assert found("ABBAB", "AABAB", [0.0, 0.6, 0, 0, 0]) == ["", "moved", "", "", ""]
    assert found("ABBAB", "AABAB", 0.4) == ["", "none", "", "", ""]
    assert found(["A", "", "A"], "AAA", [0, 0.9, 0]) == ["", "left", ""]
    assert found("ABBAB", "AABAB", asked=[1]) == ["", "answer", "", "", ""]
    memory = LabelMemory()
    memory.add(1, 2, same=True)
    assert found("ABBAB", "AABAB", memory=memory, asked=[2])[1] == "answer"  # about one that it is joined to
    memory = LabelMemory()
    memory.add(0, 1, same=False)
    assert found("ABBAB", "AABAB", memory=memory)[1] == "answer"  # it keeps them apart


def test_an_image_without_a_cause_stays_and_answers_hold():
    labels, earlier = np.array([0, 1, 1, 0, 1, -1]), "AABABA"
    names = name_identities(labels, [str(row) for row in range(6)], before(earlier).by_row)
    assert names == ["A", "B", "B", "A", "B", ""]
    low, high = np.zeros(6), np.ones(6)
    kept = stay(labels, names, before(earlier), low, LabelMemory(), 0.5)
    assert kept.tolist() == [0, 0, 1, 0, 1, 0]
    assert stay(labels, names, before(earlier), high, LabelMemory(), 0.5).tolist() == labels.tolist()
    apart = LabelMemory()
    apart.add(0, 1, same=False)
    assert stay(labels, names, before(earlier), low, apart, 0.5).tolist() == [0, 1, 1, 0, 1, 0]
    joined = LabelMemory()
    joined.add(1, 2, same=True)
    assert stay(labels, names, before(earlier), low, joined, 0.5)[1] == 1  # with the image that answers join it to


@pytest.mark.parametrize("seed", range(20))
def test_no_answer_is_overruled_and_little_changes_without_a_cause(seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 6, 60)
    memory = LabelMemory()
    labels = np.unique(truth, return_inverse=True)[1]
    for a, b in rng.integers(0, 60, (40, 2)).tolist():
        if a != b:
            memory.add(a, b, same=bool(truth[a] == truth[b]))
    answered = memory.query_counts(60) > 0
    labels = np.where(~answered & (rng.random(60) < 0.3), rng.integers(-1, 6, 60), labels)  # obeys the answers
    labels[labels >= 0] = np.unique(labels[labels >= 0], return_inverse=True)[1]
    old = before([str(label) if rng.random() < 0.9 else "" for label in truth])
    names = name_identities(labels, [str(row) for row in range(60)], old.by_row)
    looks = rng.random(60)
    kept = stay(labels, names, old, looks, memory, 0.5)
    for a, b, verdict in memory.log:
        if verdict == "same":
            assert kept[a] == kept[b] >= 0
        else:
            assert kept[a] != kept[b] or kept[a] == -1
    names = name_identities(kept, [str(row) for row in range(60)], old.by_row)
    assert causes(names, old, looks, memory, 0.5).count("none") == 0


def rows(identities):
    return [IdentityRow(f"{row}.png", name, "clustered", 0.5, None, "") for row, name in enumerate(identities)]


def test_what_people_have_edited_is_told_from_what_was_written(tmp_path):
    assert read_written(tmp_path) == ({}, {})
    keep_written(tmp_path, rows(["1", "1", "2", "3", ""]), [0, 1, 1, 0, 0])
    written = read_written(tmp_path)
    assert written.names == {"0.png": "1", "1.png": "1", "2.png": "2", "3.png": "3", "4.png": ""}
    edited = written.names | {"0.png": "Bella", "1.png": "Bella"}
    check_names(written.names, edited)
    assert renamed(written.names, edited) == [
        NameChange("0.png", "1", "Bella", "renamed", 1.0),
        NameChange("1.png", "1", "Bella", "renamed", 1.0),
    ]
    check_names(written.names, edited | {"1.png": "2"})  # an image: the identity has its name still
    with pytest.raises(InputError, match="one name to two identities\n  'Bella': 1 and 3\n"):
        check_names(written.names, edited | {"3.png": "Bella"})
    memory = LabelMemory()
    memory.add(0, 1, same=True)
    memory.add(1, 2, same=False)
    read = read_before(tmp_path, [f"{row}.png" for row in range(6)], [""] * 6, memory)
    assert read.asked.tolist() == [True, True, False, False, False, False]
    assert read.names == [""] * 6  # there is no identities.csv
    (tmp_path / WRITTEN).write_text("damaged")
    with pytest.raises(StorageError, match="Delete it"):
        read_written(tmp_path)


def test_the_history_grows(tmp_path):
    record(tmp_path, [], 1, 10)
    record(tmp_path, [NameChange("=a.png", "1", "2", "merge", 0.25)], 2, 20)
    record(tmp_path, [], 3, 20)
    record(tmp_path, [NameChange("b.png", "2", "", "left", 0.75)], 4, 30)
    with (tmp_path / HISTORY).open(newline="") as file:
        history = list(csv.DictReader(file))
    assert [row["path"] for row in history] == ["'=a.png", "b.png"]
    assert history[1] == dict(round="4", answers="30", path="b.png", before="2", after="", cause="left", p="0.75")  # noqa: C408
