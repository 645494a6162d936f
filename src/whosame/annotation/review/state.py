"""The state of a review: the identities of the table as the answers since then leave them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from whosame.annotation.queue.voting import Vote, decide, decisions
from whosame.annotation.review.labels import labels_now, leave, members_after, members_of, most_central
from whosame.annotation.review.table import NONE, ReviewedTable, Rows
from whosame.annotation.store.store import AnswerEvent
from whosame.memory import LabelMemory
from whosame.questions import Verdict

Newest = tuple[int, ...]  # ids of the newest answer, undo, review, and undo of a review: they change with the state
Pair = tuple[int, int]


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
    given : mapping of (int, int) to sequence of AnswerEvent
        The answers to each pair of images.
    memory : LabelMemory
        What was known before, and the answers, by rows of the table.
    roots : int64 [N]
        The must-link component of each row, by its smallest row.
    left : bool [N]
        Which images answers part from the identity that they have in the table.
    labels : int64 [N]
        The identity of each row now: the smallest number of those that answers join; -1: of none.
    members : mapping of int to int64 arrays
        The rows of each identity now.
    """

    table: ReviewedTable
    events: Sequence[AnswerEvent]
    reviews: Sequence[ReviewEvent]
    newest: Newest
    given: Mapping[Pair, Sequence[AnswerEvent]]
    memory: LabelMemory
    roots: Rows
    left: NDArray[np.bool_]
    labels: Rows
    members: Mapping[int, Rows]

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
        """Return the row that others are compared with; see :func:`most_central`."""
        return most_central(self.table, self.roots, self.members[label])

    def version(self, label: int) -> str:
        """Return what changes when the identity does: its table, images, answers or name."""
        rows = self.members[label]
        parts = (self.table.digest, rows.tobytes(), self.roots[rows].tobytes(), self.names[label])
        return blake2b(repr(parts).encode(), digest_size=8).hexdigest()

    def last_change(self, label: int) -> AnswerEvent | None:
        """Return the newest answer about an image of the identity."""
        images = set(self.table.image_ids[self.members[label]].tolist())
        return next((event for event in reversed(self.events) if {event.image_a, event.image_b} & images), None)


def state_of(
    table: ReviewedTable, events: Sequence[AnswerEvent], reviews: Sequence[ReviewEvent], newest: Newest
) -> ReviewState:
    """Return a state, computed from all answers and reviews that are not undone, in the order given."""
    memory = LabelMemory(table.known)
    for (a, b, _), decision in decisions(events, table.overlap).items():
        _add(memory, table, a, b, decision.verdict)
    given: dict[Pair, list[AnswerEvent]] = {}
    for event in events:
        given.setdefault((event.image_a, event.image_b), []).append(event)
    roots = memory.must_link_roots(len(table.labels))
    left = np.zeros(len(roots), bool)
    parted = np.isin(roots, memory.parted()) & (table.labels != NONE)
    leave(table, memory, roots, np.unique(table.labels[parted]).tolist(), left)
    labels = labels_now(table, memory, roots, left)
    return ReviewState(table, events, reviews, newest, given, memory, roots, left, labels, members_of(labels))


def state_after(
    before: ReviewState, new: Sequence[AnswerEvent], reviews: Iterable[ReviewEvent], newest: Newest
) -> ReviewState | None:
    """Return the state after some more answers and reviews; None where it has to be computed from all.

    What an answer changes is computed again, and nothing else: the components of its two images, and the identities
    that the table gives these images.
    """
    given = dict(before.given)
    if (decided := _decided_by(given, new, before.table.overlap)) is None:
        return None
    memory, roots, left = before.memory, before.roots, before.left
    labels, members = before.labels, before.members
    if decided:
        memory, roots, left = memory.copy(), roots.copy(), left.copy()
        touched: set[int] = set()
        for (a, b), verdict in decided:
            rows = _add(memory, before.table, a, b, verdict)
            if rows is None:
                continue
            ends = [roots[row] for row in rows]
            inside = np.flatnonzero(np.isin(roots, ends))
            if verdict == "same" and memory.implied(*rows):
                roots[inside] = min(ends)
            touched.update(before.table.labels[inside].tolist())
        leave(before.table, memory, roots, touched - {NONE}, left)
        labels = labels_now(before.table, memory, roots, left)
        members = members_after(before.members, before.labels, labels)
    events, reviewed = [*before.events, *new], [*before.reviews, *reviews]
    return ReviewState(before.table, events, reviewed, newest, given, memory, roots, left, labels, members)


def _decided_by(
    given: dict[Pair, Sequence[AnswerEvent]], new: Iterable[AnswerEvent], overlap: int
) -> list[tuple[Pair, Verdict]] | None:
    """Add answers to those given, and return what they decide; None where an answer may change earlier decisions."""
    decided = []
    for event in new:
        pair = (event.image_a, event.image_b)
        before = given.get(pair, ())
        given[pair] = [*before, event]
        if any(vote.attempt > 1 or vote.settles or vote.found_in is not None for vote in given[pair]):
            return None
        votes = [Vote(vote.verdict) for vote in given[pair]]
        if not (before and decide(votes[:-1], overlap)) and (verdict := decide(votes, overlap)) is not None:
            decided.append((pair, verdict))
    return decided


def _add(memory: LabelMemory, table: ReviewedTable, a: int, b: int, verdict: str) -> tuple[int, int] | None:
    """Add what a pair of images was decided to be; return its rows, None where nothing was added."""
    one, other = table.row(a), table.row(b)
    if one is None or other is None or verdict == "unsure":
        return None
    memory.add(one, other, verdict == "same")
    return one, other
