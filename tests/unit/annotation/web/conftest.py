"""The page on a real server, and people who log in."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from whosame.annotation.accounts import users
from whosame.annotation.store.store import open_store
from whosame.annotation.web.app import create_app
from whosame.annotation.web.rate_limit import FailureLimit


class Page:
    """A served page and its label store."""

    def __init__(self, served, store):
        self.served, self.store, self.client, self.raw = served, store, served.client, served.raw

    def token(self, name="alice", role="annotator"):
        """The login token of a new user."""
        if name in [user.name for user in users.all_users(self.store)]:
            users.remove_user(self.store, name)
        return users.add_user(self.store, name, role=role)

    def log_in(self, name="alice", role="annotator", *, token=None, **headers):
        """A browser in which somebody is logged in; ``csrf`` is the token of its forms."""
        client = self.client(**headers)
        reply = client.post("/login", data={"token": token or self.token(name, role)})
        assert (reply.status_code, reply.headers["location"]) == (303, "/")
        client.csrf = self.csrf(client)
        return client

    @staticmethod
    def csrf(client, path="/"):
        return re.search(r'name="csrf" value="([^"]+)"', client.get(path, headers={"accept": "text/html"}).text)[1]

    @staticmethod
    def user(client):
        """The name of the user who is logged in; None: nobody is."""
        found = re.search(r"Logged in as (\w+)", client.get("/").text)
        return found and found[1]

    @staticmethod
    def answer(client, *, csrf=None, headers=None):
        """Answer a pair that is nobody's, and return the status: 409 where all else is right."""
        form = {"token": "x" * 43, "verdict": "same", "csrf": client.csrf if csrf is None else csrf}
        return client.post("/answer", data=form, headers={"accept": "application/json", **(headers or {})}).status_code


@pytest.fixture(scope="module")
def shared_page(serving, tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('page') / 'labels.db'}"
    with open_store(url) as store, serving(create_app(store)) as served:
        yield Page(served, store)


@pytest.fixture
def page(shared_page):
    """The page, the same for all tests of a module; none leaves clients or failed logins to the next."""
    served = shared_page.served
    served.app.state.auth.failures = FailureLimit()
    yield shared_page
    while served.clients:
        served.clients.pop().close()


@pytest.fixture
def page_of(serving):
    """Serve the page of a store until the test ends: ``page_of(store, runs=…)``."""
    with ExitStack() as stack:
        yield lambda store, **options: Page(stack.enter_context(serving(create_app(store, **options))), store)


@pytest.fixture
def uvicorn_is_heard(monkeypatch):
    """What another test's server may have set up keeps uvicorn's messages from pytest."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        for attribute, value in (("propagate", True), ("disabled", False), ("level", logging.DEBUG)):
            monkeypatch.setattr(logging.getLogger(name), attribute, value)


@pytest.fixture
def in_a_thread():
    """Call a function that runs an event loop: the browser's tests leave one in this thread."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda function, *given: pool.submit(function, *given).result()
