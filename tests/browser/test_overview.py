"""The overview in a real browser: a round with three people at work, a dispute settled by key, clusters that change."""

import json
import re
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from playwright.sync_api import expect

from whosame.annotation.accounts.users import add_user
from whosame.annotation.quality.answered_pairs import answered_pair, disputes
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.queue.tasks import PairTask, RunInfo, TaskQueue
from whosame.annotation.store.store import LabelStore, open_store
from whosame.annotation.web.app import create_app
from whosame.annotation.web.server import listen
from whosame.data.indexing import index_images
from whosame.data.source import SourceConfig

PAIRS = 30  # of the round
ERRING = {"alice": 0.03, "bob": 0.15, "carol": 0.1}  # share of wrong answers


@dataclass
class Round:
    """A round that people have been answering for ten minutes, its folder, and the page in front of it."""

    store: LabelStore
    campaign: TaskQueue
    url: str
    link: str


@pytest.fixture(scope="module")
def data(drawn, tmp_path_factory):
    """The data folder of a project: images, their index, and a run that has clustered them none too well."""
    folder, _ = drawn
    data = tmp_path_factory.mktemp("data")
    root = Path(shutil.copytree(folder, data / "images"))
    manifest = index_images(SourceConfig(layout="folder", images=str(root)), data)
    train = manifest.image_ids("train")
    who = manifest.identities(train)
    generator = np.random.default_rng(0)
    people, places = np.unique(who, return_inverse=True)
    vectors = generator.normal(size=(len(people), 16))[places] + generator.normal(scale=0.25, size=(len(train), 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = places // 2  # two people in every cluster ...
    labels[generator.random(len(train)) < 0.15] = -1  # ... and some images in none
    labels = np.unique(labels, return_inverse=True)[1] - 1
    made = data / "runs" / "mine" / "round_001"
    made.mkdir(parents=True)
    np.save(made / "clusters.npy", labels.astype(np.int64))
    np.savez(made / "features.npz", vectors=vectors.astype(np.float32), map_height=4)
    about = {
        "uid": "uid",
        "manifest": {"digest": manifest.digest},
        "configuration": {"clustering": {"centre_cameras": False, "reuse": True}},
    }
    (data / "runs" / "mine" / "run.json").write_text(json.dumps(about))
    return data, manifest, labels


@pytest.fixture
def round_(data, tmp_path, clock, people_of):
    folder, manifest, labels = data
    train = manifest.image_ids("train")
    who = dict(zip(train.tolist(), manifest.identities(train).tolist(), strict=True))
    images = {image: ImageRef(manifest.table["path"].iat[image], manifest.table["digest"].iat[image]) for image in who}
    clock.time = time.time() - 600
    with open_store(f"sqlite:///{tmp_path / 'labels.db'}") as store:
        about = RunInfo("uid", "mine", str(manifest.root), 1, 10, 50, 500, 50, overlap=2)
        campaign = TaskQueue(store, about, images)
        campaign.begin()
        inside = [pair for pair in pairs_within(labels) if who[int(train[pair[0]])] != who[int(train[pair[1]])]]
        alike = [pair for pair in pairs_within(labels) if pair not in inside]
        asked = [pair for both in zip(inside[::2], alike[::2], strict=False) for pair in both][:PAIRS]
        circle = in_a_circle(alike, inside)
        asked = [*circle, *(pair for pair in asked if pair not in circle)][:PAIRS]
        assert len(asked) == PAIRS
        wrong = tuple(train[list(circle[1])].tolist())
        campaign.ask([PairTask(int(train[a]), int(train[b]), "within") for a, b in asked])
        people_answer(store, people_of(store, now=clock), who, clock, wrong)
        listener = listen("127.0.0.1", 0)
        app = create_app(store, runs=folder / "runs")
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        yield Round(store, campaign, url, f"{url}login#{add_user(store, 'chief', role='coordinator')}")
        server.should_exit = True
        thread.join(10)
        listener.close()


def pairs_within(labels):
    rows = range(len(labels))
    return [(a, b) for a in rows for b in rows if a < b and labels[a] == labels[b] >= 0]


def in_a_circle(alike, others):
    """Return two pairs that share an image, and the pair that closes the circle: one person, another, not the same."""
    for x, y in alike:
        for pair in others:
            if x in pair:
                z = sum(pair) - x
                return [(x, y), tuple(sorted((y, z))), pair]
    raise AssertionError("the clusters are too good")


def people_answer(store, people, who, clock, wrong):
    """Let two people answer most pairs, and a third decide some of those on which they disagree."""
    generator = np.random.default_rng(1)
    for name in ERRING:
        add_user(store, name)
    for turn in range(2 * PAIRS - 4):
        name = ("alice", "bob")[turn % 2] if turn < 2 * PAIRS - 8 else "carol"
        [held] = people.lease(name)
        images = answered_pair(store, "uid", held.task).images
        told = "same" if (who[images[0]] == who[images[1]]) != (generator.random() < ERRING[name]) else "different"
        told = "unsure" if turn in (11, 40) else told
        if turn < 6:  # of these three pairs both say the same, and what they say cannot be
            told = "same" if images == wrong or who[images[0]] == who[images[1]] else "different"
        took = float(generator.lognormal(1.2, 0.4))
        clock.time += took
        receipt = people.answer(name, held, told, took)
        if turn == 20:
            people.answer(name, people.undo(name, receipt.event), told, took)
        if turn == 30:
            people.skip(name, people.lease(name)[0])
    clock.time = time.time()
    people.lease("alice")


@pytest.fixture
def chief(browser, round_, artefacts):
    """The overview, open for a coordinator; what a page logs as an error fails the test."""
    wrong = []

    def open_page(path="overview", **options):
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(round_.link)
        page.wait_for_url(round_.url)
        page.goto(round_.url + path)
        return page

    contexts = []
    yield open_page
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=f"{artefacts}-{number}.png", full_page=True)
        context.close()
    assert wrong == []


def findings(page):
    """Return what axe-core finds that keeps people from using the page."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page).response["violations"]
    return [
        f"{each['id']}: {node['html']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def loaded(page):
    """Scroll through, so that every picture is asked for, and return those that did not come."""
    for picture in page.locator("main img").all():
        picture.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    return page.locator("main img").evaluate_all("all => all.filter(one => !one.naturalWidth).length")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_the_overview_shows_a_round_at_work(round_, chief, artefacts, scheme, width):
    page = chief(color_scheme=scheme, viewport={"width": width, "height": 900})
    expect(page.get_by_role("heading", name="Round 2 of 10 mine · asking people")).to_be_visible()
    assert page.locator("#overview .card form").count() >= 1
    assert page.get_by_role("row").filter(has_text="alice").get_by_text("answering").is_visible()
    assert loaded(page) == 0
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width  # the table scrolls in itself
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=f"{artefacts}-top.png", full_page=True, clip={"x": 0, "y": 0, "width": width, "height": 1300})


def test_disputes_are_settled_by_key_one_after_the_other(round_, chief):
    waiting = [one.task for one in disputes(round_.store, "uid", undecided=True)]
    assert len(waiting) >= 2
    page = chief()
    page.get_by_role("link", name="Settle them one by one").click()
    expect(page).to_have_url(re.compile(f"/overview/pair/{waiting[0]}"))
    expect(page.get_by_role("button", name="Same")).to_have_attribute("aria-keyshortcuts", "f")
    for key in ("Control+f", "Alt+j", "Shift+F", "Meta+j"):
        page.keyboard.press(key)
    assert answered_pair(round_.store, "uid", waiting[0]).verdict is None
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(f"/overview/pair/{waiting[1]}"))
    assert answered_pair(round_.store, "uid", waiting[0]).verdict == "different"
    assert findings(page) == []
    page.go_back()
    page.keyboard.press("f")  # thought better of it
    page.wait_for_url(re.compile(f"/overview/pair/{waiting[1]}"))
    assert [said.verdict for said in answered_pair(round_.store, "uid", waiting[0]).answers if said.settles] == [
        "different",
        "same",
    ]


def test_the_last_one_leads_back_and_buttons_settle_too(round_, chief):
    page = chief()
    while (form := page.locator("#open-title ~ .cards form")).count():
        before = len(disputes(round_.store, "uid", undecided=True))
        form.first.get_by_role("button", name="unsure").click()
        page.wait_for_url(re.compile("settled"))
        expect(page.get_by_role("status")).to_have_text("Settled.")
        assert len(disputes(round_.store, "uid", undecided=True)) == before - 1
    expect(page.get_by_text("No pair waits because people disagree.")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
def test_a_pair_shows_its_clusters_before_and_after(round_, chief, width):
    split = next(
        one
        for one in (answered_pair(round_.store, "uid", task) for task in range(4, PAIRS))
        if one.verdict == "different" and not one.disputed
    )
    page = chief(f"overview/pair/{split.task}", viewport={"width": width, "height": 900})
    groups = page.locator(".previews > div")
    before, after = (groups.nth(side).locator("figure.cluster") for side in (0, 1))
    expect(before.first.locator(".mark")).to_have_count(2)
    expect(after.first.locator(".mark")).to_have_count(1)  # the two are parted
    assert after.count() > before.count()
    assert loaded(page) == 0
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.evaluate("scrollTo(0, 0)")


def test_it_renews_itself_but_not_under_the_hand(round_, chief):
    page = chief()
    shown = page.locator(".tiles")
    expect(shown).not_to_contain_text("nobody is asked just now")
    page.locator("#overview .card button").first.focus()
    round_.campaign.finish()
    page.evaluate("refresh()")
    page.wait_for_timeout(300)
    expect(shown).not_to_contain_text("nobody is asked just now")
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(5, 5)
    page.evaluate("refresh()")
    expect(shown).to_contain_text("nobody is asked just now")
