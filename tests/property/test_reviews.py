"""The promise, for reviews: whatever people do with identities, no answer is overruled, and undo restores all."""

import os
from collections import deque
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whosame.annotation.review.read_state import read_state
from whosame.annotation.review.record import ContradictionsError, Review, Reviewer, record_review
from whosame.annotation.review.state import state_after, state_of
from whosame.annotation.review.statements import merged, one_individual, ticked
from whosame.annotation.review.table import ReviewedTable
from whosame.annotation.review.undo import undo_review
from whosame.annotation.store.store import AnswerEvent, open_store
from whosame.questions import Known

N = 12
RUNS = count()
HISTORIES = int(os.environ.get("WHOSAME_HISTORIES", "40"))


@pytest.fixture(scope="module")
def shared_store(made_sqlite, tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('promise') / 'labels.db'}"
    with open_store(url) as store:
        yield store


def table_of(run_uid, labels, encounters, individuals):
    labels = np.array(labels)
    size = labels.max() + 1
    near = np.array([[other for other in range(size) if other != own] for own in range(size)]).reshape(size, size - 1)
    names = [f"{label}" for label in range(size)]
    paths, ids = [f"{row}" for row in range(N)], np.arange(N)
    numbers = np.linspace(0.9, 0.5, N)
    about = (run_uid, "mine", Path("/images"), 1, ids, paths, paths, names)
    varied = np.full((size, 1), -1)
    known = Known(np.append(individuals, -1)[encounters], np.array(encounters))
    found = (labels, numbers, np.zeros(N, bool), numbers.astype(np.float32), near, "d", 0, varied)
    return ReviewedTable(*about, *found, known if max(encounters) >= 0 else None)


def everything(state):
    arrays = (
        state.labels.tolist(),
        state.roots.tolist(),
        state.left.tolist(),
        state.memory.log,
        state.memory.conflicts,
    )
    members = {label: rows.tolist() for label, rows in state.members.items()}
    versions = {label: state.version(label) for label in state.members}
    given = {pair: list(events) for pair, events in state.given.items()}
    kept = [*state.memory.cannot_links().tolist()]
    return arrays, members, versions, given, kept, state.order, state.reviewed, state.names, state.events, state.reviews


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["tick", "one", "merge", "undo"]),
        st.integers(0, 99),
        st.sets(st.integers(0, N - 1), max_size=4),
        st.sampled_from(["ask", "leave", "keep"]),
    ),
    max_size=10,
)


TABLES = {
    "labels": st.lists(st.integers(0, 3), min_size=N, max_size=N),
    "encounters": st.lists(st.integers(-1, 5), min_size=N, max_size=N) | st.just([-1] * N),
    "individuals": st.lists(st.integers(-1, 2), min_size=6, max_size=6),
}
PAIRS = [(a, b) for a in range(N) for b in range(a + 1, N)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(**TABLES, pairs=st.lists(st.sampled_from(PAIRS), max_size=25), random=st.randoms(), overlap=st.integers(1, 2))
def test_a_state_after_more_answers_is_the_state_of_all(labels, encounters, individuals, pairs, random, overlap):
    table = table_of("uid", np.unique(labels, return_inverse=True)[1], encounters, individuals)
    table = replace(table, overlap=overlap)
    pairs = [*pairs, *random.sample(pairs, len(pairs) // 2)]
    verdicts = [random.choice(["same", "same", "different", "unsure"]) for _ in pairs]
    about = ("", "", "between")
    events = [
        AnswerEvent("uid", "mine", 0, a, b, *about, verdict, "human", f"annotator {nth}", 1.0)
        for nth, ((a, b), verdict) in enumerate(zip(pairs, verdicts, strict=True))
    ]
    state, given = state_of(table, [], [], (0,)), []
    while events:
        new = [events.pop(0) for _ in range(min(len(events), random.randint(1, 4)))]
        given += new
        state = state_after(state, new, [], (0,))
        assert everything(state) == everything(state_of(table, given, [], (0,)))


@settings(max_examples=HISTORIES, deadline=None, derandomize=True)
@given(**TABLES, actions=ACTIONS)
def test_no_answer_is_overruled_and_undo_restores_all(shared_store, labels, encounters, individuals, actions):
    numbered = np.unique(labels, return_inverse=True)[1]
    store, table = shared_store, table_of(f"run {next(RUNS)}", numbered, encounters, individuals)
    kept = deque(maxlen=3)  # as the page keeps them from one request to the next
    stack = []  # reviews, and the state before each
    for form, which, rows, contradictions in actions:
        with store.writing() as connection:
            state = read_state(connection, table, kept)
            kept.append(state)
            assert everything(state) == everything(read_state(connection, table))
            if form == "undo":
                if stack:
                    review, labels_before, answers_before = stack.pop()
                    undo_review(connection, review, "alice", set(), now=0.0)
                    state = read_state(connection, table)
                    assert state.labels.tolist() == labels_before
                    assert state.events == answers_before
                continue
            identity = sorted(state.members)[which % len(state.members)]
            reference, own = state.reference(identity), set(state.members[identity].tolist())
            inside = sorted((rows & own) - {reference})
            outside = [state.reference(label) for label in sorted(state.members) if label != identity]
            half = len(outside) // 2
            statements = {
                "tick": ticked(reference, inside),
                "one": one_individual(reference, inside),
                "merge": merged(reference, outside[:half], outside[half:]),
            }[form]
            person = Reviewer("alice", "session", 1.0)
            what = "merge" if form == "merge" else "tick"
            review = Review(what, identity, state.version(identity), reference, statements, person, contradictions)
            try:
                done = record_review(connection, state, 0, review)
            except ContradictionsError:
                assert read_state(connection, table).events == state.events
                continue
            stack.append((done.id, state.labels.tolist(), state.events))
            after = read_state(connection, table)
        assert list(after.events[: len(state.events)]) == list(state.events)
        for a, b, verdict in state.memory.log:  # what held before holds now
            assert after.memory.implied(a, b) == state.memory.implied(a, b), verdict
        for a, b, same in after.memory.conflicts:
            assert after.memory.implied(a, b) == (not same)
        for label, members in after.members.items():  # of no identity is an image that is parted from its reference
            reference = after.reference(label)
            assert all(after.memory.implied(reference, row) is not False for row in members.tolist())
        joined = after.memory.must_link_roots(N)
        assert all(len(set(after.labels[joined == root].tolist())) == 1 for root in joined.tolist())
