"""The state of a review: the identities of the table as the answers since then leave them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, select

from whosame.annotation.queue.voting import decisions
from whosame.annotation.review.table import NONE, ReviewedTable, Rows
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, review_undos, reviews, undos
from whosame.annotation.store.store import COLUMNS, AnswerEvent
from whosame.memory import LabelMemory

Newest = tuple[int, ...]  # ids of the newest answer, undo, review, and undo of a review: they change with the state


@dataclass(frozen=True)
class ReviewEvent:
    """One review that was not undone."""

    id: int
    form: str
    image: int
    name: str | None
    annotator: str
    session: str
    reviewed_at: str


REVIEW = [reviews.c[field.name] for field in fields(ReviewEvent)]


@dataclass(frozen=True, eq=False)
class ReviewState:
    """All that is known of the identities of a run at one time.

    Attributes
    ----------
    table : ReviewedTable
    events : sequence of AnswerEvent
        All answers of the run that are not undone, in the order given.
    reviews : sequence of ReviewEvent
        In the order given.
    newest : tuple of int
    """

    table: ReviewedTable
    events: Sequence[AnswerEvent]
    reviews: Sequence[ReviewEvent]
    newest: Newest
    before: LabelMemory | None = None  # of the first events, where the others are about other pairs
    taken: int = 0  # events in it

    @cached_property
    def memory(self) -> LabelMemory:
        """The answers by rows of the table."""
        if self.before is not None:
            memory = self.before.copy()
            for event in self.events[self.taken :]:
                one, other = self.table.row(event.image_a), self.table.row(event.image_b)
                if one is not None and other is not None and event.verdict != "unsure":
                    memory.add(one, other, event.verdict == "same")
            return memory
        memory = LabelMemory()
        for (a, b, _), decision in decisions(self.events, self.table.overlap).items():
            one, other = self.table.row(a), self.table.row(b)
            if one is not None and other is not None and decision.verdict != "unsure":
                memory.add(one, other, decision.verdict == "same")
        return memory

    @cached_property
    def roots(self) -> Rows:
        """The must-link component of each row, by its smallest row, int64 [N]."""
        return self.memory.must_link_roots(len(self.table.labels))

    @cached_property
    def labels(self) -> Rows:
        """The identity of each row now, int64 [N]: the smallest number of those that answers join; -1: of none."""
        labels = self.table.labels.copy()
        apart_rows: list[int] = []
        several = np.bincount(self.roots, minlength=len(labels)) > 1
        apart = np.flatnonzero(np.isin(self.roots, np.unique(self.memory.cannot_links())))
        cores: dict[int, int] = {}
        for row in apart[labels[apart] != NONE].tolist():
            label = int(labels[row])
            core = cores.get(label)
            if core is None:
                core = cores[label] = self._reference(self._first[label])
            if self.memory.implied(core, row) is False:
                apart_rows.append(row)
        labels[apart_rows] = NONE
        parent = list(range(len(self.table.names)))

        def find(label: int) -> int:
            while parent[label] != label:
                label = parent[label]
            return label

        joined: dict[int, int] = {}
        linked = np.flatnonzero(several[self.roots])
        for row in linked[labels[linked] != NONE].tolist():
            one, other = sorted(
                (find(joined.setdefault(int(self.roots[row]), int(labels[row]))), find(int(labels[row])))
            )
            parent[other] = one
        for row in linked[labels[linked] == NONE].tolist():
            labels[row] = joined.get(int(self.roots[row]), NONE)
        merged = np.array([find(label) for label in range(len(parent))] + [NONE], np.int64)
        now: Rows = merged[labels]
        return now

    @cached_property
    def members(self) -> Mapping[int, Rows]:
        """The rows of each identity now."""
        return _members(self.labels)

    @cached_property
    def _first(self) -> Mapping[int, Rows]:
        """The rows of each identity in the table."""
        return _members(self.table.labels)

    @cached_property
    def names(self) -> Mapping[int, str]:
        """The name of each identity now: the last that a person gave, else that of the table."""
        names = {label: self.table.names[label] for label in self.members}
        for review in self.reviews:
            row = self.table.row(review.image) if review.form == "name" else None
            new = review.id > self.table.last_review
            if new and row is not None and review.name and self.labels[row] != NONE:
                names[int(self.labels[row])] = review.name
        return names

    @cached_property
    def order(self) -> list[int]:
        """The identities, the most doubtful first: of contradictory answers, then by the smallest p of an image."""
        doubt = np.full(len(self.table.names) + 1, np.inf)
        open_rows = np.flatnonzero(~self.table.answered & (self.roots == np.arange(len(self.roots))))
        np.minimum.at(doubt, self.labels[open_rows], self.table.p[open_rows])
        for a, b, _ in self.memory.conflicts:
            doubt[[self.labels[a], self.labels[b]]] = -1
        return sorted(self.members, key=lambda label: (doubt[label], label))

    @cached_property
    def reviewed(self) -> set[int]:
        """The identities that somebody has looked through since the table was written."""
        found = set()
        for review in self.reviews:
            row = self.table.row(review.image)
            if review.form == "tick" and review.id > self.table.last_review and row is not None:
                found.add(int(self.labels[row]))
        return found - {NONE}

    def reference(self, label: int) -> int:
        """Return the row that others are compared with: the most central of the most that answers join."""
        return self._reference(self.members[label])

    def version(self, label: int) -> str:
        """Return what changes when the identity does: its table, images, answers or name."""
        rows = self.members[label]
        parts = (self.table.digest, rows.tobytes(), self.roots[rows].tobytes(), self.names[label])
        return blake2b(repr(parts).encode(), digest_size=8).hexdigest()

    def last_change(self, label: int) -> AnswerEvent | None:
        """Return the newest answer about an image of the identity."""
        images = set(self.table.image_ids[self.members[label]].tolist())
        return next((event for event in reversed(self.events) if {event.image_a, event.image_b} & images), None)

    def _reference(self, rows: Rows) -> int:
        _, component, size = np.unique(self.roots[rows], return_inverse=True, return_counts=True)
        best = np.lexsort((rows, -self.table.closeness[rows], -size[component]))
        return int(rows[best[0]])


def read_state(connection: Connection, table: ReviewedTable, before: ReviewState | None = None) -> ReviewState:
    """Return the state of a run's identities; ``before``, where nothing has changed since."""
    of = answer_events.c
    newest = (
        _largest(connection, of.id, of.run_uid == table.run_uid),
        _largest(connection, undos.c.id),
        _largest(connection, reviews.c.id, reviews.c.run_uid == table.run_uid),
        _largest(connection, review_undos.c.id),
    )
    if before is not None and before.newest == newest and before.table is table:
        return before
    query = select(*COLUMNS).where(of.run_uid == table.run_uid, NOT_UNDONE).order_by(of.id)
    if before is not None and before.newest[1] == newest[1] and before.table is table:  # nothing was undone
        new = [AnswerEvent(*row) for row in connection.execute(query.where(of.id > before.newest[0]))]
        events = [*before.events, *new]
        pairs = {(event.image_a, event.image_b) for event in before.events}
        fresh = {(event.image_a, event.image_b) for event in new}
        if table.overlap == 1 and len(fresh) == len(new) and not fresh & pairs:  # each decides its pair
            about = (read_reviews(connection, table.run_uid), newest, before.memory, len(before.events))
            return ReviewState(table, events, *about)
    else:
        events = [AnswerEvent(*row) for row in connection.execute(query)]
    return ReviewState(table, events, read_reviews(connection, table.run_uid), newest)


def read_reviews(connection: Connection, run_uid: str) -> list[ReviewEvent]:
    """Return the reviews of a run that were not undone, in the order given."""
    undone = select(review_undos.c.review_id)
    query = select(*REVIEW).where(reviews.c.run_uid == run_uid, reviews.c.id.not_in(undone)).order_by(reviews.c.id)
    return [ReviewEvent(*row) for row in connection.execute(query)]


def whose(events: Sequence[AnswerEvent]) -> Mapping[tuple[int, int], list[AnswerEvent]]:
    """Return the answers to each pair of images."""
    found: dict[tuple[int, int], list[AnswerEvent]] = defaultdict(list)
    for event in events:
        found[event.image_a, event.image_b].append(event)
    return found


def _members(labels: Rows) -> Mapping[int, Rows]:
    order = np.argsort(labels, kind="stable")
    found, begin = np.unique(labels[order], return_index=True)
    parts = np.split(order, begin[1:])
    return {label: part for label, part in zip(found.tolist(), parts, strict=True) if label != NONE}


def _largest(connection: Connection, column: Any, *where: Any) -> int:
    return int(connection.scalar(select(func.max(column)).where(*where)) or 0)
