"""Answering in a real browser: by key, by button, by finger; nothing twice, nothing lost."""

import re
import time

import pytest
from playwright.sync_api import expect


def saved(page, words):
    expect(page.locator("#status")).to_have_text(words)


def token(page):
    return page.locator("[name=token]").input_value()


def sources(page):
    return [page.locator(f"#{side} img").get_attribute("src") for side in ("left", "right")]


def press(page, key):
    """Press a key, and wait for the next pair."""
    before = token(page)
    page.keyboard.press(key)
    expect(page.locator("[name=token]")).not_to_have_value(before)


def counter(page, name):
    return page.locator(f"[data-counter={name}]").inner_text()


def test_keys_and_buttons_answer_and_the_next_pair_comes(site, visit):
    site.ask(6)
    page = visit()
    expect(page.locator("[data-counter=median]")).to_be_hidden()  # a figure that is not known yet
    seen = []
    for key, verdict in (("f", "same"), ("j", "different"), ("u", "unsure"), ("f", "same")):
        seen.append(token(page))
        press(page, key)
        saved(page, f"Saved: {verdict}")
    assert len(set(seen)) == 4
    expect(page.locator("[data-counter=median]")).to_be_visible()
    assert [counter(page, name) for name in ("done", "of", "more", "run", "budget")] == [
        "4",
        "6",
        "so far",
        "54",
        "500",
    ]
    assert [counter(page, name) for name in ("today", "same", "different")] == ["4", "2", "1"]
    expect(page.get_by_role("button", name="Same F")).to_be_visible()
    page.get_by_role("button", name="Different J").click()
    saved(page, "Saved: different")
    assert site.answers() == ["same", "different", "unsure", "same", "different"]


def test_a_double_click_and_a_held_key_are_one_answer_each(site, visit):
    site.ask(5)
    page = visit()
    page.route("**/answer", lambda route: (time.sleep(0.2), route.continue_()), times=1)
    page.get_by_role("button", name="Same F").dblclick()
    saved(page, "Saved: same")
    page.wait_for_timeout(100)
    assert site.answers() == ["same"]
    for key in ("j", "Enter"):
        page.locator("button.different").focus()
        for _ in range(5):  # without an up in between, as a held key sends it
            page.keyboard.down(key)
            page.wait_for_timeout(50)
        page.keyboard.up(key)
    assert site.answers() == ["same", "different", "different"]


def test_a_key_with_another_held_does_nothing_and_no_key_of_the_browser_is_taken(site, visit):
    site.ask(2)
    page = visit()
    for keys in ("Control+f", "Alt+j", "Meta+f", "Shift+F", "Control+Shift+J", "Control+z"):
        page.keyboard.press(keys)
    page.evaluate(
        "window.taken = []; addEventListener('keydown', (event) => event.defaultPrevented && taken.push(event.key))"
    )
    for keys in ("Tab", "Escape", "Control+f", "Alt+Home", "Space", "ArrowDown", "PageDown", "Control++", "F3", "a"):
        page.keyboard.press(keys)
    assert page.evaluate("taken") == []
    page.wait_for_timeout(150)
    assert site.answers() == []


def test_undo_goes_back_and_the_pair_is_answered_again(site, visit):
    site.ask(4)
    page = visit()
    first, undo = sources(page), page.get_by_role("button", name="Undo Z")
    expect(undo).to_be_disabled()
    for _ in range(2):
        press(page, "f")
    page.keyboard.press("z")
    saved(page, "Taken back")
    page.keyboard.press("Backspace")
    expect(undo).to_be_disabled()
    assert set(first) == set(sources(page))
    assert (site.answers(), counter(page, "today")) == ([], "0")
    page.keyboard.press("j")
    saved(page, "Saved: different")
    assert [(event.verdict, event.revision) for event in site.store.answers("uid")] == [("different", 1)]


