"""Recording a review: its answers are stored together, after a look at what has changed since it was shown."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, select

from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.review.answers import add_answers
from whosame.annotation.review.state import ReviewState
from whosame.annotation.review.statements import Contradiction, Statement, weigh
from whosame.annotation.store.schema import reviews
from whosame.annotation.store.timestamps import stamp
from whosame.errors import WhosameError

MAX_SECONDS = 3600.0  # of one review
Form = Literal["tick", "merge", "name"]


class ChangedError(WhosameError):
    """The identity is no longer what the person has seen; nothing was stored. The message says who changed it."""


class ContradictionsError(WhosameError):
    """Some statements contradict earlier answers; nothing was stored.

    Attributes
    ----------
    contradictions : list of Contradiction
    """

    def __init__(self, contradictions: list[Contradiction]) -> None:
        super().__init__("earlier answers say the opposite")
        self.contradictions = contradictions


@dataclass(frozen=True)
class Reviewer:
    """Who reviews, in which login session, how long it took (s), and the name of the request.

    Sent twice under one name, a request is one review.
    """

    annotator: str
    session: str
    seconds: float
    request: str = field(default_factory=lambda: secrets.token_urlsafe(16))


@dataclass(frozen=True)
class Review:
    """What a person does with an identity.

    Attributes
    ----------
    form : str
        ``tick``: one identity was looked through; ``merge``: it was compared with others.
    identity : int
        Its number in the table.
    version : str
        :meth:`~whosame.annotation.review.state.ReviewState.version` of what was shown.
    reference : int
        The row that the others were compared with.
    statements : sequence of Statement
    person : Reviewer
    contradictions : str
        ``ask``: store nothing if there are any; ``leave``: store the other statements; ``keep``: store all. Earlier
        answers hold in any case.
    """

    form: Literal["tick", "merge"]
    identity: int
    version: str
    reference: int
    statements: Sequence[Statement]
    person: Reviewer
    contradictions: Literal["ask", "leave", "keep"] = "ask"


@dataclass(frozen=True)
class Recorded:
    """A review on the disk: its id, how many answers were stored, and how many were known before."""

    id: int
    answers: int
    known: int = 0


def record_review(
    connection: Connection, state: ReviewState, number: int, review: Review, *, now: Callable[[], float] = time.time
) -> Recorded:
    """Store a review and its answers.

    Parameters
    ----------
    connection : Connection
        In a transaction that may write, with the lock of the run.
    state : ReviewState
        Read in this transaction.
    number : int
        The round that the run is in, or that begins next.
    review : Review

    Raises
    ------
    ChangedError
    ContradictionsError
    RefusedError
        ``unknown``: an image is not of the identity.
    """
    if (before := find_request(connection, review.person)) is not None:
        return Recorded(before, 0)
    check_version(state, review.identity, review.version)
    inside = {row for one, other, _ in review.statements for row in (one, other)} if review.form == "tick" else set()
    if (state.labels[[review.reference, *inside]] != review.identity).any():
        raise RefusedError("unknown", "a picture is not of this identity: load the page again")
    weighed = weigh(state, review.statements, review.person.annotator)
    if weighed.contradictions and review.contradictions == "ask":
        raise ContradictionsError(weighed.contradictions)
    kept = [*weighed.new]
    if review.contradictions == "keep":
        kept += [(*each.rows, each.same) for each in weighed.contradictions]
    found, about = add_review(connection, state, review.form, review.identity, review.reference, review.person, now=now)
    common = {
        "round": number,
        "annotator": review.person.annotator,
        "session": review.person.session,
        "seconds": about["seconds"] / max(len(kept), 1),
        "answered_at": about["reviewed_at"],
        "review": found,
    }
    add_answers(connection, state, common, kept)
    return Recorded(found, len(kept), weighed.known)


def find_request(connection: Connection, person: Reviewer) -> int | None:
    """Return the id of the review that a request has made already; None: it is new."""
    found = connection.scalar(select(reviews.c.id).where(reviews.c.request == person.request))
    return None if found is None else int(found)


def add_review(
    connection: Connection,
    state: ReviewState,
    form: Form,
    identity: int,
    row: int,
    person: Reviewer,
    *,
    name: str | None = None,
    now: Callable[[], float] = time.time,
) -> tuple[int, dict[str, Any]]:
    """Add a review; return its id and its columns."""
    about = {
        "run_uid": state.table.run_uid,
        "form": form,
        "identity": state.names[identity],
        "image": int(state.table.image_ids[row]),
        "name": name,
        **vars(person),
        "seconds": min(max(person.seconds, 0.0), MAX_SECONDS),
        "reviewed_at": stamp(now()),
    }
    return int(connection.execute(reviews.insert().values(about).returning(reviews.c.id)).scalar_one()), about


def check_version(state: ReviewState, identity: int, version: str) -> None:
    """Check that an identity is what the person has seen.

    Raises
    ------
    ChangedError
    """
    if identity in state.members and state.version(identity) == version:
        return
    now = identity if identity in state.members else _of_first_image(state, identity)
    last = state.last_change(now) if now in state.members else None
    who = f"{last.annotator} has changed this identity" if last else "This identity has changed"
    what = f": it is part of {state.names[now]} now" if now != identity and now in state.members else ""
    raise ChangedError(f"{who} since it was shown{what}. Nothing of yours was stored; this is how it is now.")


def _of_first_image(state: ReviewState, identity: int) -> int:
    """Return the identity now of the first image that the table gives an identity."""
    rows = (state.table.labels == identity).nonzero()[0]
    return int(state.labels[rows[0]]) if len(rows) else identity
