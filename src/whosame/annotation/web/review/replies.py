"""Review replies: the sheet that comes after an action, and what was refused, with the reason."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.review.names import TakenError
from whosame.annotation.review.open_reviews import OpenReview
from whosame.annotation.review.record import ChangedError, ContradictionsError
from whosame.annotation.review.sheet import sheet_of
from whosame.annotation.web.auth import Visitor
from whosame.annotation.web.review.content import content, contradictions


@contextmanager
def refusals(review: OpenReview) -> Iterator[dict[str, Any]]:
    """Collect a reply; what is refused changes nothing, and the reply says why."""
    reply: dict[str, Any] = {}
    try:
        yield reply
    except ContradictionsError as error:
        reply |= {"refused": "contradictions", "contradictions": contradictions(review, error.contradictions)}
    except ChangedError as error:
        reply |= {"refused": "changed", "notice": str(error)}
    except TakenError as error:
        token = review.tokens.of(review.state().reference(error.other))
        reply |= {"refused": "taken", "notice": str(error), "other": {"identity": error.other, "token": token}}
    except RefusedError as error:
        reply |= {"refused": error.reason, "notice": str(error)}


def reply_with_sheet(
    request: Request,
    review: OpenReview,
    who: Visitor,
    reply: dict[str, Any],
    identity: int | None,
    *,
    on: bool = False,
) -> Response:
    """Return a reply with the sheet of an identity as it is now; ``on``: of the next one, if nothing was refused."""
    state = review.state()
    if on and identity is not None and not reply.get("refused"):
        shown = sheet_of(state, identity)
        identity = identity if shown is None else shown.following
    if identity is not None and identity not in state.members:  # it is part of another, or of none
        known = 0 <= identity < len(state.table.names)
        identity = int(state.labels[state.table.rows_of[identity][0]]) if known else None
    status = 409 if reply.get("refused") else 200
    return JSONResponse({**content(request, review, state, who, identity), **reply}, status_code=status)
