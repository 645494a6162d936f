"""Who gets in: logins, cookies, form tokens, and whatever another site or a thief may send."""

import logging
import re
from hashlib import sha256

import pytest
from itsdangerous import Signer
from sqlalchemy import text

from whosame.annotation.accounts import users
from whosame.annotation.accounts.sessions import IDLE_LIMIT, signing_key
from whosame.annotation.store import audit_log
from whosame.annotation.web.app import create_app
from whosame.annotation.web.rate_limit import FailureLimit


def cookie(client):
    [kept] = client.cookies.jar
    return kept


def with_cookie(page, name, value, **headers):
    """A browser that sends a cookie which it was not given."""
    return page.client(cookie=f"{name}={value}".encode("latin-1"), accept="application/json", **headers)


@pytest.mark.parametrize("typed", ["{token}", "  http://somewhere/login#{token}\n"], ids=["token", "link"])
def test_a_token_or_the_whole_link_logs_in(page, typed):
    client = page.log_in(token=typed.format(token=page.token()))
    assert page.user(client) == "alice"
    assert page.answer(client) == 409


def test_a_token_in_the_address_does_nothing(page):
    client, token = page.client(), page.token()
    assert client.get("/login", params={"token": token}).headers.get("set-cookie") is None
    assert client.get("/", params={"token": token}).status_code == 303
    assert client.post(f"/login?token={token}").status_code == 422


def test_the_login_page_works_without_a_script_and_loads_nothing_from_outside(page):
    response = page.client().get("/login")
    assert response.status_code == 200
    assert '<form method="post" action="/login"' in response.text
    assert not re.findall(r"(?:src|href)=\"(?!/)", response.text)
    assert not re.search(r"<script>| style=| on\w+=", response.text)


def test_the_cookie_is_for_this_page_alone(page, page_of, sqlite_store):
    token = page.token()
    response = page.client().post("/login", data={"token": token})
    said = response.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= set(said.split("; "))
    assert "domain" not in said
    assert "secure" not in said
    assert token not in str(response.headers)
    secure = page_of(sqlite_store, secure=True)
    said = secure.client().post("/login", data={"token": secure.token()}).headers["set-cookie"]
    assert said.startswith("__Host-whosame-")
    assert "Secure" in said
    names = {app.state.auth.cookie for app in (page.served.app, create_app(sqlite_store))}
    assert len(names) == 2  # the pages of two projects on one machine do not share it


OPEN = {("GET", "/login"), ("POST", "/login"), ("GET", "/about"), ("GET", "/static")}


def test_nobody_gets_in_without_a_login(page, routes_of):
    """A new route that asks for no login is to be named here, with its reason in security.md."""
    page.token("alice")
    routes = set(routes_of(page.served.app))
    assert {("GET", "/"), ("POST", "/answer"), ("GET", "/picture/{token}"), ("POST", "/overview/settle")} < routes
    browser, script = page.client(), page.client(accept="application/json")
    let_in = set()
    for method, path in routes:
        path_of_one = re.sub(r"{\w+}", "1", path)
        refused, sent_away = script.request(method, path_of_one), browser.request(method, path_of_one)
        if (refused.status_code, sent_away.headers.get("location")) != (401, "/login"):
            let_in.add((method, path))
        assert "alice" not in refused.text + sent_away.text
    assert let_in == OPEN
    about = script.get("/about").json()
    assert about.keys() == {"store"}
    assert re.fullmatch("[0-9a-f]{32}", about["store"])  # not where it is


@pytest.mark.parametrize("token", ["", " ", "wrong", "a" * 43, "é" * 43, "' OR 1=1 --", "😀", "#", "x" * 4096])
def test_wrong_tokens_are_refused(page, token):
    response = page.client().post("/login", data={"token": token})
    assert response.status_code in (403, 422)
    assert "set-cookie" not in response.headers


def test_a_cookie_is_worth_nothing_after_logout(page):
    client = page.log_in()
    stolen = cookie(client)
    response = client.post("/logout", data={"csrf": client.csrf})
    assert (response.status_code, response.headers["location"]) == (303, "/login")
    assert not client.cookies
    thief = with_cookie(page, stolen.name, stolen.value)
    assert thief.get("/").status_code == 401
    assert page.answer(thief, csrf=client.csrf) == 401


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
def test_a_cookie_is_worth_nothing_when_its_session_is_over(page, change):
    client = page.log_in(accept="application/json")
    assert client.get("/").status_code == 200
    with page.store.writing() as connection:
        connection.execute(text(change))
    assert client.get("/").status_code == 401


def test_removal_and_rotation_end_logins_at_once(page):
    client = page.log_in()
    other = page.log_in(token=users.rotate_token(page.store, "alice"))
    assert client.get("/").status_code == 303
    assert other.get("/").status_code == 200
    users.remove_user(page.store, "alice")
    assert other.get("/").status_code == 303


def test_the_link_opened_again_keeps_the_login_and_anothers_replaces_it(page):
    alice, carol = page.token("alice"), page.token("carol")
    client = page.log_in(token=alice)
    first, old = client.csrf, cookie(client)
    client.post("/login", data={"token": alice})
    assert page.csrf(client) == first
    client.post("/login", data={"token": carol})
    assert page.user(client) == "carol"
    assert with_cookie(page, old.name, old.value).get("/").status_code == 401


