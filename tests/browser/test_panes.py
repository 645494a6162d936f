"""The panes follow the pictures: as large as they can be on any screen, answers always in sight; zoom, mirror, contrast."""

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from whosame.annotation.queue.tasks import PairTask

PHONE = {"is_mobile": True, "has_touch": True, "device_scale_factor": 2}
DEVICES = {
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "upright": {"viewport": {"width": 390, "height": 844}, **PHONE},
    "sideways": {"viewport": {"width": 844, "height": 390}, **PHONE},
}
LANDSCAPE, PORTRAIT = (600, 400), (300, 600)
PAIRS = {"landscape": (LANDSCAPE, LANDSCAPE), "portrait": (PORTRAIT, PORTRAIT), "mixed": (LANDSCAPE, PORTRAIT)}
# Per device and pair: how the panes lie, and the least share of the screen that each picture takes. Before the panes
# followed the pictures, landscape pairs took 13 %, 6 % and 8 %.
EXPECTED = {
    "desktop": {"landscape": ("row", 0.23), "portrait": ("row", 0.18), "mixed": ("row", 0.18)},
    "upright": {"landscape": ("column", 0.26), "portrait": ("row", 0.19), "mixed": ("column", 0.17)},
    "sideways": {"landscape": ("row", 0.31), "portrait": ("row", 0.11), "mixed": ("row", 0.11)},
}


@pytest.fixture
def shaped(tmp_path, site_of):
    """The page with a pair of each kind: textures, grey in the middle half of the range."""
    root = tmp_path / "images"
    root.mkdir()
    random = np.random.default_rng(0)
    for k, (width, height) in enumerate(size for pair in PAIRS.values() for size in pair):
        small = random.integers(64, 192, (height // 50, width // 50, 3), np.uint8)
        Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(root / f"{k}.jpg")
    site = site_of(root)
    site.queue.ask([PairTask(k, k + 1, "between") for k in range(0, 2 * len(PAIRS), 2)])
    return site


def boxes(page):
    return [page.locator(f"#{side} img").bounding_box() for side in ("left", "right")]


def transforms(page):
    """The scale, the mirroring and the offset of each picture."""
    read = "(side) => { const m = new DOMMatrix(getComputedStyle(document.querySelector(`#${side} img`)).transform);"
    read += " return [m.d, Math.sign(m.a), m.e, m.f]; }"
    return [page.evaluate(read, side) for side in ("left", "right")]


@pytest.mark.parametrize("device", DEVICES)
def test_pictures_are_large_and_every_button_is_in_sight(shaped, visit_site, artefacts, findings, device):
    page = visit_site(shaped, reduced_motion="reduce", **DEVICES[device])
    width, height = (DEVICES[device]["viewport"][side] for side in ("width", "height"))
    for kind in PAIRS:
        direction, share = EXPECTED[device][kind]
        expect(page.locator("#pair")).to_have_attribute("data-direction", direction)
        page.screenshot(path=f"{artefacts}-{kind}.png")
        scrolled = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert scrolled == [width, height]
        shapes = page.evaluate(
            "[...document.querySelectorAll('.stage img')].map((i) => i.naturalWidth / i.naturalHeight)"
        )
        for box, shape in zip(boxes(page), shapes, strict=True):
            assert box["width"] * box["height"] >= share * width * height, kind
            assert abs(box["width"] - shape * box["height"]) <= 2 + shape, kind  # its own shape, nothing around it
            assert box["x"] >= 0 <= box["y"]
            assert box["x"] + box["width"] <= width
        lowest = max(box["y"] + box["height"] for box in boxes(page))
        for name in ("Same", "Unsure", "Different", "Undo", "Skip"):
            button = page.get_by_role("button", name=name).bounding_box()
            assert button["height"] >= 38, name
            assert button["y"] >= lowest, name
            assert button["y"] + button["height"] <= height, name
        if kind == "landscape":
            assert findings(page) == []
        before = page.locator("[name=token]").input_value()
        page.get_by_role("button", name="Unsure").click()
        expect(page.locator("[name=token]")).not_to_have_value(before)


def test_turning_the_phone_arranges_the_panes_anew(shaped, visit_site):
    page = visit_site(shaped, **DEVICES["upright"])
    expect(page.locator("#pair")).to_have_attribute("data-direction", "column")
    page.set_viewport_size(DEVICES["sideways"]["viewport"])
    expect(page.locator("#pair")).to_have_attribute("data-direction", "row")
    assert min(box["height"] for box in boxes(page)) >= 250


def test_one_picture_is_zoomed_moved_and_mirrored_alone(shaped, visit_site):
    page = visit_site(shaped, **DEVICES["desktop"])
    whole = [1, 1, 0, 0]
    page.keyboard.press("1")
    page.keyboard.press("+")
    page.keyboard.press("Shift+ArrowRight")
    left, right = transforms(page)
    assert (left[0], right) == (1.25, whole)
    assert left[2] < 0
    page.locator("#right").hover()  # the wheel chooses the picture under it
    page.mouse.wheel(0, -400)
    expect(page.get_by_role("button", name="Second picture alone")).to_have_attribute("aria-pressed", "true")
    after = transforms(page)
    assert after[0] == left
    assert after[1][0] > 2
    page.keyboard.press("b")
    page.keyboard.press("m")  # of both: the second
    page.keyboard.press("0")
    assert transforms(page) == [whole, [1, -1, 0, 0]]
    page.get_by_role("button", name="First picture alone").click()
    page.get_by_role("button", name="Mirror").click()
    assert transforms(page) == [[1, -1, 0, 0], [1, -1, 0, 0]]
    page.keyboard.press("f")
    expect(page.locator("#status")).to_have_text("Saved: same")
    assert transforms(page) == [whole, whole]  # every pair begins whole, and not mirrored


def test_contrast_stretches_the_pictures_and_stays_on(shaped, visit_site):
    """A picture's 5th and 95th percentile of brightness become black and white."""
    page = visit_site(shaped, **DEVICES["desktop"])

    def spread():
        box = page.locator("#left").bounding_box()
        page.screenshot(path=shaped.root.parent / "shot.png")
        with Image.open(shaped.root.parent / "shot.png") as shot:
            corner = (box["x"] + 10, box["y"] + 10, box["x"] + box["width"] - 10, box["y"] + box["height"] - 10)
            low, high = np.percentile(np.asarray(shot.convert("L").crop(corner)), (10, 90))
        return high - low

    before = spread()
    page.keyboard.press("c")
    assert spread() > 1.6 * before
    page.keyboard.press("f")
    expect(page.locator("#status")).to_have_text("Saved: same")
    expect(page.get_by_role("button", name="Contrast")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("c")
    assert page.evaluate("getComputedStyle(document.querySelector('#left img')).filter") == "none"
