"""A served page with drawn pedestrians on it, and a real browser in front."""

import os
import re
import shutil
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from whosame.annotation.accounts.users import add_user
from whosame.annotation.queue.tasks import PairTask
from whosame.annotation.web.app import create_app
from whosame.synthetic import SyntheticConfig, render_dataset


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """A folder of 72 drawn crops of 12 people."""
    folder = tmp_path_factory.mktemp("drawn") / "images"
    none = dict.fromkeys(("test_identities", "query_images", "gallery_images", "distractor_images", "junk_images"), 0)
    render_dataset(SyntheticConfig(train_identities=12, train_images=72, **none), folder, workers=1)
    return folder


class Site:
    """The served page, the loop's side of it, and people who may log in."""

    def __init__(self, store, queue, served, root, images):
        self.store, self.queue, self.served, self.root, self.images = store, queue, served, root, images
        self.url, self._links = f"{served.url}/", {}

    def link(self, name, role="annotator"):
        if name not in self._links:
            self._links[name] = f"{self.url}login#{add_user(self.store, name, role=role)}"
        return self._links[name]

    def ask(self, n):
        """Ask n pairs: neighbours in the folder, so that some are the same person and some not."""
        self.queue.ask([PairTask(k, k + 1, "between") for k in range(n)])

    def answers(self):
        return [event.verdict for event in self.store.answers("uid")]


@pytest.fixture
def site_of(tmp_path, sqlite_store, queue_of, serving, image_ref):
    """Serve the page for a folder of images by a thread; each test has its own store."""
    with ExitStack() as served:

        def serve(root, **run):
            paths = sorted(file.relative_to(root).as_posix() for file in root.rglob("*.jpg"))
            images = {image: image_ref(root, path) for image, path in enumerate(paths)}
            budgets = {"round": 1, "rounds": 10, "asked": 50, "budget": 500, "round_budget": 50}
            queue = queue_of(sqlite_store, images=images, root=str(root), **budgets, **run)
            return Site(sqlite_store, queue, served.enter_context(serving(create_app(sqlite_store))), root, images)

        yield serve


@pytest.fixture
def site(drawn, tmp_path, site_of):
    """The page with drawn pedestrians, in a copy of the test's own."""
    root = tmp_path / "images"
    shutil.copytree(drawn / "bounding_box_train", root / "bounding_box_train")
    return site_of(root)


@pytest.fixture
def artefacts(request, tmp_path_factory):
    """Where screenshots of this test go: WHOSAME_SCREENSHOTS, or the session's temporary folder."""
    folder = Path(os.environ.get("WHOSAME_SCREENSHOTS") or tmp_path_factory.getbasetemp() / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder / re.sub(r"\W+", "-", request.node.name)


@pytest.fixture
def open_page(browser, artefacts):
    """Open an address in a browser of its own, or in another tab; an error on the page fails the test."""
    contexts, wrong = [], []

    def open_(address, *, context=None, console=False, **options):
        if context is None:
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
            contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        if console:
            page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(address)
        return page

    yield open_
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=f"{artefacts}-{number}.png", full_page=True)
        context.close()
    assert wrong == []


@pytest.fixture
def visit_site(open_page):
    """Open a site for somebody who logs in by their link, or in another tab of one who is logged in."""

    def open_(site, name="alice", *, role="annotator", context=None, **options):
        page = open_page(site.link(name, role) if context is None else site.url, context=context, **options)
        page.wait_for_url(site.url)
        if page.locator("#pair").is_visible():
            page.locator("#left").wait_for()
        return page

    return open_


@pytest.fixture
def visit(site, visit_site):
    """Open the page with drawn pedestrians."""
    return partial(visit_site, site)


@pytest.fixture(scope="session")
def findings():
    """What axe-core finds that keeps people from using a page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def find(page):
        return [
            f"{each['id']}: {node['html']}"
            for each in axe.run(page).response["violations"]
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]

    return find
