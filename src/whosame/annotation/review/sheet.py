"""Sheets: what the page shows of one identity: its images, the doubtful first, and identities that are similar."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from whosame.annotation.review.state import ReviewState
from whosame.annotation.review.table import NONE

PAGE = 36  # images of a sheet; a larger identity has several pages
SUGGESTIONS = 12
EXEMPLARS = 3  # images of each similar identity


@dataclass(frozen=True)
class Suggestion:
    """Another identity that may show the same individual: its reference, and images of it that differ from that."""

    identity: int
    name: str
    rows: list[int]


@dataclass(frozen=True)
class Sheet:
    """One page of one identity.

    Attributes
    ----------
    identity : int
        Its number.
    name : str
    version : str
    position, total : int
        Its place among all identities, from 1, and how many there are.
    reviewed : int
        How many identities somebody has looked through.
    page, pages : int
        From 0.
    size : int
        Images of the identity.
    reference : int
        The row that the others are compared with.
    rows : list of int
        Images of this page, the most doubtful first, without the reference.
    notes : dict of int to str
        How some of the images are known to be of the identity: ``answered``, ``encounter``, or ``catalogue: NAME``.
    suggestions : list of Suggestion
    following, preceding : int or None
        The next identity that nobody has looked through, and the one before in the order.
    """

    identity: int
    name: str
    version: str
    position: int
    total: int
    reviewed: int
    page: int
    pages: int
    size: int
    reference: int
    rows: list[int]
    notes: dict[int, str]
    suggestions: list[Suggestion]
    following: int | None
    preceding: int | None

    @property
    def images(self) -> list[int]:
        """All rows that it shows."""
        return [self.reference, *self.rows, *(row for each in self.suggestions for row in each.rows)]


def sheet_of(state: ReviewState, identity: int | None = None, page: int = 0) -> Sheet | None:
    """Return a sheet; None: there is no identity, or not this one any more.

    Parameters
    ----------
    state : ReviewState
    identity : int, optional
        By default the most doubtful one that nobody has looked through.
    page : int
    """
    order = state.order
    if not order:
        return None
    if identity is None:
        identity = next((label for label in order if label not in state.reviewed), order[0])
    if identity not in state.members:
        return None
    at = order.index(identity)
    reference = state.reference(identity)
    rows = state.members[identity]
    others = rows[rows != reference]
    joined = state.roots[others] == state.roots[reference]
    others = others[np.lexsort((others, state.table.p[others], joined))]
    pages = max(1, -(-len(others) // PAGE))
    page = min(page, pages - 1)
    shown = others[page * PAGE : (page + 1) * PAGE].tolist()
    return Sheet(
        identity,
        state.names[identity],
        state.version(identity),
        at + 1,
        len(order),
        len(state.reviewed & state.members.keys()),
        page,
        pages,
        len(rows),
        reference,
        shown,
        dict(_notes(state, reference, [reference, *shown])),
        list(islice(_suggestions(state, identity, reference), SUGGESTIONS)),
        next((label for label in order[at + 1 :] + order[:at] if label not in state.reviewed), None),
        order[at - 1] if at > 0 else None,
    )


def _suggestions(state: ReviewState, identity: int, reference: int) -> Iterator[Suggestion]:
    """Yield the nearest identities about which no answer says whether they are this one."""
    seen = {identity, NONE}
    for number in state.table.near[identity].tolist():
        for label in np.unique(state.labels[state.table.labels == number]).tolist():
            if label not in seen:
                seen.add(label)
                row = state.reference(label)
                if state.memory.implied(reference, row) is None:
                    yield Suggestion(label, state.names[label], [row, *_others(state, label, row)])


def _others(state: ReviewState, label: int, reference: int) -> list[int]:
    """Return images of an identity that differ from its reference."""
    before = np.unique(state.table.labels[state.members[label]])
    rows = state.table.varied[before[before != NONE]].T.ravel()  # in turn, where answers have joined several
    rows = rows[(rows != NONE) & (rows != reference)]
    return [row for row in dict.fromkeys(rows.tolist()) if state.labels[row] == label][: EXEMPLARS - 1]


def _notes(state: ReviewState, reference: int, rows: list[int]) -> Iterator[tuple[int, str]]:
    given = state.table.given_roots
    for row in rows:
        if row in state.table.catalogue:
            yield row, f"catalogue: {state.table.catalogue[row]}"
        elif row != reference and state.roots[row] == state.roots[reference]:
            yield row, "encounter" if given[row] == given[reference] else "answered"
