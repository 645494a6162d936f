"""The routes behind the keys: look, answer, skip, undo. Each returns what comes next, to a script or as a page."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from whosame.annotation.web.annotator_view import NOTICES, Desk, View, Who
from whosame.annotation.web.auth import Visitor, checked, visitor
from whosame.questions import Verdict

router = APIRouter()

Token = Annotated[str, Form(pattern=r"^[A-Za-z0-9_-]{43}$")]
Seconds = Annotated[float | None, Form(ge=0, allow_inf_nan=False)]


@router.get("/", response_class=HTMLResponse)
def page(request: Request, who: Annotated[Visitor, Depends(visitor)], refused: str = "") -> Response:
    """Show the pair in front of somebody."""
    view = _desk(request).look(_who(who), anew=True)
    shown = {"who": who, "view": view, "now": time.time(), "notice": NOTICES.get(refused, "")}
    return request.app.state.templates.TemplateResponse(request, "annotate.html", shown)  # type: ignore[no-any-return]


@router.get("/pairs")
def pairs(request: Request, who: Annotated[Visitor, Depends(visitor)]) -> JSONResponse:
    """Return the pairs in front of somebody, and the figures."""
    return JSONResponse(_desk(request).look(_who(who)).as_dict())


@router.post("/answer")
def answer(
    request: Request,
    who: Annotated[Visitor, Depends(checked)],
    token: Token,
    verdict: Annotated[Verdict, Form()],
    seconds: Seconds = None,
    shown: Seconds = None,
) -> Response:
    """Commit an answer. A browser without scripts sends when the page was made in place of the seconds."""
    if seconds is None:
        seconds = 0.0 if shown is None else max(time.time() - shown, 0.0)
    return _reply(request, _desk(request).answer(_who(who), token, verdict, seconds))


@router.post("/skip")
def skip(request: Request, who: Annotated[Visitor, Depends(checked)], token: Token) -> Response:
    """Give a pair back."""
    return _reply(request, _desk(request).skip(_who(who), token))


@router.post("/undo")
def undo(
    request: Request,
    who: Annotated[Visitor, Depends(checked)],
    event: Annotated[int, Form(ge=1, lt=2**63)],
) -> Response:
    """Take back an answer."""
    return _reply(request, _desk(request).undo(_who(who), event))


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _who(visitor: Visitor) -> Who:
    return Who(visitor.name, visitor.sitting)


def _reply(request: Request, view: View) -> Response:
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(view.as_dict(), status_code=409 if view.refused else 200)
    return RedirectResponse(f"/?refused={view.refused}" if view.refused else "/", status_code=303)
