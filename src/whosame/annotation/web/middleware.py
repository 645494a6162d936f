"""Middleware: host names, sizes and encodings of every request, and the headers of every response, errors too."""

import asyncio
import ipaddress
import json
import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 64 * 1024  # bytes of a request's body; an answer has a few hundred
PHOTOGRAPH = "/search/photograph"  # its body is an image, which is decoded and kept nowhere
MAX_PHOTOGRAPH = 8 * 1024 * 1024  # bytes
MAX_ADDRESS = 4 * 1024  # bytes of a path with its query
BODY_SECONDS = 10.0  # that a body may take to arrive
STATIC = "/static/"
POLICY = (  # blob: images that a script of the page has received together
    "default-src 'none'; img-src 'self' blob:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": with that, browsers send "Origin: null" with the forms of the page itself.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
NUL = re.compile(rb"\x00|\\u0000")  # PostgreSQL keeps none; the second as JSON writes it


class SecurityMiddleware:
    """ASGI middleware: refuses what no browser sends to this page, and adds the headers to every response.

    Parameters
    ----------
    hosts : sequence of str
        Names under which the page is served, without port. The address at which a connection arrived is served too;
        a name that an attacker's DNS points to this machine ("rebinding") is not.
    body_seconds : float
        How long a body may take to arrive.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str], body_seconds: float = BODY_SECONDS) -> None:
        self._app, self._body_seconds = app, body_seconds
        self._hosts = {_without_port(host) for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # the page has none, and its origin is not checked
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if not scope["path"].startswith(STATIC) or message["status"] >= 400:
                    headers["Cache-Control"] = "no-store"
                elif "Cache-Control" not in headers:
                    headers["Cache-Control"] = "no-cache"  # stored, and validated at each use
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            try:
                receive = await _read_body(scope, receive, self._body_seconds)
            except _RefusedError as refused:
                refusal = refused.args
        if refusal is not None:
            await _reply(with_headers, *refusal)
            return
        try:
            await self._app(scope, receive, with_headers)
        except Exception:
            if not started:  # the server's own reply to a bug would come without the headers
                await _reply(with_headers, 500, "Something went wrong on the server; nothing you said is lost.")
            raise

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._serves(scope, _without_port(hosts[0])):
            return 421, "This page is not served under that name: use the address that was printed when it started."
        address = scope.get("raw_path", b"") + b"?" + scope["query_string"]
        if len(address) > MAX_ADDRESS:
            return 414, "The address is too long."
        if _is_malformed(address):
            return 400, "The address holds characters that cannot be."
        return None

    def _serves(self, scope: Scope, host: str) -> bool:
        return host in self._hosts or host == _local_address(scope)


class _RefusedError(Exception):
    pass


async def _read_body(scope: Scope, receive: Receive, seconds: float) -> Receive:
    """Read the whole body, check it, and return a ``receive`` that passes it on."""
    headers = Headers(scope=scope)
    binary = scope["path"] == PHOTOGRAPH
    most = MAX_PHOTOGRAPH if binary else MAX_BODY
    if "content-length" not in headers and "transfer-encoding" not in headers:
        return receive
    if (declared := headers.get("content-length", "0")).isdecimal() and int(declared) > most:
        raise _RefusedError(413, "The request is too large.")
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                body += message.get("body", b"")
                if len(body) > most:
                    raise _RefusedError(413, "The request is too large.")
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise _RefusedError(408, "The request did not arrive in time.") from None
    if not binary and _is_malformed(bytes(body)):
        raise _RefusedError(400, "The request holds characters that cannot be.")
    passed_on = False

    async def pass_on() -> Message:
        nonlocal passed_on
        if passed_on:
            return await receive()
        passed_on = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return pass_on


def _is_malformed(raw: bytes) -> bool:
    plain = unquote_to_bytes(raw)
    if NUL.search(plain):
        return True
    try:
        plain.decode()
    except UnicodeDecodeError:
        return True
    return False


def _without_port(host: str) -> str:
    """Return a host without its port, in lower case; an IPv6 address without brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]


def _local_address(scope: Scope) -> str | None:
    """Return the address of this machine to which the browser connected."""
    try:
        address = ipaddress.ip_address((scope.get("server") or ("",))[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


async def _reply(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status in (408, 413):
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
