"""What holds for every request and every response, errors too: names, sizes, encodings, headers."""

import asyncio
import ipaddress
import json
import re
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY = 64 * 1024  # bytes of a request's body; an answer has a few hundred
ADDRESS = 4 * 1024  # bytes of a path with its query
PATIENCE = 10.0  # s that a body may take to arrive
STATIC = "/static/"
POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
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


class Shield:
    """ASGI middleware: refuses what no browser sends to this page, and gives every response its headers.

    Parameters
    ----------
    hosts : sequence of str
        Names under which the page is served, without port. The address at which a connection arrived is one too:
        names that an attacker's DNS points here ("rebinding") are neither.
    """

    def __init__(self, app: ASGIApp, *, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = {_bare(host) for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # there is none, and nobody has checked its origin
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if not scope["path"].startswith(STATIC) or message["status"] >= 400:
                    headers["Cache-Control"] = "no-store"
                elif "Cache-Control" not in headers:
                    headers["Cache-Control"] = "no-cache"  # kept, and asked about each time
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            try:
                receive = await _whole_body(scope, receive)
            except _RefusedError as refused:
                refusal = refused.args
        if refusal is not None:
            await _reply(with_headers, *refusal)
            return
        try:
            await self._app(scope, receive, with_headers)
        except Exception:
            if not begun:  # the server's own reply to a bug would come without the headers
                await _reply(with_headers, 500, "Something went wrong on the server; nothing you said is lost.")
            raise

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._serves(scope, _bare(hosts[0])):
            return 421, "This page is not served under that name: use the address that was printed when it started."
        address = scope.get("raw_path", b"") + b"?" + scope["query_string"]
        if len(address) > ADDRESS:
            return 414, "The address is too long."
        if _odd(address):
            return 400, "The address holds characters that cannot be."
        return None

    def _serves(self, scope: Scope, host: str) -> bool:
        return host in self._hosts or host == _arrived_at(scope)


class _RefusedError(Exception):
    pass


async def _whole_body(scope: Scope, receive: Receive) -> Receive:
    """Read the body, and return what hands it on."""
    headers = Headers(scope=scope)
    if "content-length" not in headers and "transfer-encoding" not in headers:
        return receive
    if (declared := headers.get("content-length", "0")).isdecimal() and int(declared) > BODY:
        raise _RefusedError(413, "The request is too large.")
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                body += message.get("body", b"")
                if len(body) > BODY:
                    raise _RefusedError(413, "The request is too large.")
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise _RefusedError(408, "The request did not arrive in time.") from None
    if _odd(bytes(body)):
        raise _RefusedError(400, "The request holds characters that cannot be.")
    handed_on = False

    async def hand_on() -> Message:
        nonlocal handed_on
        if handed_on:
            return await receive()
        handed_on = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return hand_on


def _odd(raw: bytes) -> bool:
    plain = unquote_to_bytes(raw)
    if NUL.search(plain):
        return True
    try:
        plain.decode()
    except UnicodeDecodeError:
        return True
    return False


def _bare(host: str) -> str:
    """Return a host without its port, in lower case; an IPv6 address without brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]


def _arrived_at(scope: Scope) -> str | None:
    """Return the address of this machine to which the browser has connected."""
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
