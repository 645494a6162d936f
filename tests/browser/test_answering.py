"""Answering in a real browser: by key, by button, by finger; nothing twice, nothing lost."""

import re
import time

import pytest
from playwright.sync_api import expect


def saved(page, words):
    expect(page.locator("#status")).to_have_text(words)


def token(page):
    return page.locator("[name=token]").input_value()


def test_keys_answer_and_the_next_pair_comes(site, visit):
    site.ask(5)
    page = visit()
    seen = []
    for key, verdict in (("f", "same"), ("j", "different"), ("u", "unsure"), ("F", "same")):
        seen.append(token(page))
        page.keyboard.press("f" if key == "F" else key)
        saved(page, f"Saved: {verdict}")
        expect(page.locator("[name=token]")).not_to_have_value(seen[-1])
    assert site.said() == ["same", "different", "unsure", "same"]
    assert len(set(seen)) == 4
    assert page.locator("[data-counter=today]").inner_text() == "4"
    assert page.locator("[data-counter=same]").inner_text() == "2"
    assert page.locator("[data-counter=different]").inner_text() == "1"
    assert page.locator("[data-counter=left]").inner_text() == "446"


def test_buttons_answer_and_name_their_keys(site, visit):
    site.ask(3)
    page = visit()
    expect(page.get_by_role("button", name="Same F")).to_be_visible()
    page.get_by_role("button", name="Different J").click()
    saved(page, "Saved: different")
    assert site.said() == ["different"]


def test_a_double_click_is_one_answer(site, visit):
    site.ask(5)
    page = visit()
    page.route("**/answer", lambda route: (time.sleep(0.3), route.continue_()))
    page.get_by_role("button", name="Same F").dblclick()
    saved(page, "Saved: same")
    page.wait_for_timeout(500)
    assert site.said() == ["same"]


def test_a_held_key_is_one_answer(site, visit):
    site.ask(5)
    page = visit()
    for _ in range(6):  # without an up in between, as a held key sends it
        page.keyboard.down("f")
        page.wait_for_timeout(60)
    page.keyboard.up("f")
    assert site.said() == ["same"]
    page.locator("button.same").focus()
    for _ in range(6):
        page.keyboard.down("Enter")
        page.wait_for_timeout(60)
    page.keyboard.up("Enter")
    assert site.said() == ["same", "same"]


@pytest.mark.parametrize("keys", ["Control+f", "Alt+j", "Meta+f", "Shift+F", "Control+Shift+J", "Control+z"])
def test_a_key_with_another_held_does_nothing(site, visit, keys):
    site.ask(2)
    page = visit()
    page.keyboard.press(keys)
    page.wait_for_timeout(200)
    assert site.said() == []


def test_no_key_of_the_browser_is_taken(site, visit):
    site.ask(2)
    page = visit()
    page.evaluate(
        "window.taken = []; addEventListener('keydown', (event) => event.defaultPrevented && taken.push(event.key))"
    )
    for keys in ("Tab", "Escape", "Control+f", "Alt+Home", "Space", "ArrowDown", "PageDown", "Control++", "F3", "a"):
        page.keyboard.press(keys)
    assert page.evaluate("taken") == []
    assert site.said() == []


def test_undo_goes_back_and_the_pair_is_answered_anew(site, visit):
    site.ask(4)
    page = visit()
    first = page.locator("#left img").get_attribute("src"), page.locator("#right img").get_attribute("src")
    expect(page.get_by_role("button", name="Undo Z")).to_be_disabled()
    for _ in range(2):
        before = token(page)
        page.keyboard.press("f")
        expect(page.locator("[name=token]")).not_to_have_value(before)
    page.keyboard.press("z")
    saved(page, "Taken back")
    page.keyboard.press("Backspace")
    expect(page.get_by_role("button", name="Undo Z")).to_be_disabled()
    again = page.locator("#left img").get_attribute("src"), page.locator("#right img").get_attribute("src")
    assert set(first) == set(again)
    assert site.said() == []
    assert page.locator("[data-counter=today]").inner_text() == "0"
    page.keyboard.press("j")
    saved(page, "Saved: different")
    assert [(event.verdict, event.revision) for event in site.store.answers("uid")] == [("different", 1)]


def test_a_skipped_pair_comes_again_after_the_others(site, visit):
    site.ask(3)
    page = visit()
    first = {page.locator(f"#{side} img").get_attribute("src") for side in ("left", "right")}
    page.keyboard.press("x")
    saved(page, "Skipped")
    for left in (2, 1):
        assert {page.locator(f"#{side} img").get_attribute("src") for side in ("left", "right")} != first, left
        before = token(page)
        page.keyboard.press("f")
        expect(page.locator("[name=token]")).not_to_have_value(before)
    assert {page.locator(f"#{side} img").get_attribute("src") for side in ("left", "right")} == first


def test_a_reload_brings_the_same_pair(site, visit):
    site.ask(3)
    page = visit()
    page.keyboard.press("f")
    saved(page, "Saved: same")
    before = [token(page)] + [page.locator(f"#{side} img").get_attribute("src") for side in ("left", "right")]
    page.reload()
    expect(page.locator("#left img")).to_be_visible()
    after = [token(page)] + [page.locator(f"#{side} img").get_attribute("src") for side in ("left", "right")]
    assert after == before
    assert page.locator("[data-counter=today]").inner_text() == "1"


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
    assert site.said() == ["different"]


def test_an_answer_whose_reply_was_lost_is_one_answer(site, visit):
    site.ask(4)
    page = visit()

    def lose(route):
        route.fetch()  # it reaches the server
        route.abort("connectionreset")

    page.route("**/answer", lose, times=2)
    page.keyboard.press("f")
    saved(page, "Saved: same")
    assert site.said() == ["same"]


