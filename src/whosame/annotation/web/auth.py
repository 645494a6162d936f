"""Authentication: cookies and form tokens, and the dependencies by which routes require a login or a role."""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Form, Header, HTTPException, Request
from fastapi.responses import Response
from itsdangerous import BadSignature, Signer

from whosame.annotation.accounts.sessions import LIFETIME, Session, find_session, signing_key
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.rate_limit import FailureLimit

LOGIN = "/login"


@dataclass(frozen=True)
class Visitor(Session):
    """The session of a request's sender, and the token that their forms have to carry."""

    csrf: str


class Auth:
    """The logins of one page: its label store, its cookie, its signatures.

    Parameters
    ----------
    store : LabelStore
    secure : bool
        Whether the cookie is sent over HTTPS only.
    """

    def __init__(self, store: LabelStore, *, secure: bool) -> None:
        self.store = store
        self.secure = secure
        self.failures = FailureLimit()
        self._key = signing_key(store)
        self._signer = Signer(self._key, salt="whosame.session", key_derivation="hmac", digest_method=sha256)
        # Cookies do not know ports: two projects' pages on one machine must not log each other out.
        name = f"whosame-{sha256(self._key.encode()).hexdigest()[:8]}"
        self.cookie = f"__Host-{name}" if secure else name

    def visitor(self, request: Request) -> Visitor | None:
        """Return who sends a request; None: they are not logged in."""
        try:
            secret = self._signer.unsign(request.cookies.get(self.cookie, "")).decode()
        except (BadSignature, UnicodeError):
            return None
        session = find_session(self.store, secret)
        if session is None:
            return None
        csrf = hmac.new(self._key.encode(), f"csrf {secret}".encode(), sha256).hexdigest()
        return Visitor(session.id, session.name, session.role, csrf)

    def set_cookie(self, response: Response, secret: str) -> None:
        """Give the browser the cookie of a session."""
        signed = self._signer.sign(secret).decode()
        options: dict[str, Any] = {"httponly": True, "samesite": "strict", "secure": self.secure, "path": "/"}
        response.set_cookie(self.cookie, signed, max_age=int(LIFETIME), **options)

    def delete_cookie(self, response: Response) -> None:
        """Make the browser delete its cookie."""
        response.delete_cookie(self.cookie, httponly=True, samesite="strict", secure=self.secure, path="/")


def visitor(request: Request) -> Visitor:
    """Return who sends a request, as a dependency of a route.

    Raises
    ------
    HTTPException
        They are not logged in: 401 for a script, a redirect to the login for a browser.
    """
    found = auth_of(request).visitor(request)
    if found is None:
        if "application/json" in request.headers.get("accept", ""):
            raise HTTPException(401, "You are not logged in, or no longer: open your login link again.")
        raise HTTPException(303, "Log in first.", {"Location": LOGIN})
    return found


async def coordinator(who: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """Return who sends a request, as a dependency of a route for coordinators.

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

    A browser says where a post comes from. A program that says nothing is no browser and has only its own cookie.

    Raises
    ------
    HTTPException
        403.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # Behind a proxy that ends TLS the page cannot know its own scheme, so that names and ports alone are compared.
    if site not in (None, "same-origin") or (origin is not None and not _is_own(origin, request)):
        raise HTTPException(403, "This was sent from another site.")


async def form_sender(
    who: Annotated[Visitor, Depends(visitor)],
    _: Annotated[None, Depends(same_origin)],
    csrf: Annotated[str, Form()] = "",
    x_csrf: Annotated[str, Header(alias="X-CSRF")] = "",
) -> Visitor:
    """Return who sends a form of the page itself, as a dependency of a route that changes something.

    The form has the field ``csrf``, or the request the header ``X-CSRF``.

    Raises
    ------
    HTTPException
        As for :func:`visitor`; 403 for a token that is missing, forged or of another session, or from another site.
    """
    return _with_token(who, x_csrf or csrf)


async def script_sender(
    who: Annotated[Visitor, Depends(visitor)],
    _: Annotated[None, Depends(same_origin)],
    x_csrf: Annotated[str, Header(alias="X-CSRF")] = "",
) -> Visitor:
    """Return who sends what is no form by a script of the page, as a dependency of a route.

    Raises
    ------
    HTTPException
        As for :func:`form_sender`.
    """
    return _with_token(who, x_csrf)


def _with_token(who: Visitor, csrf: str) -> Visitor:
    if not hmac.compare_digest(csrf.encode(), who.csrf.encode()):
        raise HTTPException(403, "This form is of an earlier login: load the page again.")
    return who


def auth_of(request: Request) -> Auth:
    """Return the logins of the application that a request is sent to."""
    auth: Auth = request.app.state.auth
    return auth


def _is_own(origin: str, request: Request) -> bool:
    host = request.headers.get("host", "").lower()
    return origin.lower() in (f"http://{host}", f"https://{host}")
