"""The review in a real browser: by keys and by touch, on a desktop and on a phone; what another person has changed."""

import json

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from whosame import artefacts
from whosame.annotation.accounts.users import add_user
from whosame.annotation.web.app import create_app
from whosame.data.indexing import index_images
from whosame.data.source import SourceConfig
from whosame.naming.identity_table import IdentityRow, write_identities
from whosame.naming.nearest_identities import nearest_identities


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of a run of 65 flat images of 13 colours, five to an identity; one is in the wrong one."""
    data = tmp_path_factory.mktemp("data")
    for row in range(65):
        colour = (18 * (row // 5), 200 - 14 * (row // 5), 90 + row % 5)
        (data / "images").mkdir(exist_ok=True)
        Image.new("RGB", (48, 96), colour).save(data / "images" / f"{row:02d}.png")
    manifest = index_images(SourceConfig(layout="folder", images=str(data / "images")), data)
    ids = manifest.image_ids("train")
    person = np.arange(len(ids)) // 5
    labels, p = person.copy(), np.full(len(ids), 0.9)
    labels[np.flatnonzero(person == 1)[0]], p[np.flatnonzero(person == 1)[0]] = 0, 0.4
    vectors = np.random.default_rng(0).normal(size=(len(set(person)), 16))[person].astype(np.float32)
    paths = manifest.table["path"].iloc[ids].tolist()
    rows = [
        IdentityRow(path, f"{label + 1}", "clustered", value, None, "")
        for path, label, value in zip(paths, labels.tolist(), p.tolist(), strict=True)
    ]
    run = data / "runs" / "mine"
    run.mkdir(parents=True)
    about = {"uid": "uid", "manifest": {"digest": manifest.digest}, "configuration": {}}
    (run / artefacts.RUN).write_text(json.dumps(about))
    content = write_identities(rows)
    (run / artefacts.IDENTITIES).write_bytes(content)
    near = nearest_identities(vectors, [row.identity for row in rows], content)
    artefacts.write(run / artefacts.IDENTITIES_NEAR, near)
    return data / "runs"


@pytest.fixture
def site(runs, sqlite_store, serving):
    with serving(create_app(sqlite_store, runs=runs)) as served:
        yield f"{served.url}/"


@pytest.fixture
def review(site, sqlite_store, open_page):
    def open_(name="alice", **options):
        page = open_page(f"{site}login#{add_user(sqlite_store, name)}", reduced_motion="reduce", **options)
        page.wait_for_url(site)
        page.goto(f"{site}review")
        expect(page.locator("#images button").first).to_be_visible()
        return page

    return open_


def verdicts(store):
    return [answer.verdict for answer in store.answers("uid")]


def test_by_keys_alone(review, sqlite_store, findings):
    page = review()
    title = page.locator("#title")
    expect(title).to_contain_text("1 ")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert findings(page) == []
    page.keyboard.press(" ")  # the doubtful one, beside the marked one
    for keys in ("Control+a", "Alt+n", "Shift+Enter", "Control+Space", "Meta+u"):
        page.keyboard.press(keys)
    assert verdicts(sqlite_store) == []
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Saved: 1 answer")
    assert verdicts(sqlite_store) == ["different"]
    page.keyboard.press("u")
    expect(page.locator("#status")).to_have_text("Undone: 1 answer")
    assert verdicts(sqlite_store) == []
    page.keyboard.press("n")
    page.keyboard.type("Anna")
    page.keyboard.press("Enter")
    expect(title).to_contain_text("Anna")
    page.keyboard.press("m")
    expect(page.locator("#suggestions button").first).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    page.keyboard.press("m")
    expect(page.locator("#status")).to_contain_text("Saved: 12 answers")
    assert sorted(verdicts(sqlite_store)) == ["different"] * 11 + ["same"]
    page.keyboard.press("z")
    expect(page.locator("#large-one")).to_be_visible()
    assert findings(page) == []


def test_by_touch_on_a_phone(review, sqlite_store, findings):
    page = review(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.locator("#images button").nth(1).tap()
    page.get_by_role("button", name="All others are one individual").tap()
    expect(page.locator("#status")).to_contain_text("Saved:")
    assert verdicts(sqlite_store).count("different") == 1
    assert verdicts(sqlite_store).count("same") == 4
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert findings(page) == []


def test_what_another_person_has_changed_and_what_contradicts(review, sqlite_store):
    alice, bob = review("alice"), review("bob")
    bob.keyboard.press("a")
    expect(bob.locator("#status")).to_contain_text("Saved:")
    before = len(verdicts(sqlite_store))
    alice.keyboard.press(" ")
    alice.keyboard.press("Enter")
    expect(alice.locator("#status")).to_contain_text("bob has changed this identity since it was shown")
    alice.keyboard.press(" ")
    alice.keyboard.press("Enter")
    clash = alice.locator("#clash")
    expect(clash).to_contain_text("bob: same")
    assert len(verdicts(sqlite_store)) == before
    clash.get_by_role("button", name="Keep mine as a note").click()
    expect(alice.locator("#status")).to_have_text("Saved: 1 answer")
    assert verdicts(sqlite_store)[-1] == "different"
