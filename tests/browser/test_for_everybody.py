"""Everybody can use it: at phone width, by finger, by keyboard alone, with a screen reader, in the dark."""

import pytest
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(site, visit, findings, size):
    def nothing():
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert findings(page) == []

    site.ask(2)
    page = visit(role="coordinator", reduced_motion="reduce", **size)
    nothing()
    page.keyboard.press("f")
    expect(page.locator("#status")).to_have_text("Saved: same")
    nothing()
    if page.get_by_role("button", name="Menu").is_visible():
        page.get_by_role("button", name="Menu").click()
        nothing()
    page.get_by_role("button", name="Keys").click()
    nothing()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="First picture alone").click()
    page.get_by_role("button", name="Contrast").click()
    nothing()
    page.keyboard.press("j")
    expect(page.get_by_role("heading", name="Choosing the next pairs")).to_be_visible()
    nothing()
    page.goto(site.url + "login")
    nothing()


def test_axe_would_find_something(site, visit, findings):
    site.ask(1)
    page = visit()
    page.evaluate("document.querySelector('#left img').removeAttribute('alt')")
    assert [finding.partition(":")[0] for finding in findings(page)] == ["image-alt"]


def test_a_phone_shows_all_of_it_at_once(site, visit):
    site.ask(3)
    page = visit(**PHONE)
    width, height = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert (width, height) == (360, 740)  # nothing to scroll
    for name in ("Same", "Different", "Unsure", "Undo", "Skip"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box["height"] >= 38, name
        assert box["y"] + box["height"] <= 740, name
    left, right = (page.locator(f"#{side}").bounding_box() for side in ("left", "right"))
    assert left["height"] == right["height"] >= 320
    assert left["width"] == right["width"] >= 160
    page.get_by_role("button", name="Same").tap()
    expect(page.locator("#status")).to_have_text("Saved: same")
    assert site.answers() == ["same"]


def test_two_fingers_zoom_both_pictures(site, visit):
    site.ask(1)
    page = visit(**PHONE)
    box = page.locator("#left").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)

    def touch(kind, *apart):
        points = [{"x": x, "y": y - apart[0], "id": 1}, {"x": x, "y": y + apart[0], "id": 2}] if apart else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 30)
    for apart in (40, 50, 60):
        touch("touchMove", apart)
    touch("touchEnd")
    scales = [
        page.evaluate(f"new DOMMatrix(getComputedStyle(document.querySelector('#{side} img')).transform).a")
        for side in ("left", "right")
    ]
    assert 1.5 < scales[0] == scales[1] < 2.6
    assert page.evaluate("visualViewport.scale") == 1  # not the whole page


def test_the_keyboard_alone_reaches_everything_and_what_is_saved_is_read_out(site, visit):
    site.ask(2)
    page = visit(role="coordinator")
    reached = []
    for _ in range(18):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert page.evaluate("document.activeElement === document.body") or outline != "none", reached
    names = " ".join(reached)
    for name in (
        "Overview",
        "Keys",
        "Log out",
        "Both",
        "−",
        "Mirror",
        "Contrast",
        "Same",
        "Unsure",
        "Different",
        "Skip",
    ):
        assert name in names
    page.locator("button.same").focus()
    page.keyboard.press("Enter")
    status = page.get_by_role("status")
    expect(status).to_have_attribute("id", "status")  # role=status is aria-live=polite
    expect(status).to_have_text("Saved: same")


def test_every_pair_has_its_pictures_at_one_height(site, visit):
    site.ask(4)
    page = visit()
    for saved in range(3):
        expect(page.locator("[data-counter=today]")).to_have_text(str(saved))
        left, right = (page.locator(f"#{side} img").bounding_box() for side in ("left", "right"))
        assert (left["y"], left["height"], left["width"]) == (right["y"], right["height"], right["width"])
        page.keyboard.press("j")


def test_nothing_comes_from_elsewhere_and_nothing_tells_the_answer(site, visit):
    site.ask(2)
    asked = []
    page = visit()
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.locator("#left img").wait_for()
    assert all(url.startswith(site.url) for url in asked)
    assert len(asked) >= 5
    shown = page.content().casefold()
    for word in ("score", "cluster", "within", "between", "suggest", "bounding_box", ".jpg"):
        assert word not in shown