def test_a_skipped_pair_comes_again_after_the_others(site, visit):
    site.ask(3)
    page = visit()
    first = set(sources(page))
    page.keyboard.press("x")
    saved(page, "Skipped")
    for left in (2, 1):
        assert set(sources(page)) != first, left
        press(page, "f")
    assert set(sources(page)) == first


def test_a_reload_brings_the_same_pair(site, visit):
    site.ask(3)
    page = visit()
    press(page, "f")
    before = [token(page), *sources(page)]
    page.reload()
    expect(page.locator("#left img")).to_be_visible()
    assert [token(page), *sources(page)] == before
    assert counter(page, "today") == "1"


def test_a_lost_connection_shows_and_the_answer_is_sent_when_it_is_back(site, visit):
    site.ask(4)
    page = visit()
    before = token(page)
    page.context.set_offline(True)
    page.keyboard.press("j")
    expect(page.locator("#status")).to_contain_text("No connection. Your answer is kept here")
    page.keyboard.press("f")  # not another answer to this pair, nor one to the next
    assert token(page) == before
    page.context.set_offline(False)
    saved(page, "Saved: different")
    expect(page.locator("[name=token]")).not_to_have_value(before)
    assert site.answers() == ["different"]


def lose(route):
    route.fetch()  # it reaches the server
    route.abort("connectionreset")


@pytest.mark.parametrize("trouble", [lose, lambda route: route.fulfill(status=503, body="{}")], ids=["lost", "503"])
def test_an_answer_is_sent_until_the_server_replies_and_is_one_answer(site, visit, trouble):
    site.ask(4)
    page = visit()
    page.route("**/answer", trouble, times=1)
    page.keyboard.press("f")
    saved(page, "Saved: same")
    assert site.answers() == ["same"]


def test_an_answer_survives_a_reload_while_the_connection_is_lost(site, visit):
    site.ask(4)
    page = visit()
    page.route("**/answer", lambda route: route.abort("connectionreset"))
    page.keyboard.press("j")
    expect(page.locator("#status")).to_contain_text("No connection")
    assert site.answers() == []
    page.unroute("**/answer")
    page.reload()
    saved(page, "Saved: different")
    assert site.answers() == ["different"]


def test_two_people_get_different_pairs(site, visit):
    site.ask(6)
    alice, bob = visit("alice"), visit("bob")
    for _ in range(2):
        for page in (alice, bob):
            press(page, "f")
    given = [(event.image_a, event.annotator) for event in site.store.answers("uid")]
    assert len({image for image, _ in given}) == 4
    assert [name for _, name in given] == ["alice", "bob"] * 2
    assert counter(alice, "today") == "2"


def test_two_tabs_answer_a_pair_once(site, visit):
    site.ask(4)
    one = visit()
    other = visit(context=one.context)
    assert token(one) == token(other)
    one.keyboard.press("f")
    saved(one, "Saved: same")
    other.keyboard.press("j")  # the same pair, otherwise
    expect(other.locator("#status")).to_contain_text("had answered that pair already")
    expect(other.locator("[name=token]")).to_have_value(token(one))
    assert site.answers() == ["same"]
    other.keyboard.press("j")
    saved(other, "Saved: different")
    assert site.answers() == ["same", "different"]


def test_a_pair_that_is_not_needed_any_more_is_refused_and_the_next_one_shown(site, visit):
    site.ask(3)
    page = visit()
    site.queue.close([(0, 1)])
    press(page, "f")
    expect(page.locator("#status")).to_contain_text("That pair is settled")
    assert site.answers() == []


def test_the_page_says_why_there_is_no_pair_and_goes_on_by_itself(site, visit):
    def heading(name):
        expect(page.get_by_role("heading", name=name)).to_be_visible()

    page = visit()
    heading("Choosing the next pairs")
    site.ask(1)
    heading("Same individual?")
    page.keyboard.press("f")
    heading("Choosing the next pairs")
    assert site.queue.end(site.queue.last_event_ids())
    heading("This round is answered")
    expect(page.get_by_role("button", name="Undo Z")).to_be_disabled()
    site.queue.finish()
    heading("All done, thank you")


