"""Who is there: logins, logouts, and what a route asks of whoever calls it."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Form, Header, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from itsdangerous import BadSignature, Signer

from whosame.annotation.accounts.sessions import LASTING, Sitting, begin, end, signing_key, standing
from whosame.annotation.accounts.users import owner
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.middleware import Shield
from whosame.annotation.web.rate_limit import FailureLimit

LOGIN = "/login"
UNKNOWN_LINK = "This login link is not known, or no longer: ask whoever runs the page for a new one."

DETAIL = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}
HTML: dict[str, Any] = {"text/html": {}}
JSON: dict[str, Any] = {"application/json": {"schema": DETAIL}}
# What every route may answer, so that the application's OpenAPI schema is true.
REFUSALS: dict[int | str, dict[str, Any]] = {
    303: {"description": "Log in first", "content": JSON},
    **{status: {"content": JSON} for status in (400, 401, 403, 408, 413, 414, 421, 503)},
}
TEMPLATES = Jinja2Templates(Path(__file__).parent / "templates")
router = APIRouter()


@dataclass(frozen=True)
class Visitor:
    """Who is logged in: their name and role, the name of their login, and the token that their forms must carry."""

    name: str
    role: Literal["annotator", "coordinator"]
    sitting: str
    csrf: str


class Access:
    """The logins of one page: its store, its cookie, its signatures."""

    def __init__(self, store: LabelStore, *, secure: bool) -> None:
        self.store = store
        self.secure = secure
        self.failures = FailureLimit()
        self._key = signing_key(store)
        self._signer = Signer(self._key, salt="whosame.sitting", key_derivation="hmac", digest_method=sha256)
        # Cookies do not know ports: two projects' pages on one machine must not log each other out.
        name = f"whosame-{sha256(self._key.encode()).hexdigest()[:8]}"
        self.cookie = f"__Host-{name}" if secure else name

    def sitting(self, request: Request) -> tuple[Sitting, str] | None:
        """Return the sitting that a request's cookie opens, and its secret."""
        try:
            secret = self._signer.unsign(request.cookies.get(self.cookie, "")).decode()
        except (BadSignature, UnicodeError):
            return None
        found = standing(self.store, secret)
        return None if found is None else (found, secret)

    def visitor(self, request: Request) -> Visitor | None:
        """Return who sends a request; None: nobody who is logged in."""
        opened = self.sitting(request)
        if opened is None:
            return None
        sitting, secret = opened
        return Visitor(sitting.name, sitting.role, sitting.sitting, self.csrf(secret))

    def csrf(self, secret: str) -> str:
        """Return the token that the forms of a sitting carry."""
        return hmac.new(self._key.encode(), f"csrf {secret}".encode(), sha256).hexdigest()

    def hand_over(self, response: Response, secret: str) -> None:
        """Give the browser its cookie."""
        signed = self._signer.sign(secret).decode()
        kept: dict[str, Any] = {"httponly": True, "samesite": "strict", "secure": self.secure, "path": "/"}
        response.set_cookie(self.cookie, signed, max_age=int(LASTING), **kept)

    def take_away(self, response: Response) -> None:
        """Make the browser forget its cookie."""
        response.delete_cookie(self.cookie, httponly=True, samesite="strict", secure=self.secure, path="/")


def visitor(request: Request) -> Visitor:
    """Return who is logged in, as a dependency of a route.

    Raises
    ------
    HTTPException
        Nobody: 401 for a script, a redirect to the login for a browser.
    """
    found = _access(request).visitor(request)
    if found is None:
        if "application/json" in request.headers.get("accept", ""):
            raise HTTPException(401, "You are not logged in, or no longer: open your login link again.")
        raise HTTPException(303, "Log in first.", {"Location": LOGIN})
    return found


