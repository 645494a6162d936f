"""The search in a real browser: by file, by drop, by keys; on a phone; what is no photograph."""

import pytest
from playwright.sync_api import expect

from whosame.annotation.accounts.users import add_user
from whosame.annotation.web.app import create_app

DROP = """async ([bytes, type]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(bytes)], "new", { type }));
  document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.fixture
def search(sqlite_store, searchable, serving, open_page):
    with serving(create_app(sqlite_store, runs=searchable / "runs")) as served:

        def open_(**options):
            address = f"{served.url}/"
            page = open_page(f"{address}login#{add_user(sqlite_store, 'alice')}", **options)
            page.wait_for_url(address)
            page.goto(f"{address}search")
            expect(page.locator("#hits img").first).to_be_visible()
            return page

        yield open_


def give(page, content):
    page.locator("#file").set_input_files({"name": "new", "mimeType": "image/png", "buffer": content})


def test_a_photograph_by_file_by_drop_and_on_by_keys(search, photograph, findings):
    page = search(console=True)
    title, hits = page.locator("#found-title"), page.locator("#hits button")
    give(page, photograph((245, 15, 10)))
    expect(title).to_have_text("The most similar is Anna")
    expect(hits.first).to_contain_text("4 images, 3 confirmed")
    expect(hits).to_have_count(3)
    expect(page.locator("#query")).to_have_js_property("complete", True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert findings(page) == []
    page.evaluate(DROP, [[*photograph((90, 90, 90))], "image/png"])
    expect(title).to_have_text("Nobody near")
    expect(page.locator("#verdict")).to_contain_text("of queries whose individual is in the gallery are missed")
    page.locator("#file").focus()
    page.keyboard.press("Tab")
    expect(hits.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(title).to_contain_text("The most similar is")
    assert page.locator("#query").evaluate("image => image.naturalHeight") == 80


def test_what_is_no_photograph_on_a_phone(search, photograph, findings):
    page = search(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    give(page, b"no image")
    expect(page.locator("#status")).to_contain_text("no image that can be read")
    expect(page.locator("#found")).to_be_hidden()
    page.locator("#hits button").first.tap()
    expect(page.locator("#found-title")).to_have_text("The most similar is Anna")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert findings(page) == []