def test_a_missing_picture_is_said_and_the_pair_can_be_skipped(site, visit):
    site.ask(3)
    (site.root / site.images[1].path).unlink()
    page = visit()
    expect(page.locator("#pair")).to_contain_text("picture cannot be shown: skip this pair")
    expect(page.get_by_role("button", name="Same F")).to_be_disabled()
    before = token(page)
    page.keyboard.press("f")
    page.wait_for_timeout(100)
    assert (token(page), site.answers()) == (before, [])
    press(page, "x")  # the second pair has the same picture
    expect(page.locator("#pair")).to_contain_text("picture cannot be shown: skip this pair")
    press(page, "x")
    for side in ("left", "right"):
        expect(page.locator(f"#{side} img")).to_be_visible()


def test_seconds_are_those_that_the_pair_was_looked_at(site, visit):
    site.ask(3)
    page = visit()
    page.wait_for_timeout(500)
    press(page, "f")
    hide = "window.away = {}; document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true })")
    page.evaluate(hide.format("true"))
    page.wait_for_timeout(1200)
    page.evaluate(hide.format("false"))
    page.keyboard.press("j")
    saved(page, "Saved: different")
    first, second = (event.seconds for event in site.store.answers("uid"))
    assert 0.4 <= first < 5
    assert second < 1.1  # the tab was hidden for longer than that


def test_keys_can_be_chosen_and_stay_chosen(site, visit):
    site.ask(5)
    page = visit()
    page.get_by_role("button", name="Keys").click()
    page.keyboard.press("f")  # not while choosing
    page.get_by_role("radio", name="← and →").check()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("button", name="Same ←")).to_be_visible()
    page.reload()
    page.locator("#left img").wait_for()
    page.keyboard.press("f")
    press(page, "ArrowRight")
    assert site.answers() == ["different"]
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("radio", name="No keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(150)
    assert site.answers() == ["different"]


def test_both_pictures_zoom_and_move_in_step(site, visit):
    site.ask(2)
    page = visit()

    def placed():
        style = "getComputedStyle(document.querySelector('#{} img')).transform"
        return [page.evaluate(style.format(side)) for side in ("left", "right")]

    start = placed()
    page.locator("#left").hover()
    page.mouse.wheel(0, -400)
    left, right = placed()
    assert left == right != start[0]
    page.keyboard.press("Shift+ArrowRight")
    moved = placed()
    assert moved[0] == moved[1] != left
    page.keyboard.press("0")
    assert placed() == start
    page.keyboard.press("+")
    press(page, "f")
    assert placed() == start  # every pair begins whole


def test_it_works_without_scripts(site, open_page):
    site.ask(3)
    page = open_page(site.link("alice"), java_script_enabled=False)
    page.get_by_label("Your login link").fill(site.link("alice"))
    page.get_by_role("button", name="Log in").click()
    first = token(page)
    page.get_by_role("button", name="Same").click()
    assert token(page) != first
    page.get_by_role("button", name="Skip").click()
    page.get_by_role("button", name="Undo").click()
    assert site.answers() == []
    page.get_by_role("button", name="Different").click()
    [event] = site.store.answers("uid")
    assert event.verdict == "different"
    assert event.seconds < 30
    for _ in range(2):
        page.get_by_role("button", name="Unsure").click()
    expect(page.get_by_role("heading", name="Choosing the next pairs")).to_be_visible()


def test_logging_out_ends_it_and_an_answer_on_its_way_is_kept(site, visit):
    site.ask(3)
    page = visit()
    other = visit(context=page.context)
    other.get_by_role("button", name="Log out").click()
    other.wait_for_url(re.compile("/login$"))
    page.keyboard.press("f")
    expect(page.locator("#status")).to_contain_text("You are logged out. Your answer is kept here")
    other.goto("about:blank")
    other.goto(site.link("alice"))
    saved(other, re.compile("Saved: same|That pair is settled"))
