"""Who gets in, over HTTP: a real server, real connections, and whatever somebody may send."""

import asyncio
import hashlib
import http.client
import logging
import re
import shutil
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import httpx
import pytest
import uvicorn
from fastapi import Depends, FastAPI, Form
from fastapi.responses import PlainTextResponse
from itsdangerous import Signer
from PIL import Image
from sqlalchemy import text

from whosame.annotation.accounts import users
from whosame.annotation.accounts.sessions import IDLE_LIMIT, signing_key
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.store import audit_log
from whosame.annotation.store.store import open_store
from whosame.annotation.web import middleware
from whosame.annotation.web.app import create_app
from whosame.annotation.web.auth import Visitor, coordinator, form_sender, visitor
from whosame.annotation.web.login_routes import add_auth
from whosame.annotation.web.rate_limit import MAX_ADDRESSES, FailureLimit
from whosame.annotation.web.server import Address, serve
from whosame.errors import ParameterError

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def make_app(store, *, secure=False):
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.get("/")
    def page(who: Annotated[Visitor, Depends(visitor)]):
        return who

    @app.get("/overview")
    def overview(who: Annotated[Visitor, Depends(coordinator)]):
        return who.name

    @app.post("/answer")
    def answer(
        who: Annotated[Visitor, Depends(form_sender)], verdict: Annotated[str, Form()], event: Annotated[int, Form()]
    ):
        return [who.name, verdict, event]

    @app.get("/break")
    def broken():
        raise RuntimeError("a bug")

    @app.get("/static/file")
    def static():
        return PlainTextResponse("static")

    add_auth(app, store, secure=secure, hosts=["localhost", "Lab.example"])
    return app


