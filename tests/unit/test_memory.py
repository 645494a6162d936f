"""The label memory keeps what was said, closes it, and lets earlier answers stand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosame.memory import LabelMemory

ROWS = 9
rows = st.integers(0, ROWS - 1)
entries = st.lists(
    st.tuples(rows, rows, st.sampled_from(["same", "different", "unsure"])).filter(lambda entry: entry[0] != entry[1]),
    max_size=30,
)


def closure(accepted):
    """Return what accepted answers imply, as matrices [ROWS, ROWS] same and different, by brute force."""
    same = np.eye(ROWS, dtype=bool)
    different = np.zeros((ROWS, ROWS), bool)
    for a, b, verdict in accepted:
        relation = same if verdict == "same" else different
        relation[a, b] = relation[b, a] = True
    for _ in range(ROWS):
        same |= same @ same
    for _ in range(2):
        different |= same @ different | different @ same
    return same, different


@given(entries)
@settings(max_examples=400, deadline=None)
def test_every_answer_closes_as_brute_force_does(log):
    memory = LabelMemory()
    accepted, conflicts, skipped = [], [], set()
    for a, b, verdict in log:
        same, different = closure(accepted)
        if verdict == "unsure":
            memory.skip(a, b)
            skipped.add(frozenset((a, b)))
        else:
            if not same[a, b] and not different[a, b]:
                expected = "new"
                accepted.append((a, b, verdict))
            elif same[a, b] == (verdict == "same"):
                expected = "implied"
            else:
                expected = "conflict"
                conflicts.append((min(a, b), max(a, b), verdict == "same"))
            assert memory.add(a, b, verdict == "same") == expected
        same, different = closure(accepted)
        assert not (same & different).any()
        for i in range(ROWS):
            for j in range(ROWS):
                expected = True if same[i, j] else False if different[i, j] else None
                assert memory.implied(i, j) is expected
                assert memory.settled(i, j) == (expected is not None or frozenset((i, j)) in skipped)
    assert memory.conflicts == conflicts
    roots = memory.must_link_roots(ROWS)
    np.testing.assert_array_equal(roots, same.argmax(axis=1) if log else np.arange(ROWS))
    if log:
        pairs = {
            (min(roots[i], roots[j]), max(roots[i], roots[j])) for i, j in zip(*np.nonzero(different), strict=True)
        }
        assert memory.cannot_links().tolist() == [list(pair) for pair in sorted(pairs)]


@given(entries)
@settings(max_examples=100, deadline=None)
def test_the_log_rebuilds_the_memory(log):
    memory = LabelMemory()
    for a, b, verdict in log:
        memory.skip(a, b) if verdict == "unsure" else memory.add(a, b, verdict == "same")
    assert memory.log == [(min(a, b), max(a, b), verdict) for a, b, verdict in log]
    assert len(memory) == len(log)
    columns = [np.array(column) for column in zip(*memory.log, strict=True)] or [[], [], []]
    for twin in (LabelMemory.from_log(*columns), memory.copy()):
        assert twin.log == memory.log
        assert twin.conflicts == memory.conflicts
        np.testing.assert_array_equal(twin.must_link_roots(ROWS), memory.must_link_roots(ROWS))
        np.testing.assert_array_equal(twin.cannot_links(), memory.cannot_links())
        np.testing.assert_array_equal(twin.query_counts(ROWS), memory.query_counts(ROWS))
        assert [twin.settled(0, j) for j in range(1, ROWS)] == [memory.settled(0, j) for j in range(1, ROWS)]


def test_a_copy_is_independent():
    memory = LabelMemory.from_log([0, 2], [1, 3], ["different", "unsure"])
    twin = memory.copy()
    twin.add(1, 4, same=True)
    twin.add(0, 5, same=False)
    twin.skip(6, 7)
    assert memory.implied(0, 4) is None
    assert memory.implied(0, 5) is None
    assert not memory.settled(6, 7)
    assert len(memory) == 2


def test_shown_counts_every_answer():
    memory = LabelMemory.from_log([0, 0, 0], [1, 1, 2], ["same", "same", "unsure"])
    assert memory.query_counts(4).tolist() == [3, 2, 1, 0]
    assert memory.query_counts(4).dtype == np.int64


def test_an_empty_memory():
    memory = LabelMemory()
    assert memory.implied(3, 5) is None
    assert memory.implied(3, 3) is True
    assert memory.cannot_links().shape == (0, 2)
    assert memory.cannot_links().dtype == np.int64
    assert memory.must_link_roots(0).shape == (0,)
    assert memory.query_counts(2).tolist() == [0, 0]


@pytest.mark.parametrize("method", ["must_link_roots", "query_counts"])
def test_answers_about_missing_rows_are_named(method):
    memory = LabelMemory.from_log([0], [7], ["unsure"])
    with pytest.raises(ValueError, match="row 7, but there are only 7 rows"):
        getattr(memory, method)(7)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda memory: memory.add(1, 1, same=True), ValueError, "two different rows"),
        (lambda memory: memory.add(-1, 2, same=True), ValueError, "two different rows"),
        (lambda memory: memory.skip(1, 1), ValueError, "two different rows"),
        (lambda memory: memory.skip(-1, 2), ValueError, "two different rows"),
        (lambda memory: memory.add(0, 1, same="different"), TypeError, "call skip"),
        (lambda memory: memory.from_log([0], [1], ["yes"]), ValueError, "not 'yes'"),
    ],
)
def test_wrong_pairs_and_verdicts_are_refused(call, error, message):
    memory = LabelMemory()
    with pytest.raises(error, match=message):
        call(memory)
    assert len(memory) == 0


def test_long_chains_are_found_at_once():
    memory = LabelMemory()
    n = 20_000
    for row in range(n - 1, 0, -1):
        memory.add(row - 1, row, same=True)
    assert memory.implied(0, n - 1) is True
    assert (memory.must_link_roots(n) == 0).all()


def test_labels_decide_every_pair_of_labelled_images():
    labels = np.array([4, -1, 2, 4, 2, 7])
    memory = LabelMemory.from_labels(labels)
    for a in range(6):
        for b in range(6):
            known = None if a != b and -1 in labels[[a, b]] else bool(labels[a] == labels[b])
            assert memory.implied(a, b) == known
    assert len(LabelMemory.from_labels(np.full(3, -1))) == 0
