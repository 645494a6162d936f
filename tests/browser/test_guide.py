"""What people are told: the question in the run's words, an instruction with examples, and what is known of each side."""

import time

import pytest
from playwright.sync_api import expect

from whosame.annotation.queue.guide import Example, Guide
from whosame.annotation.queue.tasks import PairTask

WORDS = "Same <b>zebra</b> & foal?"
GUIDE = Guide(
    WORDS,
    "Compare the stripes of the shoulder.\nForget the light.",
    (Example(8, 9, "same"), Example(2, 10, "different")),
)


@pytest.fixture
def told(drawn, site_of):
    site = site_of(drawn, guide=GUIDE)
    known = ((20, 21, 22, 23, 24), (30,))
    site.queue.ask([PairTask(0, 1, "between", exemplars=known), *(PairTask(k, k + 1, "between") for k in range(1, 5))])
    return site


def test_the_question_and_the_instruction_are_the_runs_own(told, visit_site, findings):
    page = visit_site(told, reduced_motion="reduce")
    dialog = page.get_by_role("dialog", name=WORDS)
    expect(dialog).to_be_visible()  # before the first answer
    expect(dialog).to_contain_text("Compare the stripes of the shoulder.\nForget the light.", use_inner_text=True)
    expect(dialog.locator("li")).to_have_count(2)
    shown = "document.querySelectorAll('#guide img').length === [...document.querySelectorAll('#guide img')].filter((i) => i.naturalWidth).length"
    page.wait_for_function(shown)
    assert findings(page) == []
    page.keyboard.press("f")  # it is being read
    assert told.answers() == []
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_role("heading", name=WORDS)).to_be_visible()
    assert page.title() == f"{WORDS} · whosame"
    page.reload()
    expect(page.locator("#left img")).to_be_visible()
    expect(dialog).to_be_hidden()  # read already
    page.get_by_role("button", name="Instructions").click()
    expect(dialog).to_be_visible()


def test_the_time_with_the_instruction_is_no_time_of_an_answer(told, visit_site):
    page = visit_site(told)
    page.wait_for_timeout(1000)
    began = time.monotonic()
    page.get_by_role("button", name="Done").click()
    page.keyboard.press("f")
    expect(page.locator("#status")).to_have_text("Saved: same")
    [event] = told.store.answers("uid")
    assert event.seconds < time.monotonic() - began


@pytest.mark.parametrize(
    "size", [{"width": 1440, "height": 900}, {"width": 390, "height": 844}, {"width": 844, "height": 390}]
)
def test_what_is_known_of_each_side_is_below_it_and_can_be_enlarged(told, visit_site, findings, size):
    page = visit_site(told, reduced_motion="reduce", viewport=size)
    page.get_by_role("button", name="Done").click()
    counts = {page.locator(f"#{side}-known button").count() for side in ("left", "right")}
    assert counts == {6, 2}  # the picture asked about, and five, and one
    many = "left" if page.locator("#left-known button").count() == 6 else "right"
    page.wait_for_function("[...document.querySelectorAll('.known img')].every((image) => image.naturalWidth)")
    assert findings(page) == []
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == list(
        size.values()
    )
    for name in ("Same", "Skip"):
        box = page.get_by_role("button", name=name, exact=False).last.bounding_box()
        assert box["y"] + box["height"] <= size["height"]
    asked = page.locator(f"#{many} img").get_attribute("src")
    page.locator(f"#{many}-known button").nth(2).click()
    expect(page.locator(f"#{many} img")).not_to_have_attribute("src", asked)
    expect(page.locator(f"#{many}-known button").nth(2)).to_have_attribute("aria-pressed", "true")
    page.locator(f"#{many}-known button").nth(0).click()
    expect(page.locator(f"#{many} img")).to_have_attribute("src", asked)
    page.keyboard.press("f")
    expect(page.locator("#status")).to_have_text("Saved: same")
    expect(page.locator(".known button")).to_have_count(0)  # of the next pair nothing is known
    assert told.answers() == ["same"]


def test_another_instruction_loads_the_page_again(told, visit_site, queue_of):
    page = visit_site(told)
    page.get_by_role("button", name="Done").click()
    other = {
        "root": str(told.root),
        "images": told.images,
        "run_uid": "other",
        "guide": Guide("Same foal?", "Only foals."),
    }
    told.queue.finish()
    queue_of(told.store, 3, **other)
    page.keyboard.press("f")  # of the run before: its pair is closed, and the page belongs to the other run
    expect(page.get_by_role("dialog", name="Same foal?")).to_contain_text("Only foals.")
