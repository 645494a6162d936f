"""A served page with drawn pedestrians on it, and a real browser in front."""

import hashlib
import os
import re
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn

from whosame.annotation.accounts.users import add_user
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.store.store import LabelStore, open_store
from whosame.annotation.web.app import create_app
from whosame.annotation.web.server import listen
from whosame.synthetic import SyntheticConfig, render_dataset


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """A folder of 72 drawn crops of 12 people, and what the store says of each."""
    folder = tmp_path_factory.mktemp("drawn") / "images"
    none = dict.fromkeys(("test_identities", "query_images", "gallery_images", "distractor_images", "junk_images"), 0)
    render_dataset(SyntheticConfig(train_identities=12, train_images=72, **none), folder, workers=1)
    files = sorted((folder / "bounding_box_train").glob("*.jpg"))
    return folder, [
        ImageRef(file.relative_to(folder).as_posix(), hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest())
        for file in files
    ]


@dataclass
class Site:
    """The served page, the loop's side of it, and people who may log in."""

    store: LabelStore
    url: str
    root: Path
    images: list
    campaign: TaskQueue
    server: uvicorn.Server
    links: dict = field(default_factory=dict)

    def link(self, name, role="annotator"):
        if name not in self.links:
            self.links[name] = f"{self.url}login#{add_user(self.store, name, role=role)}"
        return self.links[name]

    def ask(self, n, first=0):
        """Put n pairs: neighbours in the folder, so that some are the same person and some not."""
        self.campaign.ask([PairTask(k, k + 1, "between") for k in range(first, first + n)])

    def said(self):
        return [event.verdict for event in self.store.answers("uid")]


@pytest.fixture
def site(drawn, tmp_path):
    """The page, served on a free port by a thread; each test has its own store and its own copy of the images."""
    folder, images = drawn
    root = shutil.copytree(folder, tmp_path / "images")
    with open_store(f"sqlite:///{tmp_path / 'labels.db'}") as store:
        about = RunInfo("uid", "demo", str(root), 1, 10, 50, 500, 50)
        campaign = TaskQueue(store, about, dict(enumerate(images)))
        campaign.begin()
        listener = listen("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(create_app(store), log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Site(store, f"http://127.0.0.1:{listener.getsockname()[1]}/", root, images, campaign, server)
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def artefacts(request, tmp_path_factory):
    """Where screenshots of this test go: WHOSAME_SCREENSHOTS, or the session's temporary folder."""
    folder = Path(os.environ.get("WHOSAME_SCREENSHOTS") or tmp_path_factory.getbasetemp() / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / re.sub(r"\W+", "-", request.node.name)


@pytest.fixture
def visit(browser, site, artefacts):
    """Open the page for somebody who logs in by their link; what a page logs as an error fails the test."""
    contexts, wrong = [], []

    def open_page(name="alice", *, role="annotator", context=None, **options):
        where = site.link(name, role) if context is None else site.url  # another tab of one who is logged in
        if context is None:
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(where)
        page.wait_for_url(site.url)
        if page.locator("#pair").is_visible():
            page.locator("#left").wait_for()
        return page

    yield open_page
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=f"{artefacts}-{number}.png")
        context.close()
    assert wrong == []
