"""Annotation routes: show, answer, skip, undo. Each returns the next pairs, as JSON to a script or as a page."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from whosame.annotation.queue.guard import Decision
from whosame.annotation.web.annotator_view import AnnotatorView
from whosame.annotation.web.auth import Visitor, form_sender, visitor
from whosame.annotation.web.page_content import NOTICES, PageContent
from whosame.questions import Verdict

router = APIRouter()

Token = Annotated[str, Form(pattern=r"^[A-Za-z0-9_-]{43}$")]
Seconds = Annotated[float | None, Form(ge=0, allow_inf_nan=False)]


@router.get("/", response_class=HTMLResponse)
def page(request: Request, who: Annotated[Visitor, Depends(visitor)], refused: str = "") -> Response:
    """Show the person's current pair."""
    content = _view(request).show(who, recount=True)
    values = {"who": who, "content": content, "now": time.time(), "notice": NOTICES.get(refused, "")}
    return request.app.state.templates.TemplateResponse(request, "annotate.html", values)  # type: ignore[no-any-return]


@router.get("/pairs")
def pairs(request: Request, who: Annotated[Visitor, Depends(visitor)]) -> JSONResponse:
    """Return the person's pairs and counters."""
    return JSONResponse(_view(request).show(who).as_dict())


@router.post("/answer")
def answer(
    request: Request,
    who: Annotated[Visitor, Depends(form_sender)],
    token: Token,
    verdict: Annotated[Verdict, Form()],
    seconds: Seconds = None,
    shown: Seconds = None,
) -> Response:
    """Commit an answer. A browser without scripts sends the time at which the page was made instead of the seconds."""
    if seconds is None:
        seconds = 0.0 if shown is None else max(time.time() - shown, 0.0)
    return _reply(request, _view(request).answer(who, token, verdict, seconds))


@router.post("/skip")
def skip(request: Request, who: Annotated[Visitor, Depends(form_sender)], token: Token) -> Response:
    """Release a pair unanswered."""
    return _reply(request, _view(request).skip(who, token))


@router.post("/undo")
def undo(
    request: Request,
    who: Annotated[Visitor, Depends(form_sender)],
    event: Annotated[int, Form(ge=1, lt=2**63)],
) -> Response:
    """Undo an answer."""
    return _reply(request, _view(request).undo(who, event))


@router.post("/guard")
def guard(
    request: Request,
    who: Annotated[Visitor, Depends(form_sender)],
    decision: Annotated[Decision, Form()],
    run: Annotated[str | None, Form(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = None,
) -> RedirectResponse:
    """Decide how a paused run goes on: the one whose pairs are shown, or one that the overview names."""
    _view(request).decide(who, decision, run)
    return RedirectResponse("/" if run is None else f"/overview?run={run}", status_code=303)


def _view(request: Request) -> AnnotatorView:
    view: AnnotatorView = request.app.state.annotator_view
    return view


def _reply(request: Request, content: PageContent) -> Response:
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(content.as_dict(), status_code=409 if content.refused else 200)
    return RedirectResponse(f"/?refused={content.refused}" if content.refused else "/", status_code=303)
