"""What holds for every request and response: headers, host names, sizes and encodings."""

import asyncio
import logging
import time

import pytest
from starlette.responses import PlainTextResponse

from whosame.annotation.web.middleware import SecurityMiddleware

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self' blob:; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture
def broken(page):
    """A path of the page at which it has a bug."""

    def bug():
        raise RuntimeError("a bug")

    page.served.app.add_api_route("/break", bug)
    return "/break"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (("GET", "/login"), 200),
        (("GET", "/"), 303),
        (("GET", "/nothing"), 404),
        (("DELETE", "/login"), 405),
        (("POST", "/login"), 422),
        (("GET", "/break"), 500),
        (("GET", "/static/nothing"), 404),
        (("GET", "/?" + "x" * 5000), 414),
        (("GET", "/%00"), 400),
        (("GET", "/login?a=%ff"), 400),
    ],
)
def test_every_response_has_the_headers(page, broken, caplog, request_, status):
    caplog.set_level(logging.CRITICAL, "uvicorn.error")
    response = page.client().request(*request_)
    assert response.status_code == status
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


def test_static_files_may_be_kept_and_asked_about(page):
    response = page.client().get("/static/page.css")
    expected = {**HEADERS, "cache-control": "no-cache"}
    assert {name: response.headers.get(name) for name in HEADERS} == expected


@pytest.mark.usefixtures("uvicorn_is_heard")
def test_a_bug_is_not_explained_to_strangers(page, broken, caplog):
    response = page.client().get(broken)
    assert response.status_code == 500
    assert "a bug" not in response.text
    until = time.monotonic() + 5
    while "RuntimeError: a bug" not in caplog.text:  # but to whoever runs the page
        assert time.monotonic() < until
        time.sleep(0.005)


def get(host, path="/login"):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8765"])
def test_names_under_which_it_is_served(page, host):
    assert page.raw(get(host))[0] == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil.example:8765", "", "127.0.0.2", "[", "a:b:c", "\xff", "localhost.evil"],
)  # fmt: skip
def test_names_under_which_it_is_not(page, host):
    """A name that somebody's DNS points at this machine ("rebinding") is no name of it."""
    status, headers, body = page.raw(get(host))
    assert status in (400, 421)
    assert b"<form" not in body
    if status == 421:
        assert {name: headers.get(name) for name in HEADERS} == HEADERS


def test_a_request_has_one_host(page):
    for lines in ("", "Host: localhost\r\nHost: evil.example\r\n", "X-Forwarded-Host: localhost\r\nHost: evil\r\n"):
        assert page.raw(f"GET /login HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())[0] in (400, 421)


def run(middleware, scope, receive=None):
    """Return what an application behind the middleware sends."""
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(middleware(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    ("host", "server", "status"),
    [
        ("[::1]:8765", None, 200),
        ("Lab.example:80", None, 200),
        ("10.0.0.1", ("::ffff:10.0.0.1", 80), 200),
        ("10.0.0.1", ("/run/page.sock", None), 421),
    ],
)
def test_names_and_addresses_are_told_from_their_ports(in_a_thread, host, server, status):
    guarded = SecurityMiddleware(PlainTextResponse("it"), hosts=["::1", "lab.EXAMPLE"])
    headers = [(b"host", host.encode())]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers, "server": server}
    assert in_a_thread(run, guarded, scope)[0]["status"] == status


def test_a_websocket_is_refused(in_a_thread):
    guarded = SecurityMiddleware(PlainTextResponse("it"), hosts=["localhost"])
    sent = in_a_thread(run, guarded, {"type": "websocket", "path": "/", "headers": [(b"host", b"localhost")]})
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_body_that_does_not_come_is_not_waited_for(in_a_thread):
    guarded = SecurityMiddleware(PlainTextResponse("it"), hosts=["localhost"], body_seconds=0.02)
    headers = [(b"host", b"localhost"), (b"content-length", b"100")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    start, _ = in_a_thread(run, guarded, scope, asyncio.Event().wait)
    assert (start["status"], dict(start["headers"])[b"connection"]) == (408, b"close")


@pytest.mark.parametrize(
    ("line", "headers", "body"),
    [
        ("GET /%00", "", b""),
        ("GET /login?a=%00", "", b""),
        ("GET /%ff", "", b""),
        ("GET /%c0%ae%c0%ae/", "", b""),
        ("GET /../../etc/passwd", "", b""),
        ("GET /static/%2e%2e/%2e%2e/etc/passwd", "", b""),
        ("GET //evil.example/", "", b""),
        ("GET /" + "x" * 5000, "", b""),
        ("POST /login", FORM, b"token=%00"),
        ("POST /login", FORM, b"token=\x00"),
        ("POST /login", FORM, b"token=%ff"),
        ("POST /login", FORM, b"token=\xed\xa0\x80"),
        ("POST /login", FORM, b"token=" + b"x" * 5000),
        ("POST /login", FORM, b"&" * 60_000),
        ("POST /login", FORM, b"token=" + b"x" * 70_000),
        ("POST /login", FORM, b""),
        ("POST /login", "Content-Type: application/json\r\n", b'{"token": "\\u0000"}'),
        ("POST /login", "Content-Type: application/json\r\n", b"[" * 60_000),
        ("POST /login", "Content-Type: application/json\r\n", b"NaN"),
        ("POST /login", "Content-Type: multipart/form-data\r\n", b"x"),
        ("POST /login", "Content-Type: multipart/form-data; boundary=b; charset=no\r\n", b"--b\r\n\r\n\r\n--b--"),
        ("POST /login", "Content-Type: multipart/form-data; boundary=b\r\n", b'--b\r\nContent-Disposition: form-data; name="token"; filename="f"\r\n\r\nx\r\n--b--\r\n'),
        ("POST /login", "Content-Type: ;;;\r\n", b"x"),
        ("POST /login", "Origin: http://[\r\n" + FORM, b"token=x"),
        ("POST /login", "Cookie: \xff=\xff; ;;=\r\n" + FORM, b"token=x"),
        ("BREW /login", "", b""),
    ],
)  # fmt: skip
def test_odd_requests_are_refused_and_break_nothing(page, line, headers, body):
    head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    status, sent, _ = page.raw(head.encode("latin-1") + body)
    assert 400 <= status < 500
    assert "set-cookie" not in sent


def test_a_body_that_does_not_say_its_size_has_a_limit_too(page):
    chunk = b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
    head = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n{FORM}\r\n".encode()
    assert page.raw(head + chunk * 9)[0] == 413
