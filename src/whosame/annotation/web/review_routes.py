"""Review routes: the identities of a run as sheets; ticks, merges, names, undo. Replies are JSON but for the page."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy import Connection, select

from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.review.names import TakenError, check_name, name_identity
from whosame.annotation.review.open_reviews import learnt_pairs
from whosame.annotation.review.record import (
    ChangedError,
    ContradictionsError,
    Review,
    Reviewer,
    record_review,
)
from whosame.annotation.review.sheet import sheet_of
from whosame.annotation.review.state import ReviewState
from whosame.annotation.review.statements import merged, one_individual, ticked
from whosame.annotation.review.table import NoReviewError
from whosame.annotation.review.undo import undo_review
from whosame.annotation.store.schema import images
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.auth import Visitor, form_sender, visitor
from whosame.annotation.web.image_routes import UnshowableError, read_image
from whosame.annotation.web.review_content import content, open_reviews, tokens_of, told
from whosame.annotation.web.thumbnails import thumbnail
from whosame.runs import Run

router = APIRouter(prefix="/review")

Uid = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{0,64}$")]
Token = Annotated[str, InPath(pattern=r"^[A-Za-z0-9_-]{22}$")]
Number = Annotated[int, Form(ge=0, lt=2**31)]
Tokens = Annotated[str, Form(max_length=4096, pattern=r"^[A-Za-z0-9_ -]*$")]  # separated by spaces
RunUid = Annotated[str, Form(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Version = Annotated[str, Form(pattern=r"^[0-9a-f]{16}$")]
RequestName = Annotated[str, Form(pattern=r"^[A-Za-z0-9_-]{16,43}$")]
Seconds = Annotated[float, Form(ge=0, allow_inf_nan=False)]
Contradictory = Annotated[Literal["ask", "leave", "keep"], Form()]
Looker = Annotated[Visitor, Depends(visitor)]
Sender = Annotated[Visitor, Depends(form_sender)]


@router.get("", response_class=HTMLResponse)
def page(request: Request, who: Looker, run: Uid = "") -> Response:
    """Show the page, with the most doubtful identity that nobody has looked through."""
    values: dict[str, Any] = {"who": who, "content": None, "missing": ""}
    try:
        found = open_reviews(request).run(run or request.app.state.run_uid)
        values |= {"content": content(request, open_reviews(request).state(found), who), "run": found.name}
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
    found = _run(request, run)
    return JSONResponse(content(request, open_reviews(request).state(found), who, identity, page))


@router.post("/tick")
def tick(
    request: Request,
    who: Sender,
    run: RunUid,
    identity: Number,
    version: Version,
    reference: Annotated[str, Form(pattern=r"^[A-Za-z0-9_-]{22}$")],
    name: RequestName,
    ticks: Tokens = "",
    others: Tokens = "",
    seconds: Seconds = 0.0,
    contradictions: Contradictory = "ask",
) -> Response:
    """Record that an identity was looked through: ``ticks`` are not of it, ``others`` are one individual with it."""
    found = _run(request, run)
    with _refusals(request, found) as reply, open_reviews(request).changing(found) as (connection, state):
        compared, out, kept = _rows(connection, state, reference, ticks, others)
        statements = [*ticked(compared[0], out), *one_individual(compared[0], kept)]
        person = Reviewer(who.name, who.id, seconds, name)
        review = Review("tick", identity, version, compared[0], statements, person, contradictions)
        reply.update(vars(record_review(connection, state, found.completed(), review)))
    return _reply(request, found, who, reply, following=identity)


@router.post("/merge")
def merge(
    request: Request,
    who: Sender,
    run: RunUid,
    identity: Number,
    version: Version,
    reference: Annotated[str, Form(pattern=r"^[A-Za-z0-9_-]{22}$")],
    name: RequestName,
    same: Tokens = "",
    different: Tokens = "",
    seconds: Seconds = 0.0,
    contradictions: Contradictory = "ask",
) -> Response:
    """Record which of several identities show the same individual as one, each by its reference."""
    found = _run(request, run)
    with _refusals(request, found) as reply, open_reviews(request).changing(found) as (connection, state):
        compared, alike, unlike = _rows(connection, state, reference, same, different)
        statements = merged(compared[0], alike, unlike)
        person = Reviewer(who.name, who.id, seconds, name)
        review = Review("merge", identity, version, compared[0], statements, person, contradictions)
        reply.update(vars(record_review(connection, state, found.completed(), review)))
    return _reply(request, found, who, reply, identity=identity)


@router.post("/name")
def give_name(
    request: Request,
    who: Sender,
    run: RunUid,
    identity: Number,
    version: Version,
    name: RequestName,
    given: Annotated[str, Form(max_length=100)],
    seconds: Seconds = 0.0,
) -> Response:
    """Name an identity."""
    found = _run(request, run)
    with _refusals(request, found) as reply, open_reviews(request).changing(found) as (connection, state):
        person = Reviewer(who.name, who.id, seconds, name)
        reply["id"] = name_identity(connection, state, identity, version, check_name(given), person)
    return _reply(request, found, who, reply, identity=identity)


@router.post("/undo")
def undo(request: Request, who: Sender, run: RunUid, review: Annotated[int, Form(ge=1, lt=2**63)]) -> Response:
    """Undo a review of one's own."""
    found = _run(request, run)
    learnt = learnt_pairs(found)
    with _refusals(request, found) as reply, open_reviews(request).changing(found) as (connection, state):
        shown = next((state.table.row(each.image) for each in state.reviews if each.id == review), None)
        reply["undone"] = undo_review(connection, review, who.name, learnt, now=time.time())
    back = None if shown is None else int(open_reviews(request).state(found).labels[shown])
    return _reply(request, found, who, reply, identity=back)


