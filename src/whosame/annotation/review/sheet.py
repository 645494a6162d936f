"""Sheets: what the page shows of one identity: its images, the doubtful first, and identities that are similar."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from whosame.annotation.review.state import ReviewState
from whosame.annotation.review.table import NONE

PAGE = 36  # images of a sheet; a larger identity has several pages
SUGGESTIONS = 12


@dataclass(frozen=True)
class Suggestion:
    """Another identity that may show the same individual, by its reference."""

    identity: int
    name: str
    row: int


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
    joined : list of int
        Those of ``rows`` that answers join to the reference.
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
    joined: list[int]
    suggestions: list[Suggestion]
    following: int | None
    preceding: int | None

    @property
    def images(self) -> list[int]:
        """All rows that it shows."""
        return [self.reference, *self.rows, *(each.row for each in self.suggestions)]


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
        [row for row in shown if state.roots[row] == state.roots[reference]],
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
                    yield Suggestion(label, state.names[label], row)
