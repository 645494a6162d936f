"""Whatever is sent to the page, by whoever is logged in: no error of the server, and no answer that nobody gave."""

import re
import shutil
import sqlite3
from contextlib import closing, contextmanager
from itertools import combinations
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from PIL import Image
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from sqlalchemy import event
from sqlalchemy.pool import Pool

from whosame.annotation.accounts.users import add_user
from whosame.annotation.store.store import open_store
from whosame.annotation.web.app import create_app

ROLES = ("annotator", "coordinator")
BROKEN = (
    "a\x00b",
    "..",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%ff%fe",
    "a" * 5000,
    "\ud800".encode("utf-8", "surrogatepass"),
    "'; DROP TABLE tasks; --",
    "<script>",
    "🂡" * 100,
    "-1",
    str(2**63),
    "1e999",
    "NaN",
    "",
)


class Site:
    """A run of some pairs, its images, the page, and somebody of each role who is logged in."""

    def __init__(self, store, root, served):
        self.store, self.root, self.served, self.url = store, root, served, served.url
        self.headers = {role: self._log_in(role) for role in ROLES}

    def browser(self, role="annotator", **headers):
        return self.served.client(**{**self.headers[role], **headers})

    def _log_in(self, role):
        browser = self.served.client()
        assert browser.post("/login", data={"token": add_user(self.store, role, role=role)}).status_code == 303
        csrf = re.search(r'data-csrf="(\w+)"', browser.get("/").text)[1]
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        return {"cookie": cookie, "x-csrf": csrf, "accept": "application/json"}


@pytest.fixture(scope="session")
def site_of(serving, queue_of, image_ref):
    """Serve the page of a store with 300 pairs of 30 images."""

    @contextmanager
    def make(store, root):
        root.mkdir()
        for k in range(30):
            Image.new("RGB", (16, 32), (k, 2 * k, 3 * k)).save(root / f"{k}.png")
        images = {k: image_ref(root, f"{k}.png") for k in range(30)}
        pairs = list(combinations(range(30), 2))[:300]
        queue_of(store, pairs, images=images, root=str(root), budget=900, round_budget=300)
        with serving(create_app(store)) as served:
            yield Site(store, root, served)

    return make


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request, tmp_path_factory, site_of):
    folder = tmp_path_factory.mktemp("fuzz")
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{folder}/labels.db" if sqlite else request.getfixturevalue("new_postgresql")()
    with open_store(url) as store, site_of(store, folder / "images") as site:
        yield site


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(
    ("site", "role"),
    [("sqlite", "annotator"), ("sqlite", "coordinator"), ("postgresql", "coordinator")],
    indirect=["site"],
)
def test_what_the_schema_allows_and_what_it_does_not(site, role, mode):
    operations = [
        found.ok() for found in schemathesis.openapi.from_dict(site.served.app.openapi()).get_all_operations()
    ]
    assert len(operations) >= 7
    for operation in operations:
        if operation.path == "/logout":  # it would end the login with which the others are sent
            continue

        @settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(generation_mode=mode))
        def send(case):
            response = case.call(base_url=site.url, headers=site.headers[role])
            case.validate_response(response, checks=[not_a_server_error])

        try:
            send()
        except Unsatisfiable:  # nothing that the schema forbids, of a route without parameters
            assert mode == GenerationMode.NEGATIVE