@router.get("/thumbnail/{token}", response_class=Response)
def small(request: Request, who: Looker, token: Token) -> Response:  # noqa: ARG001
    """Return a small image of a sheet."""
    folder: Path | None = request.app.state.runs
    root, path, digest = _image(request, token)
    try:
        content = thumbnail(None if folder is None else folder.parent, root, path, digest)
    except UnshowableError as error:
        raise HTTPException(410, str(error)) from error
    return Response(content, media_type="image/jpeg")


@router.get("/picture/{token}", response_class=Response)
def large(request: Request, who: Looker, token: Token) -> Response:  # noqa: ARG001
    """Return an image of a sheet as it is."""
    try:
        content, kind = read_image(*_image(request, token))
    except UnshowableError as error:
        raise HTTPException(410, str(error)) from error
    return Response(content, media_type=kind)


def _run(request: Request, run_uid: str) -> Run:
    try:
        return open_reviews(request).run(run_uid or request.app.state.run_uid)
    except NoReviewError as error:
        raise HTTPException(404, str(error)) from error


def _image(request: Request, token: str) -> tuple[Path, str, str]:
    """Return root, path and digest of an image; whoever knows its token was shown it."""
    store: LabelStore = request.app.state.store
    row = store.glance(select(images.c.run_uid, images.c.path, images.c.digest).where(images.c.token == token), {})
    root = None if row is None else open_reviews(request).root(row.run_uid)
    if row is None or root is None:
        raise HTTPException(404, "there is no such picture on a sheet")
    return root, row.path, row.digest


def _rows(connection: Connection, state: ReviewState, *groups: str) -> list[list[int]]:
    """Return the rows of images by groups of tokens.

    Raises
    ------
    RefusedError
        ``unknown``: a token is of no image of the run.
    """
    tokens = {token for group in groups for token in group.split()}
    query = select(images.c.token, images.c.image)
    query = query.where(images.c.run_uid == state.table.run_uid, images.c.token.in_(tokens))
    rows = {token: state.table.row(image) for token, image in connection.execute(query)}
    if any(rows.get(token) is None for token in tokens):
        raise RefusedError("unknown", "a picture is not of this run: load the page again")
    return [[row for token in dict.fromkeys(group.split()) if (row := rows[token]) is not None] for group in groups]


@contextmanager
def _refusals(request: Request, run: Run) -> Iterator[dict[str, Any]]:
    """Collect a reply; what is refused changes nothing, and is said in it."""
    reply: dict[str, Any] = {}
    try:
        yield reply
    except ContradictionsError as error:
        state = open_reviews(request).state(run)
        reply |= {"refused": "contradictions", "contradictions": told(request, state, error.contradictions)}
    except ChangedError as error:
        reply |= {"refused": "changed", "notice": str(error)}
    except TakenError as error:
        state = open_reviews(request).state(run)
        row = state.reference(error.other)
        [token] = tokens_of(request, state, [row])
        reply |= {"refused": "taken", "notice": str(error), "other": {"identity": error.other, "token": token}}
    except RefusedError as error:
        reply |= {"refused": error.reason, "notice": str(error)}
    except NoReviewError as error:
        raise HTTPException(404, str(error)) from error


def _reply(
    request: Request,
    run: Run,
    who: Visitor,
    reply: dict[str, Any],
    *,
    identity: int | None = None,
    following: int | None = None,
) -> Response:
    state = open_reviews(request).state(run)
    if following is not None:
        shown = sheet_of(state, following)
        identity = following if reply.get("refused") or shown is None else shown.following
    if identity is not None and identity not in state.members:  # it is part of another, or of none
        rows = (state.table.labels == identity).nonzero()[0]
        identity = int(state.labels[rows[0]]) if len(rows) else None
    return JSONResponse(
        {**content(request, state, who, identity), **reply}, status_code=409 if reply.get("refused") else 200
    )
