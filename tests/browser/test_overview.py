"""The overview in a real browser: a round with three people at work, a dispute settled by key, clusters that change."""

import json
import re
import shutil
import time
from types import SimpleNamespace

import numpy as np
import pytest
from playwright.sync_api import expect

from whosame.annotation.accounts.users import add_user
from whosame.annotation.quality.answered_pairs import answered_pair, disputes
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.annotation.web.app import create_app
from whosame.data.indexing import index_images
from whosame.data.source import SourceConfig

# Who errs on which question of a cluster: both on one of a circle, so that it contradicts itself, then one at a time.
WRONG = {(0, 1): "alice bob", (1, 0): "bob", (2, 1): "bob", (3, 0): "alice"}
UNSURE = {(1, 1): "bob"}


@pytest.fixture(scope="module")
def project(drawn, tmp_path_factory):
    """A project's data: images of twelve people, and a run whose clusters hold two people each."""
    data = tmp_path_factory.mktemp("data")
    manifest = index_images(SourceConfig(layout="folder", images=str(shutil.copytree(drawn, data / "images"))), data)
    train = manifest.image_ids("train")
    who, person = np.unique(manifest.identities(train), return_inverse=True)
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(len(who), 16))[person] + generator.normal(scale=0.25, size=(len(train), 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.where(np.arange(len(train)) % 9 == 8, -1, person // 2)  # and some images in none
    folder = data / "runs" / "mine" / "round_001"
    folder.mkdir(parents=True)
    np.save(folder / "clusters.npy", labels.astype(np.int64))
    np.savez(folder / "features.npz", vectors=vectors.astype(np.float32), map_height=4)
    configuration = {"clustering": {"centre_cameras": False, "reuse": True}}
    about = {"uid": "uid", "manifest": {"digest": manifest.digest}, "configuration": configuration}
    (data / "runs" / "mine" / "run.json").write_text(json.dumps(about))
    of = [train[(person == number) & (labels >= 0)].tolist() for number in range(len(who))]
    clusters = list(zip(of[::2], of[1::2], strict=False))
    return SimpleNamespace(runs=data / "runs", manifest=manifest, clusters=clusters)


def questions(clusters):
    """Per cluster two images of one person, and one of each person against the other's: a circle where both are told."""
    for number, (one, other) in enumerate(clusters):
        for place, (a, b) in enumerate([(one[0], one[1]), (one[1], other[0]), (one[0], other[0])]):
            yield number, place, tuple(sorted((a, b))), place == 0


@pytest.fixture
def round_(project, sqlite_store, clock, queue_of, people_of, serving):
    """A round that people have been answering for ten minutes, and the page in front of it."""
    paths, digests = project.manifest.table["path"], project.manifest.table["digest"]
    images = {int(image): ImageRef(paths[image], digests[image]) for image in project.manifest.image_ids("train")}
    asked = list(questions(project.clusters))
    clock.time = time.time() - 600
    budgets = {"round": 1, "rounds": 10, "asked": 50, "budget": 500, "round_budget": 50, "overlap": 2}
    pairs = [pair for _, _, pair, _ in asked]
    queue = queue_of(sqlite_store, pairs, now=clock, images=images, root=str(project.manifest.root), **budgets)
    people = people_of(sqlite_store, now=clock)
    for name in ("alice", "bob"):
        add_user(sqlite_store, name)
        for number, place, _, same in asked[:-2]:
            clock.time += 10
            right = same != (name in WRONG.get((number, place), ""))
            verdict = "unsure" if name == UNSURE.get((number, place)) else "same" if right else "different"
            _, receipt = people.answer_next(name, verdict, 3.0)
        people.answer(name, people.undo(name, receipt.event), verdict, 3.0)
    people.skip("bob", people.lease("bob")[0])
    people.answer_next("carol")  # decides the first one on which they disagree
    clock.time = time.time()
    people.lease("alice")
    with serving(create_app(sqlite_store, runs=project.runs)) as served:
        link = f"{served.url}/login#{add_user(sqlite_store, 'chief', role='coordinator')}"
        yield SimpleNamespace(store=sqlite_store, queue=queue, url=f"{served.url}/", link=link)


@pytest.fixture
def chief(round_, open_page):  # in this order: the browser closes before the server
    """The overview, open for a coordinator."""

    def open_(path="overview", **options):
        page = open_page(round_.link, console=True, reduced_motion="reduce", **options)
        page.wait_for_url(round_.url)
        page.goto(round_.url + path)
        return page

    return open_


def missing(page):
    """Scroll through, so that every picture is asked for, and return the number of those that did not come."""
    for picture in page.locator("main img").all():
        picture.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    return page.locator("main img").evaluate_all("all => all.filter(one => !one.naturalWidth).length")


def waiting(round_):
    return [one.task for one in disputes(round_.store, "uid", undecided=True)]


def settled(round_, task):
    return [given.verdict for given in answered_pair(round_.store, "uid", task).answers if given.settles]


@pytest.mark.parametrize("width", [1280, 360])
def test_the_overview_shows_a_round_at_work(chief, findings, artefacts, width):
    page = chief(viewport={"width": width, "height": 900})
    expect(page.get_by_role("heading", name="Round 2 of 10 mine · asking people")).to_be_visible()
    assert page.locator("#overview .card form").count() >= 1
    assert page.locator("#overview .chain").count() >= 1
    assert page.get_by_role("row").filter(has_text="alice").get_by_text("answering").is_visible()
    assert missing(page) == 0
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width  # the table scrolls in itself
    page.emulate_media(color_scheme="light")
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=f"{artefacts}-top.png", full_page=True, clip={"x": 0, "y": 0, "width": width, "height": 1300})


def test_disputes_are_settled_by_key_one_after_the_other(round_, chief, findings):
    first, second, *_ = waiting(round_)
    page = chief()
    page.get_by_role("link", name="Settle them one by one").click()
    expect(page).to_have_url(re.compile(f"/overview/pair/{first}"))
    expect(page.get_by_role("button", name="Same")).to_have_attribute("aria-keyshortcuts", "f")
    for key in ("Control+f", "Alt+j", "Shift+F", "Meta+j"):
        page.keyboard.press(key)
    assert settled(round_, first) == []
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile(f"/overview/pair/{second}"))
    assert settled(round_, first) == ["different"]
    assert findings(page) == []
    page.go_back()
    page.keyboard.press("f")  # thought better of it
    page.wait_for_url(re.compile(f"/overview/pair/{second}"))
    assert settled(round_, first) == ["different", "same"]


def test_the_last_one_leads_back_and_buttons_settle_too(round_, chief):
    page = chief()
    while (form := page.locator("#open-title ~ .cards form")).count():
        before = len(waiting(round_))
        form.first.get_by_role("button", name="unsure").click()
        page.wait_for_url(re.compile("settled"))
        expect(page.get_by_role("status")).to_have_text("Settled.")
        assert len(waiting(round_)) == before - 1
    expect(page.get_by_text("No pair waits because people disagree.")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
def test_a_pair_shows_its_clusters_before_and_after(round_, chief, findings, width):
    pairs = [answered_pair(round_.store, "uid", task) for task in range(4, 11)]
    split = next(pair for pair in pairs if pair.verdict == "different" and not pair.disputed)
    page = chief(f"overview/pair/{split.task}", viewport={"width": width, "height": 900})
    before, after = (page.locator(".previews > div").nth(side).locator("figure.cluster") for side in (0, 1))
    expect(before.first.locator(".mark")).to_have_count(2)
    expect(after.first.locator(".mark")).to_have_count(1)  # the two are parted
    assert after.count() > before.count()
    assert missing(page) == 0
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_it_refreshes_itself_but_not_under_the_hand(round_, chief):
    page = chief()
    shown = page.locator(".tiles")
    expect(shown).not_to_contain_text("nobody is asked just now")
    page.locator("#overview .card button").first.focus()
    round_.queue.finish()
    page.evaluate("refresh()")
    page.wait_for_timeout(200)
    expect(shown).not_to_contain_text("nobody is asked just now")
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(5, 5)
    page.evaluate("refresh()")
    expect(shown).to_contain_text("nobody is asked just now")
