"""A run that is paused: the page says what was seen and what to do instead, and anybody decides."""

import pytest
from playwright.sync_api import expect

from whosame.annotation.queue.guard import AnswersSoFar, guard_state, keep_figures, pause

FINDING = "18 of 20 different: these features do not find candidates; better weights are worth more than your next hour"


@pytest.fixture
def wasted(site):
    """Five pairs; the loop has seen 20 answers."""
    site.ask(5)
    keep_figures(site.store, "uid", AnswersSoFar(same=2, different=18, expected=11.0))
    return site


def state(site):
    with site.store.reading() as connection:
        return guard_state(connection, "uid")


def test_who_has_a_pair_answers_it_and_goes_on_by_decision(wasted, visit, findings, artefacts):
    page = visit()
    pause(wasted.store, "uid")
    for _ in range(2):  # leased before
        expect(page.locator("#tools")).to_be_visible()
        token = page.locator("#answer [name=token]").input_value()
        page.keyboard.press("j")
        page.wait_for_function("old => document.querySelector('#answer [name=token]')?.value !== old", arg=token)
    panel = page.locator(".pause")
    expect(panel).to_contain_text(FINDING)
    expect(panel).to_contain_text("11 of these 20 pairs were expected to be the same, 2 are")
    for what in ("Weights", "Size", "Pattern", "kedro look"):
        expect(panel).to_contain_text(what)
    expect(page.get_by_role("heading", name="Asking pauses")).to_be_visible()
    expect(page.get_by_role("button", name="Same")).to_be_hidden()
    assert findings(page) == []
    page.screenshot(path=f"{artefacts}-paused.png")
    page.keyboard.press("j")
    assert wasted.answers() == ["different"] * 2
    page.get_by_role("button", name="Continue anyway").click()
    expect(page.locator("#tools")).to_be_visible()  # the script has shown the pair
    assert state(wasted) == "continue"
    page.keyboard.press("j")
    expect(page.locator("#status")).to_have_text("Saved: different")


@pytest.mark.parametrize("size", [{"width": 390, "height": 700}, {"width": 844, "height": 390}])
def test_one_who_waits_is_told_and_stops_it_also_on_a_phone(wasted, visit, size):
    pause(wasted.store, "uid")
    page = visit("bob", viewport=size)
    expect(page.locator(".pause")).to_contain_text(FINDING)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Stop here").click()
    expect(page.get_by_role("heading", name="Stopped here")).to_be_visible()
    expect(page.get_by_role("button", name="Continue anyway")).to_have_count(0)
    assert state(wasted) == "stop"
    pause(wasted.store, "uid")  # the command is typed again
    expect(page.get_by_role("button", name="Continue anyway")).to_be_visible()


def test_without_scripts_it_is_a_page_with_two_buttons(wasted, visit, browser):
    pause(wasted.store, "uid")
    context = visit().context
    cookies = context.cookies()
    plain = browser.new_context(java_script_enabled=False)
    try:
        plain.add_cookies(cookies)
        page = plain.new_page()
        page.goto(wasted.url)
        page.get_by_role("button", name="Continue anyway").click()
        expect(page.locator("#pair img").first).to_be_visible()
        assert state(wasted) == "continue"
    finally:
        plain.close()


def test_the_overview_says_it_and_takes_the_decision(wasted, visit, findings):
    page = visit("chief", role="coordinator")
    page.goto(f"{wasted.url}overview")
    expect(page.locator(".tiles")).to_contain_text("10 % of 20 decided pairs")
    pause(wasted.store, "uid")
    page.reload()
    expect(page.locator(".note")).to_contain_text(FINDING)
    assert findings(page) == []
    page.get_by_role("button", name="Stop here").click()
    expect(page.locator(".note")).to_contain_text("Stopped, by decision")
    assert state(wasted) == "stop"
