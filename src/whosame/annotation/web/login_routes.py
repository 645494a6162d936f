"""Login routes: the login page, logging in by link, logging out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Form, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates

from whosame.annotation.accounts import sessions
from whosame.annotation.accounts.users import token_owner
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.auth import LOGIN, Auth, Visitor, auth_of, form_sender, same_origin
from whosame.annotation.web.middleware import SecurityMiddleware

UNKNOWN_LINK = "This login link is not known, or no longer: ask the person who runs the page for a new one."

DETAIL = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}
HTML: dict[str, Any] = {"text/html": {}}
JSON: dict[str, Any] = {"application/json": {"schema": DETAIL}}
# What every route may reply, so that the application's OpenAPI schema is true.
REFUSALS: dict[int | str, dict[str, Any]] = {
    303: {"description": "Log in first", "content": JSON},
    **{status: {"content": JSON} for status in (400, 401, 403, 408, 413, 414, 421, 503)},
}
TEMPLATES = Jinja2Templates(Path(__file__).parent / "templates")
router = APIRouter()


@router.get(LOGIN, response_class=HTMLResponse)
def show_login(request: Request) -> Response:
    """Show the form for the login token; a script takes the token from the address."""
    return _login_page(request)


@router.post(
    LOGIN,
    dependencies=[Depends(same_origin)],
    status_code=303,
    response_class=RedirectResponse,
    responses={403: {"content": JSON | HTML}, 429: {"content": HTML}},
)
def log_in(request: Request, token: Annotated[str, Form(min_length=1, max_length=4096)]) -> Response:
    """Log in with a token, or with the whole link that holds it."""
    auth = auth_of(request)
    address = request.client.host if request.client else ""
    if seconds := auth.failures.wait(address):
        message = f"Too many logins failed: wait {seconds} seconds."
        return _login_page(request, message, 429, {"Retry-After": str(seconds)})
    token = token.strip().rpartition("#")[2]
    before = auth.visitor(request)
    if before is not None and token_owner(auth.store, token) == before.name:
        return RedirectResponse("/", 303)  # the link was opened once more: answers of the session can still be undone
    started = sessions.log_in(auth.store, token, address=address)
    if started is None:
        auth.failures.failed(address)
        return _login_page(request, UNKNOWN_LINK, 403)
    if before is not None:
        sessions.log_out(auth.store, before)
    response = RedirectResponse("/", 303)
    auth.set_cookie(response, started[0])
    return response


@router.post("/logout", status_code=303, response_class=RedirectResponse)
def log_out(request: Request, who: Annotated[Visitor, Depends(form_sender)]) -> Response:
    """End this session; its cookie is worth nothing from now on."""
    auth = auth_of(request)
    sessions.log_out(auth.store, who)
    response = RedirectResponse(LOGIN, 303)
    auth.delete_cookie(response)
    return response


def add_auth(app: FastAPI, store: LabelStore, *, secure: bool, hosts: Sequence[str]) -> None:
    """Add the logins to an application, and the headers to its responses. Call it before other routes are added.

    Parameters
    ----------
    app : FastAPI
    store : LabelStore
        Open.
    secure : bool
        Whether browsers reach the page over HTTPS: the cookie is then sent no other way.
    hosts : sequence of str
        Names under which the page is served; addresses of this machine need not be among them.
    """
    app.state.auth = Auth(store, secure=secure)
    app.router.responses = {**REFUSALS, **app.router.responses}
    app.include_router(router)
    app.add_middleware(SecurityMiddleware, hosts=hosts)
    app.add_exception_handler(RequestValidationError, _invalid)


def _login_page(
    request: Request, message: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return TEMPLATES.TemplateResponse(request, "login.html", {"message": message}, status, headers)


def _invalid(_: Request, error: Exception) -> Response:
    # The input is not sent back: it may be a token, or no JSON.
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    return JSONResponse(
        {"detail": [{key: problem[key] for key in ("type", "loc", "msg")} for problem in problems]}, 422
    )
