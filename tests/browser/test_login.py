"""Logging in with a real browser, and what another site can make that browser do."""

import asyncio
import socket
import threading
import time

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from whosame.annotation.accounts import users
from whosame.annotation.store import audit_log
from whosame.annotation.store.store import open_store
from whosame.annotation.web.app import create_app


class Serving:
    def __init__(self, app):
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", log_config=None))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve([listening])))

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_):
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'labels.db'}") as store:
        yield store


@pytest.fixture
def served(store):
    with Serving(create_app(store)) as served:
        yield served


@pytest.fixture
def tab(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


def logged_in(tab, served, token):
    tab.goto(f"{served.url}/login#{token}")
    tab.wait_for_url(f"{served.url}/")
    return tab


def logins(store):
    return [(entry.actor, entry.action) for entry in audit_log.log(store) if entry.action != "added"]


def test_the_link_logs_in_and_its_token_goes_nowhere_else(tab, served, store):
    token = users.add_user(store, "alice")
    seen = []
    tab.on("request", lambda request: seen.append(f"{request.url} {request.headers}"))
    complaints = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    logged_in(tab, served, token)
    assert logins(store) == [("alice", "logged in")]
    assert len(seen) > 3
    assert token not in "".join(seen)  # neither in an address nor in a referrer
    assert tab.evaluate("document.cookie") == ""  # no script can read it
    assert complaints == []  # the policy forbids nothing that the page needs
    tab.go_back()
    assert token not in tab.url


def test_without_a_script_one_pastes_the_link(browser, served, store):
    token = users.add_user(store, "alice")
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(f"{served.url}/login#{token}")
    tab.get_by_label("Your login link").fill(tab.url)
    tab.get_by_role("button", name="Log in").click()
    tab.wait_for_url(f"{served.url}/")
    context.close()
    assert logins(store) == [("alice", "logged in")]


def test_a_wrong_link_is_told(tab, served, store):
    tab.goto(f"{served.url}/login#wrong")
    assert "ask whoever runs the page for a new one" in tab.get_by_role("alert").inner_text()
    assert logins(store) == [("(unknown)", "login failed")]


def test_after_logout_going_back_shows_nothing(tab, served, store):
    logged_in(tab, served, users.add_user(store, "alice"))
    tab.get_by_role("button", name="Log out").click()
    tab.wait_for_url(f"{served.url}/login")
    tab.go_back()
    tab.goto(f"{served.url}/")
    assert tab.url == f"{served.url}/login"
    assert logins(store) == [("alice", "logged out"), ("alice", "logged in")]


def test_another_site_can_neither_post_nor_frame_nor_read(tab, served, store):
    """Another port of this machine: the browser counts it as the same site and sends the cookie along."""
    alice, bob = users.add_user(store, "alice"), users.add_user(store, "bob")
    logged_in(tab, served, alice)
    cookie = tab.context.cookies()[0]["value"]
    evil = FastAPI()
    statuses, sent = [], []
    tab.on("response", lambda response: statuses.append((response.request.method, response.url, response.status)))
    tab.on("request", lambda request: sent.append(request.all_headers().get("cookie", "")))

    @evil.get("/{what}")
    def site(what: str):
        action, field = {"logout": ("/logout", "csrf"), "login": ("/login", "token")}.get(what, ("", ""))
        form = f'<form method="post" action="{served.url}{action}"><input name="{field}" value="{bob}"></form>'
        frame = f'<iframe src="{served.url}/"></iframe><img src="{served.url}/static/icon.svg">'
        script = "document.forms[0].submit()" if action else ""
        return HTMLResponse(f"{form}{frame if not action else ''}<script>{script}</script>")

    with Serving(evil) as other:
        for what in ("logout", "login"):
            with tab.expect_response(f"{served.url}/{what}"):
                tab.goto(f"{other.url}/{what}")
            tab.wait_for_load_state()
        tab.goto(f"{other.url}/frame")
        assert all("Log out" not in frame.content() for frame in tab.frames)
        assert tab.evaluate("document.images[0].naturalWidth") == 0
        read = "async url => { try { return await (await fetch(url, {credentials: 'include'})).text() } catch { return 'refused' } }"
        assert tab.evaluate(read, f"{served.url}/") == "refused"
        posts = {(url, status) for method, url, status in statuses if method == "POST"}
        assert posts == {(f"{served.url}/logout", 403), (f"{served.url}/login", 403)}
    assert any(cookie in header for header in sent)  # it was the page that refused, not the browser
    assert logins(store) == [("alice", "logged in")]