def test_forged_cookies_are_refused(page):
    """The key that signs is in the database, and so is a hash of each secret: neither is enough."""
    token = page.token()
    kept = cookie(page.log_in(token=token))
    secret, signature = kept.value.rsplit(".", 1)
    values = ["", ".", secret, f"{secret}.", f".{signature}", f"{secret}x.{signature}", f"{secret}.{signature[:-2]}AA"]
    with page.store.reading() as connection:
        session = connection.scalar(text("SELECT id FROM sessions WHERE NOT ended ORDER BY started_at DESC LIMIT 1"))
    assert session == users.token_hash(secret)
    options = {"salt": "whosame.session", "key_derivation": "hmac", "digest_method": sha256}
    signer = Signer(signing_key(page.store), **options)
    assert signer.unsign(kept.value).decode() == secret  # the real one
    values += [signer.sign(session).decode(), Signer("0" * 64, **options).sign(secret).decode()]
    for value in [*values, "a" * 4000, "%00", "\xe9.\xff", session, token, "null", "{}"]:
        assert with_cookie(page, kept.name, value).get("/").status_code == 401, value


def test_forms_without_their_token_are_refused(page):
    alice = page.token("alice")
    client, earlier, other = page.log_in(token=alice), page.log_in(token=alice), page.log_in("carol")
    good = client.csrf
    assert good != earlier.csrf
    for wrong in ("", "x", "é", other.csrf, earlier.csrf, good[:-1], good + "0", "\ufffd"):
        assert page.answer(client, csrf=wrong) == 403, wrong
    for path in ("/answer", "/logout"):
        assert client.post(path, data={"token": "x" * 43, "verdict": "same"}).status_code == 403
    assert page.user(client) == "alice"  # nobody is logged out


def test_a_script_may_send_the_form_token_as_a_header(page):
    client = page.log_in()
    assert page.answer(client, csrf="", headers={"x-csrf": client.csrf}) == 409
    assert page.answer(client, headers={"x-csrf": "wrong"}) == 403
    assert page.answer(client, csrf="", headers={"x-csrf": b"\xe9"}) == 403


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
def test_what_another_site_sends_is_refused_though_all_else_is_right(page, headers):
    headers = {name: value.replace("{port}", str(page.served.port)) for name, value in headers.items()}
    token = page.token()
    client = page.log_in(token=token)
    assert page.answer(client, headers=headers) == 403
    assert client.post("/logout", data={"csrf": client.csrf}, headers=headers).status_code == 403
    response = page.client().post("/login", data={"token": token}, headers=headers)
    assert response.status_code == 403  # or somebody would answer under another's name without knowing
    assert "set-cookie" not in response.headers


def test_what_the_page_itself_sends_is_taken(page):
    client = page.log_in(origin=page.served.url, **{"sec-fetch-site": "same-origin"})
    assert page.answer(client) == 409
    assert page.answer(client, headers={"origin": "https://localhost:8443", "host": "localhost:8443"}) == 409  # by TLS


def test_too_many_failed_logins_have_to_wait_and_good_ones_are_not_counted(page):
    def failures():
        return [entry.details for entry in audit_log.log(page.store, limit=1000) if entry.action == "login failed"]

    auth, client, token, before = page.served.app.state.auth, page.client(), page.token(), len(failures())
    auth.failures = FailureLimit(3, 60)
    assert [page.client().post("/login", data={"token": token}).status_code for _ in range(5)] == [303] * 5
    assert auth.failures.wait("127.0.0.1") == 0
    statuses = [client.post("/login", data={"token": f"guess {k}"}).status_code for k in range(5)]
    assert statuses == [403, 403, 403, 429, 429]
    response = client.post("/login", data={"token": token})
    assert response.status_code == 429
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert failures()[: len(failures()) - before] == [{"address": "127.0.0.1"}] * 3  # who waits fills no log


@pytest.mark.usefixtures("uvicorn_is_heard")
def test_no_token_is_in_the_log_or_sent_back(page, caplog):
    caplog.set_level(logging.DEBUG)
    token = page.token()
    client = page.log_in(token=token)
    secret = cookie(client).value.split(".")[0]
    client.post("/logout", data={"csrf": client.csrf})
    wrong = page.client().post("/login", data={"token": "a wrong token"})
    unfit = page.client().post("/login", data={"token": "unfit " * 1000})
    assert unfit.status_code == 422
    logged = "".join(f"{entry.name} {entry.getMessage()}" for entry in caplog.records if "http" not in entry.name)
    assert "POST /login" in logged
    for said in (logged, wrong.text, unfit.text, "".join(map(str, audit_log.log(page.store)))):
        for secret_ in (token, secret, "a wrong token", "unfit unfit"):
            assert secret_ not in said


def test_the_schema_says_what_is_sent(page):
    paths = page.served.app.openapi()["paths"]
    assert list(paths["/login"]["post"]["requestBody"]["content"]) == ["application/x-www-form-urlencoded"]
    assert {"303", "403", "422", "429"} <= set(paths["/login"]["post"]["responses"])
    [header] = paths["/answer"]["post"]["parameters"]
    assert (header["name"], header["in"]) == ("X-CSRF", "header")