async def coordinator(who: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """Return who is logged in, as a dependency of a route for coordinators.

    Raises
    ------
    HTTPException
        As for :func:`visitor`; 403 for annotators.
    """
    if who.role != "coordinator":
        raise HTTPException(403, "This page is for coordinators.")
    return who


async def same_origin(request: Request) -> None:
    """Refuse a post that another site makes a browser send, as a dependency of a route.

    A browser says where a post comes from; who says nothing is no browser, and has nobody's cookie but its own.

    Raises
    ------
    HTTPException
        403.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # Behind a proxy that ends TLS the page cannot know its own scheme, so that names and ports alone are compared.
    if site not in (None, "same-origin") or (origin is not None and not _is_here(origin, request)):
        raise HTTPException(403, "This was sent from another site.")


async def checked(
    who: Annotated[Visitor, Depends(visitor)],
    _: Annotated[None, Depends(same_origin)],
    csrf: Annotated[str, Form()] = "",
    x_csrf: Annotated[str, Header(alias="X-CSRF")] = "",
) -> Visitor:
    """Return who is logged in and sends this from the page itself, as a dependency of a route that changes something.

    The form carries the field ``csrf``, or the request the header ``X-CSRF``.

    Raises
    ------
    HTTPException
        As for :func:`visitor`; 403 for a token that is missing, forged or of another sitting, or from another site.
    """
    if not hmac.compare_digest((x_csrf or csrf).encode(), who.csrf.encode()):
        raise HTTPException(403, "This form is of an earlier login: load the page again.")
    return who


@router.get(LOGIN, response_class=HTMLResponse)
def show_login(request: Request) -> Response:
    """Show where to put the login token; a script takes it from the address."""
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
    access = _access(request)
    address = request.client.host if request.client else ""
    if seconds := access.failures.wait(address):
        message = f"Too many logins failed: wait {seconds} seconds."
        return _login_page(request, message, 429, {"Retry-After": str(seconds)})
    token = token.strip().rpartition("#")[2]
    before = access.sitting(request)
    if before is not None and owner(access.store, token) == before[0].name:
        return RedirectResponse("/", 303)  # the link opened once more: what was answered can still be taken back
    begun = begin(access.store, token, address=address)
    if begun is None:
        access.failures.failed(address)
        return _login_page(request, UNKNOWN_LINK, 403)
    if before is not None:
        end(access.store, before[0])
    response = RedirectResponse("/", 303)
    access.hand_over(response, begun[0])
    return response


@router.post("/logout", status_code=303, response_class=RedirectResponse)
def log_out(request: Request, who: Annotated[Visitor, Depends(checked)]) -> Response:
    """End this login; its cookie is worth nothing from now on."""
    access = _access(request)
    end(access.store, Sitting(who.sitting, who.name, who.role))
    response = RedirectResponse(LOGIN, 303)
    access.take_away(response)
    return response


def add_access(app: FastAPI, store: LabelStore, *, secure: bool, hosts: Sequence[str]) -> None:
    """Give an application its logins, and every response its headers; routes added after this say what they refuse.

    Parameters
    ----------
    app : FastAPI
    store : LabelStore
        Open.
    secure : bool
        Whether browsers reach the page over HTTPS: the cookie then goes no other way.
    hosts : sequence of str
        Names under which the page is served; addresses of this machine need not be among them.
    """
    app.state.access = Access(store, secure=secure)
    app.router.responses = {**REFUSALS, **app.router.responses}
    app.include_router(router)
    app.add_middleware(Shield, hosts=hosts)
    app.add_exception_handler(RequestValidationError, _invalid)


def _access(request: Request) -> Access:
    access: Access = request.app.state.access
    return access


def _is_here(origin: str, request: Request) -> bool:
    host = request.headers.get("host", "").lower()
    return origin.lower() in (f"http://{host}", f"https://{host}")


def _login_page(
    request: Request, message: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return TEMPLATES.TemplateResponse(request, "login.html", {"message": message}, status, headers)


def _invalid(_: Request, error: Exception) -> Response:
    # What was sent is not sent back: it may be a token, or no JSON.
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    return JSONResponse(
        {"detail": [{key: problem[key] for key in ("type", "loc", "msg")} for problem in problems]}, 422
    )
