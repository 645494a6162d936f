"""Logging in with a real browser, and what another site can make that browser do."""

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from whosame.annotation.accounts.users import add_user
from whosame.annotation.store import audit_log
from whosame.annotation.web.app import create_app


@pytest.fixture
def served(sqlite_store, serving):
    with serving(create_app(sqlite_store)) as served:
        yield served


@pytest.fixture
def tab(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


def log_in(tab, served, token):
    tab.goto(f"{served.url}/login#{token}")
    tab.wait_for_url(f"{served.url}/")


def logins(store):
    return [(entry.actor, entry.action) for entry in audit_log.log(store) if entry.action != "added"]


def test_the_link_logs_in_and_its_token_goes_nowhere_else(tab, served, sqlite_store):
    token = add_user(sqlite_store, "alice")
    seen, complaints = [], []
    tab.on("request", lambda request: seen.append(f"{request.url} {request.headers}"))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    log_in(tab, served, token)
    assert logins(sqlite_store) == [("alice", "logged in")]
    assert len(seen) > 3
    assert token not in "".join(seen)  # neither in an address nor in a referrer
    assert tab.evaluate("document.cookie") == ""  # no script can read it
    assert complaints == []  # the policy forbids nothing that the page needs
    tab.go_back()
    assert token not in tab.url


def test_a_wrong_link_is_told(tab, served, sqlite_store):
    tab.goto(f"{served.url}/login#wrong")
    assert "ask the person who runs the page for a new one" in tab.get_by_role("alert").inner_text()
    assert logins(sqlite_store) == [("(unknown)", "login failed")]


def test_after_logout_going_back_shows_nothing(tab, served, sqlite_store):
    log_in(tab, served, add_user(sqlite_store, "alice"))
    tab.get_by_role("button", name="Log out").click()
    tab.wait_for_url(f"{served.url}/login")
    tab.go_back()
    tab.goto(f"{served.url}/")
    assert tab.url == f"{served.url}/login"
    assert logins(sqlite_store) == [("alice", "logged out"), ("alice", "logged in")]


def test_another_site_can_neither_post_nor_frame_nor_read(tab, served, serving, sqlite_store):
    """Another port of this machine: the browser counts it as the same site and sends the cookie along."""
    alice, bob = add_user(sqlite_store, "alice"), add_user(sqlite_store, "bob")
    log_in(tab, served, alice)
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

    with serving(evil) as other:
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
    assert logins(sqlite_store) == [("alice", "logged in")]
