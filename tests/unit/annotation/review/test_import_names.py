"""Names from another program: what a table says otherwise becomes answers, few of them, that hold and can be undone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.annotation.review.test_reviews import LABELS, table_of

from whosame.annotation.exchange.undo_answers import Chosen, undo_answers
from whosame.annotation.review.import_names import import_names, stated_by
from whosame.annotation.review.names import TakenError
from whosame.annotation.review.read_state import read_state
from whosame.annotation.review.state import state_of
from whosame.annotation.review.undo import last_review, undo_review
from whosame.errors import InputError
from whosame.memory import LabelMemory


@pytest.fixture
def take(store):
    """Import names by row; return what was done and the state after it."""
    table = table_of()

    def take_(names, annotator="carol"):
        with store.writing() as connection:
            done = import_names(connection, read_state(connection, table), 2, names, annotator, "import-1")
        with store.reading() as connection:
            return done, read_state(connection, table)

    return take_


def test_the_same_names_say_nothing_new(take, store):
    done, _ = take({row: "abc"[label] for row, label in enumerate(LABELS) if label >= 0})
    assert (done.images, done.answers, done.named) == (9, 0, 0)
    assert list(store.answers("uid")) == []


def test_an_image_moves_an_outlier_joins_two_become_one_and_one_gets_a_name(take, store):
    names = {0: "a", 1: "a", 2: "a", 3: "Bella", 4: "Bella", 5: "Bella", 6: "Bella", 7: "Bella", 9: "a"}
    done, state = take(names)
    assert (done.answers, done.named) == (4, 1)  # 3 leaves a and joins b, c joins b, 9 joins a; b is named
    assert state.members[0].tolist() == [0, 1, 2, 9]
    assert state.members[1].tolist() == [3, 4, 5, 6, 7, 8]  # nothing was said of 8: it stays with 7
    assert [state.names[label] for label in (0, 1)] == ["a", "Bella"]
    assert {answer.annotator for answer in store.answers("uid")} == {"carol"}
    again, _ = take(names)
    assert (again.answers, again.named) == (0, 0)
    assert undo_answers(store, Chosen(import_uid="import-2")) == 0
    assert undo_answers(store, Chosen(import_uid="import-1")) == 5
    done, state = take(names)
    assert (done.answers, done.named) == (4, 1)  # as if it had not been
    for _ in range(2):  # the name, and the answers
        with store.writing() as connection:
            undo_review(connection, last_review(connection, "uid", "carol"), "carol", set(), now=1_900_000_000.0)
    assert list(store.answers("uid")) == []


def test_what_contradicts_an_answer_is_named_and_nothing_is_stored(take, store):
    take({0: "a", 4: "a"})
    with pytest.raises(InputError, match=r"0\.png \(a\) and 4\.png \(b\) would be two, against answers of carol"):
        take({0: "a", 1: "a", 4: "b", 9: "a"}, "dora")
    assert len(list(store.answers("uid"))) == 1
    with pytest.raises(TakenError, match="c is the name of another identity"):
        take({9: "a", 0: "c", 1: "c", 2: "c", 3: "c"}, "dora")
    assert len(list(store.answers("uid"))) == 1


@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(st.integers(-1, 4), min_size=2, max_size=14).filter(lambda found: max(found) >= 0),
    data=st.data(),
)
def test_afterwards_the_answers_imply_what_the_names_say_of_moved_images(labels, data):
    """Statements contradict neither the names nor each other, and take each named image to where its name is."""
    n = len(labels)
    dense = np.unique([-1, *labels], return_inverse=True)[1][1:] - 1
    names = data.draw(st.dictionaries(st.integers(0, n - 1), st.sampled_from(["p", "q", "r"]), min_size=1))
    state = state_of(replace(table_of(dense), answered=np.zeros(n, bool)), [], [], (0, 0, 0, 0))
    statements, references = stated_by(state, names)
    memory = LabelMemory()
    for one, other, same in statements:
        assert same == (names[one] == names[other])
        memory.add(one, other, same)
    assert not memory.conflicts
    for row, name in names.items():
        together = memory.implied(row, references[name]) or row == references[name]
        at_home = dense[row] == dense[references[name]] != -1
        same_identity = any(
            dense[row] == dense[other] != -1 and memory.implied(other, references[name])
            for other in range(n)
            if names.get(other) == name
        )
        assert together or at_home or same_identity
        for other, another in names.items():
            if another != name and dense[row] == dense[other] != -1:
                parted = memory.implied(row, other) is False
                by_reference = any(
                    memory.implied(each, references[of]) is False for each, of in ((row, another), (other, name))
                )
                assert parted or by_reference