def test_an_answer_survives_a_reload_while_the_connection_is_lost(site, visit):
    site.ask(4)
    page = visit()
    page.route("**/answer", lambda route: route.abort("connectionreset"))
    page.keyboard.press("j")
    expect(page.locator("#status")).to_contain_text("No connection")
    assert site.said() == []
    page.unroute("**/answer")
    page.reload()
    saved(page, "Saved: different")
    assert site.said() == ["different"]


def test_the_server_failing_is_waited_for(site, visit):
    site.ask(4)
    page = visit()
    page.route("**/answer", lambda route: route.fulfill(status=503, body="{}"), times=2)
    page.keyboard.press("f")
    saved(page, "Saved: same")
    assert site.said() == ["same"]


def test_two_people_get_different_pairs(site, visit):
    site.ask(6)
    alice, bob = visit("alice"), visit("bob")
    for _ in range(3):
        for page in (alice, bob):
            page.keyboard.press("f")
            page.wait_for_timeout(150)
    assert len(site.said()) == 6
    given = [(event.image_a, event.annotator) for event in site.store.answers("uid")]
    assert len({image for image, _ in given}) == 6
    assert {who for _, who in given} == {"alice", "bob"}
    assert alice.locator("[data-counter=today]").inner_text() == "3"


def test_two_tabs_answer_a_pair_once(site, visit):
    site.ask(4)
    one = visit()
    other = visit(context=one.context)
    assert token(one) == token(other)
    one.keyboard.press("f")
    saved(one, "Saved: same")
    other.keyboard.press("j")  # the same pair, otherwise
    expect(other.locator("#status")).to_contain_text("had answered that pair already")
    assert site.said() == ["same"]
    other.wait_for_timeout(200)
    assert token(other) == token(one)
    other.keyboard.press("j")
    saved(other, "Saved: different")
    assert site.said() == ["same", "different"]


def test_a_pair_that_is_not_needed_any_more_is_refused_and_the_next_one_shown(site, visit):
    site.ask(3)
    page = visit()
    site.campaign.close([(0, 1)])
    before = token(page)
    page.keyboard.press("f")
    expect(page.locator("#status")).to_contain_text("That pair is settled")
    expect(page.locator("[name=token]")).not_to_have_value(before)
    assert site.said() == []


def test_the_page_says_why_there_is_no_pair_and_goes_on_by_itself(site, visit):
    page = visit()
    expect(page.get_by_role("heading", name="Choosing the next pairs")).to_be_visible()
    site.ask(1)
    expect(page.get_by_role("heading", name="Same person?")).to_be_visible()
    page.keyboard.press("f")
    expect(page.get_by_role("heading", name="Choosing the next pairs")).to_be_visible()
    assert site.campaign.end(site.campaign.last_event_ids())
    expect(page.get_by_role("heading", name="This round is answered")).to_be_visible()
    expect(page.get_by_role("button", name="Undo Z")).to_be_disabled()
    site.campaign.finish()
    expect(page.get_by_role("heading", name="All done, thank you")).to_be_visible()


def test_a_missing_picture_is_said_and_the_pair_can_be_skipped(site, visit):
    site.ask(3)
    (site.root / site.images[1].path).unlink()
    page = visit()
    expect(page.locator("#pair")).to_contain_text("picture cannot be shown: skip this pair")
    expect(page.get_by_role("button", name="Same F")).to_be_disabled()
    before = token(page)
    page.keyboard.press("f")
    page.wait_for_timeout(200)
    assert (token(page), site.said()) == (before, [])
    page.keyboard.press("x")  # the second pair has the same picture
    saved(page, "Skipped")
    expect(page.locator("[name=token]")).not_to_have_value(before)
    page.wait_for_timeout(500)
    page.keyboard.press("x")
    expect(page.locator("#left img")).to_be_visible()
    expect(page.locator("#right img")).to_be_visible()


def test_seconds_are_those_that_the_pair_was_looked_at(site, visit):
    site.ask(3)
    page = visit()
    page.wait_for_timeout(700)
    page.keyboard.press("f")
    saved(page, "Saved: same")
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => window.away, configurable: true });"
        "window.away = true; document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.wait_for_timeout(1500)
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.keyboard.press("j")
    saved(page, "Saved: different")
    first, second = (event.seconds for event in site.store.answers("uid"))
    assert 0.6 <= first < 5
    assert second < 1.4  # the tab was hidden for longer than that


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
    page.keyboard.press("ArrowRight")
    saved(page, "Saved: different")
    page.keyboard.press("f")
    page.wait_for_timeout(150)
    assert site.said() == ["different"]
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("radio", name="No keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(150)
    assert site.said() == ["different"]


def test_both_pictures_zoom_and_move_in_step(site, visit):
    site.ask(2)
    page = visit()

    def placed():
        return [
            page.evaluate(f"getComputedStyle(document.querySelector('#{side} img')).transform")
            for side in ("left", "right")
        ]

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
    page.keyboard.press("f")
    saved(page, "Saved: same")
    assert placed() == start  # every pair begins whole


def test_it_works_without_scripts(site, visit, browser):
    site.ask(3)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url + "login")
    page.get_by_label("Your login link").fill(site.link("alice"))
    page.get_by_role("button", name="Log in").click()
    first = token(page)
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Same").click()
    assert token(page) != first
    page.get_by_role("button", name="Skip").click()
    page.get_by_role("button", name="Undo").click()
    assert site.said() == []
    page.get_by_role("button", name="Different").click()
    [event] = site.store.answers("uid")
    assert event.verdict == "different"
    assert event.seconds < 30
    for _ in range(2):
        page.get_by_role("button", name="Unsure").click()
    expect(page.get_by_role("heading", name="Choosing the next pairs")).to_be_visible()
    context.close()


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