def sent(browser, where, value):
    """Send a value as a parameter; all else is right."""
    [held, *_] = browser.get("/pairs").json()["pairs"]
    forms = {
        "/answer": {"token": held["token"], "verdict": "same", "seconds": "1"},
        "/skip": {"token": held["token"]},
        "/undo": {"event": "1"},
        "/login": {"token": "x"},
    }
    path, name = where
    if path in forms:
        raw = value if isinstance(value, bytes) else value.encode()
        fields = {key: quote(text).encode() for key, text in forms[path].items()} | {name: quote(raw).encode()}
        body = b"&".join(key.encode() + b"=" + text for key, text in fields.items())
        return browser.post(path, content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    value = quote(value, safe="")
    return browser.get(f"{path}{value}" if name is None else f"{path}?{name}={value}")


PLACES = [
    *[("/answer", name) for name in ("token", "verdict", "seconds", "shown", "csrf")],
    *[("/skip", "token"), ("/undo", "event"), ("/login", "token")],
    *[("/picture/", None), ("/static/", None), ("/", None), ("/", "refused"), ("/pairs", "x")],
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[0]} {place[1]}")
def test_odd_values_in_every_place(site, place):
    browser = site.browser()
    before = site.store.answers("uid")
    for value in BROKEN:
        response = sent(browser, place, value)
        assert response.status_code < 500, value
        assert b"root:" not in response.content
        assert b"Traceback" not in response.content
        if place in (("/answer", "token"), ("/answer", "verdict")):
            assert response.status_code in (400, 409, 413, 422), value
            assert site.store.answers("uid") == before


def test_without_a_login_nothing_is_answered_or_shown(site, routes_of):
    """Whatever else is right: tokens and numbers are those of pairs that somebody has."""
    browser = site.browser(cookie="", **{"x-csrf": ""})
    [held, *_] = site.browser().get("/pairs").json()["pairs"]
    before = site.store.answers("uid")
    form = {"token": held["token"], "verdict": "same", "event": "1", "task": "1", "run": "uid"}
    asked = [
        (method, path) for method, path in routes_of(site.served.app) if path not in ("/login", "/about", "/static")
    ]
    assert len(asked) >= 9
    for method, path in asked:
        where = path.format(token=held["left"], task="1")
        assert browser.request(method, where, data=form).status_code == 401, (method, path)
    assert site.store.answers("uid") == before


def test_pictures_that_are_not_and_one_that_was_deleted_while_it_waited(site):
    browser = site.browser("coordinator")
    assert browser.get(f"/picture/{'A' * 22}").status_code == 404
    [held, *_] = browser.get("/pairs").json()["pairs"]
    shown = browser.get(f"/picture/{held['left']}")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    moved = shutil.move(site.root, site.root.with_name("moved"))
    gone = browser.get(f"/picture/{held['left']}")
    assert (gone.status_code, "Traceback" in gone.text) == (410, False)
    answered = browser.post("/answer", data={"token": held["token"], "verdict": "unsure"})
    assert answered.status_code == 200  # what cannot be seen can still be answered, or skipped
    shutil.move(moved, site.root)
    assert browser.get(f"/picture/{held['left']}").status_code == 200


@pytest.fixture
def own(tmp_path, site_of):
    """A page whose database may be broken."""
    url = f"sqlite:///{tmp_path}/labels.db"
    with open_store(url, lock_timeout=0.2) as store, site_of(store, tmp_path / "images") as site:
        yield site
    if event.contains(Pool, "checkout", enough_room):
        event.remove(Pool, "checkout", enough_room)


@contextmanager
def locked(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def no_room(raw, *_):
    if isinstance(raw, sqlite3.Connection):
        raw.execute("PRAGMA max_page_count = 1")


def enough_room(raw, *_):
    if isinstance(raw, sqlite3.Connection):
        raw.execute("PRAGMA max_page_count = 1000000")


@contextmanager
def full(path):
    event.listen(Pool, "checkout", no_room)
    yield
    event.remove(Pool, "checkout", no_room)
    event.listen(Pool, "checkout", enough_room)  # until the test ends


@contextmanager
def gone(path):
    moved = path.with_name("moved.db")
    path.rename(moved)
    yield
    moved.rename(path)


@contextmanager
def of_another_schema(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("ALTER TABLE tasks RENAME TO elsewhere")
        yield
        other.execute("ALTER TABLE elsewhere RENAME TO tasks")


@pytest.mark.parametrize("trouble", [locked, full, gone, of_another_schema])
def test_trouble_with_the_database_is_said_and_nothing_is_lost(own, tmp_path, trouble):
    browser = own.browser()
    pairs, saved = browser.get("/pairs").json()["pairs"], []
    with trouble(tmp_path / "labels.db"):
        for _ in range(250):  # a full disk may have room for some
            given = {"token": pairs[0]["token"], "verdict": "same"}
            response = browser.post("/answer", data=given)
            if response.status_code != 200:
                break
            saved.append(given["token"])
            pairs = response.json()["pairs"]
        assert response.status_code == 503
        assert response.json() == {"detail": "The label store cannot be reached just now."}
        page = browser.get("/", headers={"Accept": "text/html"})
        assert page.status_code in ((200, 503) if trouble in (full, gone) else (503,))  # reading may go on
        assert "Traceback" not in page.text
    again = browser.post("/answer", data=given)  # as the page's script does
    assert (again.status_code, again.json()["saved"]) == (200, "same")
    assert [event.lease for event in own.store.answers("uid")] == [*saved, given["token"]]
