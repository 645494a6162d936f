"""Review routes: the identities of a run as sheets; ticks, merges, names, undo. Replies are JSON but for the page."""

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.review.names import check_name, name_identity
from whosame.annotation.review.open_reviews import OpenReview, learnt_pairs
from whosame.annotation.review.read_table import NoReviewError
from whosame.annotation.review.record import Review, Reviewer, record_review
from whosame.annotation.review.statements import merged, one_individual, ticked
from whosame.annotation.review.undo import undo_review
from whosame.annotation.web.auth import Visitor, form_sender, visitor
from whosame.annotation.web.review.content import content, open_reviews
from whosame.annotation.web.review.replies import refusals, reply_with_sheet
from whosame.runs import Run

router = APIRouter(prefix="/review")

Uid = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{0,64}$")]
Tokens = Annotated[str, Field(max_length=4096, pattern=r"^[A-Za-z0-9_ -]*$")]  # separated by spaces
RunUid = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Looker = Annotated[Visitor, Depends(visitor)]
Sender = Annotated[Visitor, Depends(form_sender)]


class Action(BaseModel):
    """What is done with an identity that was shown; ``name`` is that of the request."""

    run: RunUid
    identity: Annotated[int, Field(ge=0, lt=2**31)]
    version: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,43}$")]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    def by(self, who: Visitor) -> Reviewer:
        """Return who does it."""
        return Reviewer(who.name, who.id, self.seconds, self.name)


class Comparison(Action):
    """Images that were compared with the reference: ``same`` are of its individual, ``different`` are not.

    ``form`` is ``tick`` if they are of its identity, ``merge`` if each is the reference of another one.
    """

    form: Literal["tick", "merge"]
    reference: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}$")]
    same: Tokens = ""
    different: Tokens = ""
    contradictions: Literal["ask", "leave", "keep"] = "ask"


class Naming(Action):
    """The name that is given to an identity."""

    given: Annotated[str, Field(max_length=100)]


@router.get("", response_class=HTMLResponse)
def page(request: Request, who: Looker, run: Uid = "") -> Response:
    """Show the page, with the most doubtful identity that nobody has looked through."""
    values: dict[str, Any] = {"who": who, "content": None, "missing": ""}
    try:
        found = open_reviews(request).run(run or request.app.state.run_uid)
        review = open_reviews(request).open(found)
        values |= {"content": content(request, review, review.state(), who), "run": found.name}
    except NoReviewError as error:
        values["missing"] = str(error)
    return request.app.state.templates.TemplateResponse(request, "review.html", values)  # type: ignore[no-any-return]


@router.get("/sheet")
def sheet(
    request: Request,
    who: Looker,
    run: Uid,
    identity: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    page: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> JSONResponse:
    """Return one page of an identity; by default of the most doubtful one that nobody has looked through."""
    _, review = _open(request, run)
    return JSONResponse(content(request, review, review.state(), who, identity, page))


@router.post("/compare")
def compare(request: Request, who: Sender, given: Annotated[Comparison, Form()]) -> Response:
    """Record that an identity was looked through, or compared with others."""
    run, review = _open(request, given.run)
    with refusals(review) as reply, review.changing() as (connection, state):
        [compared], same, different = (_rows(review, each) for each in (given.reference, given.same, given.different))
        if given.form == "tick":
            statements = [*ticked(compared, different), *one_individual(compared, same)]
        else:
            statements = merged(compared, same, different)
        about = (given.identity, given.version, compared, statements, given.by(who), given.contradictions)
        reply.update(vars(record_review(connection, state, run.completed(), Review(given.form, *about))))
    return reply_with_sheet(request, review, who, reply, given.identity, on=given.form == "tick")


@router.post("/name")
def give_name(request: Request, who: Sender, given: Annotated[Naming, Form()]) -> Response:
    """Name an identity."""
    _, review = _open(request, given.run)
    with refusals(review) as reply, review.changing() as (connection, state):
        name = check_name(given.given)
        reply["id"] = name_identity(connection, state, given.identity, given.version, name, given.by(who))
    return reply_with_sheet(request, review, who, reply, given.identity)


@router.post("/undo")
def undo(
    request: Request, who: Sender, run: Annotated[RunUid, Form()], review: Annotated[int, Form(ge=1, lt=2**63)]
) -> Response:
    """Undo a review of one's own."""
    found, opened = _open(request, run)
    learnt = learnt_pairs(found)
    shown = None
    with refusals(opened) as reply, opened.changing() as (connection, state):
        shown = next((state.table.row(each.image) for each in state.reviews if each.id == review), None)
        reply["undone"] = undo_review(connection, review, who.name, learnt, now=time.time())
    back = None if shown is None else int(opened.state().labels[shown])
    return reply_with_sheet(request, opened, who, reply, back)


def _open(request: Request, run_uid: str) -> tuple[Run, OpenReview]:
    reviews = open_reviews(request)
    try:
        run = reviews.run(run_uid or request.app.state.run_uid)
        return run, reviews.open(run)
    except NoReviewError as error:
        raise HTTPException(404, str(error)) from error


def _rows(review: OpenReview, tokens: str) -> list[int]:
    """Return the rows of images by their tokens, separated by spaces.

    Raises
    ------
    RefusedError
        ``unknown``: a token is of no image of the run.
    """
    rows = [review.tokens.row(token) for token in dict.fromkeys(tokens.split())]
    if None in rows:
        raise RefusedError("unknown", "a picture is not of this run: load the page again")
    return [row for row in rows if row is not None]