class Served:
    """The page in a server of its own."""

    def __init__(self, app):
        self.app = app
        self.browsers = []
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(app, lifespan="off", ws="none", log_config=None)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve([listening])))
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)

    def close(self):
        self.close_browsers()
        self._server.should_exit = True
        self._thread.join()

    def browser(self, **headers):
        browser = httpx.Client(
            base_url=self.url, headers={"accept": "text/html", **headers}, trust_env=False, verify=False
        )
        self.browsers.append(browser)
        return browser

    def close_browsers(self):
        while self.browsers:
            self.browsers.pop().close()

    def raw(self, request):
        """Send bytes as they are, and return status, headers and body of the response."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('access') / 'labels.db'}") as store:
        yield store


@pytest.fixture(scope="module")
def served(store):
    served = Served(make_app(store))
    yield served
    served.close()


@pytest.fixture(autouse=True)
def apart(served):
    """Leave no failures and no connections to the next test."""
    served.app.state.auth.failures = FailureLimit()
    yield
    served.close_browsers()


@pytest.fixture
def alice(store):
    return person(store, "alice", "annotator")


@pytest.fixture
def carol(store):
    return person(store, "carol", "coordinator")


def person(store, name, role):
    if name in [one.name for one in users.all_users(store)]:
        users.remove_user(store, name)
    return users.add_user(store, name, role=role)


def log_in(served, token, **headers):
    browser = served.browser(**headers)
    response = browser.post("/login", data={"token": token})
    assert (response.status_code, response.headers["location"]) == (303, "/")
    return browser


def csrf(browser):
    return browser.get("/").json()["csrf"]


def form(browser, **fields):
    return {"csrf": csrf(browser), "verdict": "same", "event": "3", **fields}


def cookie(browser):
    [kept] = browser.cookies.jar
    return kept


# Logging in and out


def test_a_token_logs_in_and_the_page_knows_who_it_is(served, alice):
    browser = log_in(served, alice)
    who = browser.get("/").json()
    assert (who["name"], who["role"]) == ("alice", "annotator")
    assert browser.post("/answer", data=form(browser)).json() == ["alice", "same", 3]


def test_the_whole_link_may_be_pasted(served, alice):
    assert log_in(served, f"  {served.url}/login#{alice}\n").get("/").status_code == 200


def test_a_token_in_the_address_does_nothing(served, alice):
    browser = served.browser()
    assert browser.get("/login", params={"token": alice}).headers.get("set-cookie") is None
    assert browser.get("/", params={"token": alice}).status_code == 303
    assert browser.post(f"/login?token={alice}").status_code == 422


def test_the_login_page_works_without_a_script_and_loads_nothing_from_outside(served):
    response = served.browser().get("/login")
    assert response.status_code == 200
    assert '<form method="post" action="/login"' in response.text
    assert not re.findall(r"(?:src|href)=\"(?!/)", response.text)
    assert "<script>" not in response.text
    assert " style=" not in response.text
    assert " on" not in " ".join(re.findall(r"<[^>]*>", response.text)).replace(" content", "")


def test_the_cookie_is_for_this_page_alone(served, alice):
    response = served.browser().post("/login", data={"token": alice})
    said = response.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(said.split("; "))
    assert "domain" not in said
    assert "secure" not in said
    assert alice not in str(response.headers)


def test_over_https_the_cookie_goes_no_other_way(store, alice):
    served = Served(make_app(store, secure=True))
    try:
        said = served.browser().post("/login", data={"token": alice}).headers["set-cookie"]
    finally:
        served.close()
    assert said.startswith("__Host-whosame-")
    assert "Secure" in said


def test_the_pages_of_two_projects_do_not_share_a_cookie(served, alice, tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'other.db'}") as other:
        names = {app.state.auth.cookie for app in (served.app, make_app(other))}
    assert len(names) == 2


OPEN = {("GET", "/login"), ("POST", "/login"), ("GET", "/about"), ("GET", "/static")}


def test_nobody_gets_in_without_a_login(store, alice, routes_of):
    """The routes of the page itself: a new one that asks for no login is to be named here, with its reason in security.md."""
    app = create_app(store)
    routes = set(routes_of(app))
    assert {("GET", "/"), ("POST", "/answer"), ("GET", "/picture/{token}"), ("POST", "/overview/settle")} < routes
    served = Served(app)
    try:
        browser, script = served.browser(), served.browser(accept="application/json")
        let_in = set()
        for method, path in routes:
            path_of_one = re.sub(r"{\w+}", "1", path)
            refused, sent_away = script.request(method, path_of_one), browser.request(method, path_of_one)
            if (refused.status_code, sent_away.headers.get("location")) != (401, "/login"):
                let_in.add((method, path))
            assert "alice" not in refused.text + sent_away.text
        assert let_in == OPEN
        about = script.get("/about")
    finally:
        served.close()
    assert about.json().keys() == {"store"}
    assert re.fullmatch("[0-9a-f]{32}", about.json()["store"])  # not where it is


@pytest.mark.parametrize("token", ["", " ", "wrong", "a" * 43, "é" * 43, "' OR 1=1 --", "😀", "#", "x" * 4096])
def test_wrong_tokens_are_refused(served, alice, token):
    response = served.browser().post("/login", data={"token": token})
    assert response.status_code in (403, 422)
    assert "set-cookie" not in response.headers


def test_a_replaced_token_is_refused(served, store, alice):
    users.rotate_token(store, "alice")
    response = served.browser().post("/login", data={"token": alice})
    assert (response.status_code, "not known" in response.text) == (403, True)


def test_a_cookie_is_worth_nothing_after_logout(served, alice):
    browser = log_in(served, alice)
    stolen, token = cookie(browser), csrf(browser)
    response = browser.post("/logout", data={"csrf": token})
    assert (response.status_code, response.headers["location"]) == (303, "/login")
    assert not browser.cookies
    thief = served.browser(cookie=f"{stolen.name}={stolen.value}", accept="application/json")
    assert thief.get("/").status_code == 401
    assert thief.post("/answer", data={"csrf": token, "verdict": "same", "event": 1}).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET expires_at = started_at - 1",
        f"UPDATE sessions SET last_seen = last_seen - {IDLE_LIMIT}",
        "UPDATE sessions SET started_at = started_at + 3600",  # the clock was set back
        "UPDATE sessions SET ended = true",
        "UPDATE users SET removed = true",
        "DELETE FROM sessions",
    ],
)
def test_a_cookie_is_worth_nothing_when_its_sitting_is_over(served, store, alice, change):
    browser = log_in(served, alice, accept="application/json")
    assert browser.get("/").status_code == 200
    with store.writing() as connection:
        connection.execute(text(change))
    assert browser.get("/").status_code == 401


def test_removal_and_rotation_end_logins_at_once(served, store, alice):
    browser = log_in(served, alice)
    other = log_in(served, users.rotate_token(store, "alice"))
    assert browser.get("/").status_code == 303
    assert other.get("/").status_code == 200
    users.remove_user(store, "alice")
    assert other.get("/").status_code == 303


def test_the_link_opened_again_keeps_the_login_and_anothers_replaces_it(served, store, alice, carol):
    browser = log_in(served, alice)
    first = browser.get("/").json()
    old = cookie(browser)
    browser.post("/login", data={"token": alice})
    assert browser.get("/").json() == first
    browser.post("/login", data={"token": carol})
    assert browser.get("/").json()["name"] == "carol"
    assert served.browser(cookie=f"{old.name}={old.value}").get("/").status_code == 303


def test_other_machines_are_let_in_only_when_somebody_was_added(tmp_path):
    said = []
    with open_store(f"sqlite:///{tmp_path / 'nobody.db'}") as nobody:
        with pytest.raises(ParameterError, match="first add who may answer"):
            serve(nobody, Address("0.0.0.0", 0), ready=lambda *words: said.append(words))
        assert said == []
        assert users.all_users(nobody) == []


# Forged cookies and forms


def test_forged_cookies_are_refused(served, store, alice):
    browser = log_in(served, alice)
    kept = cookie(browser)
    secret, signature = kept.value.rsplit(".", 1)
    other_key = Signer("0" * 64, salt="whosame.session", key_derivation="hmac").sign("x" * 43).decode()
    values = ["", ".", secret, f"{secret}.", f".{signature}", f"{secret}x.{signature}", f"{secret}.{signature[:-2]}AA"]
    values += [other_key, "a" * 4000, "%00", "\xe9.\xff", browser.get("/").json()["id"], alice, "null", "{}"]
    for value in values:
        thief = served.browser(accept="application/json")
        status = thief.get("/", headers={"cookie": f"{kept.name}={value}".encode("latin-1")}).status_code
        assert status == 401, value


def test_whoever_reads_the_database_can_forge_no_login(served, store, alice):
    """The key that signs is in it, the secrets are not."""
    browser = log_in(served, alice)
    sitting = browser.get("/").json()["id"]
    signer = served.app.state.auth._signer
    assert signer.unsign(cookie(browser).value)  # the real one
    forged = signer.sign(sitting).decode()
    assert served.browser(cookie=f"{cookie(browser).name}={forged}").get("/").status_code == 303
    assert signing_key(store) not in browser.get("/").text


def test_forms_without_their_token_are_refused(served, alice, carol):
    browser, other = log_in(served, alice), log_in(served, carol)
    earlier = log_in(served, alice)
    assert csrf(browser) != csrf(earlier)
    good = form(browser)
    for wrong in ("", "x", "é", csrf(other), csrf(earlier), good["csrf"][:-1], good["csrf"] + "0", "\ufffd"):
        assert browser.post("/answer", data={**good, "csrf": wrong}).status_code == 403, wrong
    del good["csrf"]
    assert browser.post("/answer", data=good).status_code == 403
    assert browser.post("/logout").status_code == 403
    assert browser.get("/").status_code == 200  # nobody logged out


def test_a_script_may_send_the_token_as_a_header(served, alice):
    browser = log_in(served, alice)
    fields = {"verdict": "same", "event": "3"}
    assert browser.post("/answer", data=fields, headers={"x-csrf": csrf(browser)}).status_code == 200
    assert browser.post("/answer", data=form(browser), headers={"x-csrf": "wrong"}).status_code == 403
    assert browser.post("/answer", data=fields, headers=[(b"x-csrf", b"\xe9")]).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1"},  # another port of this machine
        {"origin": "http://127.0.0.1.evil.example:{port}"},
        {"origin": "http://127.0.0.1:{port}@evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},  # another port of this machine
        {"sec-fetch-site": "none"},
        {"origin": "http://127.0.0.1:{port}", "sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_what_another_site_sends_is_refused_though_all_else_is_right(served, alice, headers):
    headers = {name: value.replace("{port}", str(served.port)) for name, value in headers.items()}
    browser = log_in(served, alice)
    fields = form(browser)
    assert browser.post("/answer", data=fields, headers=headers).status_code == 403
    assert browser.post("/logout", data=fields, headers=headers).status_code == 403
    response = served.browser().post("/login", data={"token": alice}, headers=headers)
    assert response.status_code == 403  # or somebody would answer under another's name without knowing
    assert "set-cookie" not in response.headers


def test_what_the_page_itself_sends_is_taken(served, alice):
    browser = log_in(served, alice, origin=served.url, **{"sec-fetch-site": "same-origin"})
    assert browser.post("/answer", data=form(browser)).status_code == 200
    behind_tls = {"origin": "https://lab.example", "host": "lab.example"}
    assert browser.post("/answer", data=form(browser), headers=behind_tls).status_code == 200


# Pictures


def test_no_file_but_the_pictures_of_ones_pairs_is_sent(tmp_path):
    """Not those of others, nor what lies outside the folder of the images, whatever the store says."""
    images, outside = tmp_path / "images", tmp_path / "outside.png"
    images.mkdir()
    Image.new("RGB", (4, 8)).save(outside)
    shutil.copy(outside, images / "0.png")
    shutil.copy(outside, images / "1.png")
    (images / "link.png").symlink_to(outside)
    digest = hashlib.blake2b(outside.read_bytes(), digest_size=16).hexdigest()
    paths = ["0.png", "1.png", "../outside.png", str(outside), "link.png", "a\x00b.png"]
    with open_store(f"sqlite:///{tmp_path / 'labels.db'}") as store:
        described = RunInfo("uid", "mine", str(images), 0, 1, 0, 10, 10, 1)
        campaign = TaskQueue(store, described, {image: ImageRef(path, digest) for image, path in enumerate(paths)})
        campaign.begin()
        campaign.ask([PairTask(0, 1, "between"), PairTask(2, 3, "between"), PairTask(4, 5, "between")])
        with store.reading() as connection:
            handles = dict(connection.execute(text("SELECT image, token FROM images")).all())
        alice, carol = users.add_user(store, "alice"), users.add_user(store, "carol", role="coordinator")
        served = Served(create_app(store))

        def statuses(browser):
            return [browser.get(f"/picture/{handles[image]}").status_code for image in range(len(paths))]

        try:
            assert statuses(served.browser(accept="application/json")) == [401] * 6
            browser = log_in(served, alice)
            assert statuses(browser) == [404] * 6  # she has no pair yet
            browser.get("/")
            assert statuses(browser) == [200, 200, 410, 410, 404, 404]  # she has two
            assert statuses(log_in(served, carol)) == [200, 200, 410, 410, 410, 410]
            for token in ("0.png", "..%2foutside.png", "x" * 22, "%2e%2e%2foutside.png", ""):
                assert 400 <= browser.get(f"/picture/{token}").status_code < 500
        finally:
            served.close()


# Roles


def test_the_overview_is_for_coordinators(served, alice, carol):
    assert log_in(served, alice).get("/overview").status_code == 403
    assert log_in(served, carol).get("/overview").json() == "carol"


# Too many logins


def test_too_many_failed_logins_have_to_wait(served, store, alice):
    served.app.state.auth.failures = FailureLimit(3, 60)
    browser = served.browser()
    failures = len([entry for entry in audit_log.log(store, limit=1000) if entry.action == "login failed"])
    statuses = [browser.post("/login", data={"token": f"guess {k}"}).status_code for k in range(5)]
    assert statuses == [403, 403, 403, 429, 429]
    response = browser.post("/login", data={"token": alice})
    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 60
    entries = [entry for entry in audit_log.log(store, limit=1000) if entry.action == "login failed"]
    assert len(entries) == failures + 3  # whoever has to wait does not fill the store
    assert entries[0].details == {"address": "127.0.0.1"}


def test_good_logins_are_not_counted(served, alice):
    served.app.state.auth.failures = FailureLimit(2, 60)
    statuses = [served.browser().post("/login", data={"token": alice}).status_code for _ in range(5)]
    assert statuses == [303] * 5
    assert served.app.state.auth.failures.wait("127.0.0.1") == 0


def test_failures_are_counted_by_address_and_forgotten_in_time():
    now = [0.0]
    limit = FailureLimit(2, 60, now=lambda: now[0])
    limit.failed("10.0.0.1")
    now[0] = 10
    limit.failed("10.0.0.1")
    assert (limit.wait("10.0.0.1"), limit.wait("10.0.0.2")) == (50, 0)
    now[0] = 59.5
    assert limit.wait("10.0.0.1") == 1
    now[0] = 60
    assert limit.wait("10.0.0.1") == 0
    limit.failed("10.0.0.1")
    assert limit.wait("10.0.0.1") == 10


def test_one_network_of_ipv6_is_one_address():
    limit = FailureLimit(1)
    limit.failed("2001:db8:0:1::1")
    assert limit.wait("2001:db8:0:1:ffff::2")
    assert not limit.wait("2001:db8:0:2::1")
    limit.failed("::ffff:10.0.0.1")
    assert not limit.wait("::ffff:10.0.0.2")
    limit.failed("somewhere")
    assert limit.wait("somewhere")


def test_the_memory_of_failures_is_bounded():
    limit = FailureLimit(1)
    for k in range(MAX_ADDRESSES + 5):
        limit.failed(str(k))
    assert len(limit._failures) == MAX_ADDRESSES
    assert (limit.wait("4"), limit.wait("5") > 0) == (0, True)


# Every response


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
def test_every_response_has_the_headers(served, caplog, request_, status):
    caplog.set_level(logging.CRITICAL, "uvicorn.error")
    response = served.browser().request(*request_)
    assert response.status_code == status
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


def test_static_files_may_be_kept_and_asked_about(served):
    response = served.browser().get("/static/file")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["content-security-policy"] == HEADERS["content-security-policy"]


@pytest.fixture
def uvicorn_is_heard(monkeypatch):
    """What another test's server may have set up keeps uvicorn's messages from pytest."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)


