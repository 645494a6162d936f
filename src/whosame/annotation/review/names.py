"""Names that people give to identities: no name is that of two."""

import time
from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy import Connection

from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.review.record import Reviewer, add_review, check_version, find_request
from whosame.annotation.review.state import ReviewEvent, ReviewState
from whosame.annotation.review.table import NONE
from whosame.errors import WhosameError
from whosame.names import composed, is_printable

MAX_LENGTH = 60


class TakenError(WhosameError):
    """Another identity has the name; nothing was stored. ``other`` is its number."""

    def __init__(self, name: str, other: int, identity: str) -> None:
        super().__init__(
            f"{name} is the name of another identity. Either the two are one individual: merge them; or give "
            f"{identity} another name."
        )
        self.other = other


def check_name(given: str) -> str:
    """Return a name as it is stored: composed, without blanks around it.

    Raises
    ------
    RefusedError
        ``name``: it is empty, too long, a number, or has characters that cannot be printed.
    """
    name = composed(" ".join(given.split()))
    if not name or len(name) > MAX_LENGTH or not is_printable(name):
        raise RefusedError("name", f"a name has 1 to {MAX_LENGTH} printable characters")
    if name.isdecimal():
        raise RefusedError("name", "numbers are for identities without a name: add a letter")
    return name


def name_identity(
    connection: Connection,
    state: ReviewState,
    identity: int,
    version: str,
    name: str,
    person: Reviewer,
    *,
    now: Callable[[], float] = time.time,
) -> int:
    """Store the name of an identity; return the id of the review.

    Parameters
    ----------
    connection : Connection
        In a transaction that may write, with the lock of the run.
    state : ReviewState
        Read in this transaction.
    identity, version : int, str
        As for :class:`~whosame.annotation.review.record.Review`.
    name : str
        From :func:`check_name`.
    person : Reviewer

    Raises
    ------
    ChangedError
    TakenError
    RefusedError
        ``name``: the catalogue gives it another one.
    """
    if (before := find_request(connection, person)) is not None:
        return before
    check_version(state, identity, version)
    taken = next((label for label, its in state.names.items() if its == name and label != identity), None)
    if taken is not None:
        raise TakenError(name, taken, state.names[identity])
    fixed = next(
        (state.table.catalogue[row] for row in state.members[identity].tolist() if row in state.table.catalogue), None
    )
    if fixed is not None and name != fixed:
        raise RefusedError("name", f"the catalogue names this individual {fixed}: change it there")
    row = _anchor(state, identity)
    return add_review(connection, state, "name", identity, row, person, name=name, now=now)[0]


def _anchor(state: ReviewState, identity: int) -> int:
    """Return the row that carries the name: of identities of the table that answers have joined, one of the largest."""
    rows = state.members[identity]
    labels, place, size = np.unique(state.table.labels[rows], return_inverse=True, return_counts=True)
    size[labels == NONE] = 0
    return int(rows[np.lexsort((rows, -state.table.closeness[rows], -size[place]))[0]])


def given_names(events: Sequence[ReviewEvent], last_review: int) -> dict[int, str]:
    """Return the names that people gave after a review, by the image that carries each; of two, the last."""
    return {each.image: each.name for each in events if each.form == "name" and each.name and each.id > last_review}