@pytest.mark.usefixtures("uvicorn_is_heard")
def test_a_bug_is_not_explained_to_strangers(served, caplog):
    response = served.browser().get("/break")
    assert response.status_code == 500
    assert "a bug" not in response.text
    deadline = time.monotonic() + 5
    while "RuntimeError: a bug" not in caplog.text:  # but to whoever runs the page
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.usefixtures("uvicorn_is_heard")
def test_no_token_is_in_the_log_or_sent_back(served, store, alice, caplog):
    caplog.set_level(logging.DEBUG)
    browser = log_in(served, alice)
    secret = cookie(browser).value.split(".")[0]
    browser.post("/logout", data={"csrf": csrf(browser)})
    wrong = served.browser().post("/login", data={"token": "a wrong token"})
    unfit = served.browser().post("/login", data={"token": "unfit " * 1000})
    assert unfit.status_code == 422
    logged = "".join(f"{entry.name} {entry.getMessage()}" for entry in caplog.records if "http" not in entry.name)
    assert "POST /login" in logged
    about = "".join(str(entry) for entry in audit_log.log(store))
    for said in (logged, wrong.text, unfit.text, about):
        for token in (alice, secret, "a wrong token", "unfit unfit"):
            assert token not in said


# Hosts


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "lab.example", "127.0.0.1", "127.0.0.1:8765"])
def test_names_under_which_it_is_served(served, host):
    assert served.raw(f"GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8765",
        "",
        "127.0.0.2",
        "[::1]",
        "[",
        "a:b:c",
        "\xff",
        "localhost.evil",
    ],
)
def test_names_under_which_it_is_not(served, host):
    """A name that somebody's DNS points at this machine ("rebinding") is no name of it."""
    request = f"GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")
    status, headers, body = served.raw(request)
    assert status in (400, 421)
    assert b"<form" not in body
    if status == 421:
        assert {name: headers.get(name) for name in HEADERS} == HEADERS


def test_a_request_has_one_host(served):
    for lines in ("", "Host: localhost\r\nHost: evil.example\r\n", "X-Forwarded-Host: localhost\r\nHost: evil\r\n"):
        assert served.raw(f"GET /login HTTP/1.1\r\n{lines}Connection: close\r\n\r\n".encode())[0] in (400, 421)


def test_ipv6_addresses_are_told_from_their_ports():
    assert middleware._without_port("[::1]:8765") == middleware._without_port("::1") == "::1"
    assert middleware._local_address({"server": ("::ffff:10.0.0.1", 80)}) == "10.0.0.1"
    assert middleware._local_address({"server": ("/run/page.sock", None)}) is None


# What no browser sends


FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


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
def test_odd_requests_are_refused_and_break_nothing(served, line, headers, body):
    head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    status, sent, _ = served.raw(head.encode("latin-1") + body)
    assert 400 <= status < 500
    assert "set-cookie" not in sent


def test_a_body_that_does_not_say_its_size_has_a_limit_too(served):
    chunk = b"2000\r\n" + b"x" * 0x2000 + b"\r\n"
    head = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n{FORM}\r\n".encode()
    assert served.raw(head + chunk * 9)[0] == 413


def test_a_body_that_does_not_come_is_not_waited_for(store):
    served = Served(middleware.SecurityMiddleware(make_app(store), hosts=[], body_seconds=0.2))
    head = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n{FORM}\r\n".encode()
    try:
        assert served.raw(head + b"token=")[0] == 408
    finally:
        served.close()


def test_a_websocket_is_refused(store):
    sent = []

    async def connect():
        scope = {"type": "websocket", "path": "/", "headers": [(b"host", b"localhost")]}
        await middleware.SecurityMiddleware(make_app(store), hosts=["localhost"])(scope, None, record)

    async def record(message):
        sent.append(message)

    with ThreadPoolExecutor(1) as pool:  # the browser's tests leave a loop in this thread
        pool.submit(lambda: asyncio.run(connect())).result()
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_the_schema_says_what_is_sent(served):
    paths = served.app.openapi()["paths"]
    [media] = paths["/login"]["post"]["requestBody"]["content"]
    assert media == "application/x-www-form-urlencoded"
    assert {"303", "403", "422", "429"} <= set(paths["/login"]["post"]["responses"])
    [header] = paths["/answer"]["post"]["parameters"]
    assert (header["name"], header["in"]) == ("X-CSRF", "header")
