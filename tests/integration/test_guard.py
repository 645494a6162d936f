"""A folder in which features find no candidates: the loop and the page pause before 25 answers are spent."""

import shutil
import time

import pytest
from playwright.sync_api import expect
from tests.integration.test_people_answer import events
from tests.integration.test_people_in_the_browser import Rounds

from whosame.testing.textures import write_textures

pytestmark = pytest.mark.xdist_group("rounds")

MOST = 25  # answers that may be spent before the pause


@pytest.fixture
def textures(empty_project, drawn):
    """A project with the tiny configuration and 160 texture crops of 8 textures: no two show the same."""
    shutil.copytree(drawn / "conf" / "tiny", empty_project / "conf" / "tiny", dirs_exist_ok=True)
    write_textures(empty_project / "crops", 160, side=32, canvases=8)
    return empty_project


def options(folder):
    asked = {"layout": "folder", "images": folder / "crops", "annotator": "human", "run": "mine", "strategy": "gain"}
    asked |= {"budget": 60, "rounds": 2, "synthetic.train_identities": 12, "annotator_options.port": 8799}
    return ",".join(f"{name}={value}" for name, value in asked.items())


def answer_different(page, rounds):
    """Press "different" until the page shows the pause; return how often."""
    pressed, shown = 0, None
    until = time.monotonic() + 120
    while page.locator(".pause").count() == 0:
        assert time.monotonic() < until, page.inner_text("body")
        assert rounds.process.poll() is None, "".join(rounds.lines)
        token = page.locator("#answer [name=token]").input_value()  # waits while the page is loaded again
        if not token or token == shown or not page.locator("#left img").count():
            time.sleep(0.02)
            continue
        time.sleep(0.25)  # somebody looks
        shown = token
        page.keyboard.press("j")
        pressed += 1
    return pressed


@pytest.mark.slow
def test_wasted_answers_pause_the_rounds_until_somebody_decides(textures, browser):
    rounds = Rounds(textures, options(textures))
    try:
        page = browser.new_page()
        page.goto(rounds.link())
        page.wait_for_selector("#answer", state="attached")
        pressed = answer_different(page, rounds)
        assert 20 <= pressed < MOST
        assert (
            " different: these features do not find candidates; better weights are worth more than your"
            in page.locator(".finding").inner_text()
        )
        page.get_by_role("button", name="Stop here").click()
        expect(page.get_by_role("heading", name="Stopped here")).to_be_visible()
        rounds.process.wait(60)
    finally:
        rounds.stop()
    said = "".join(rounds.lines)
    assert rounds.process.returncode == 0, said
    assert (
        " different: these features do not find candidates; better weights are worth more than your next hour" in said
    )
    assert "Every answer is kept" in said
    assert len(events(textures, "mine")) == pressed

    again = Rounds(textures, "run=mine")  # asks for the decision again
    try:
        page.goto(again.link())
        page.wait_for_selector(".pause")
        page.get_by_role("button", name="Continue anyway").click()
        expect(page.locator("#tools")).to_be_visible()  # the script has shown the pair
        page.keyboard.press("j")
        expect(page.locator("#status")).to_have_text("Saved: different")
    finally:
        again.stop()
        page.close()
    assert len(events(textures, "mine")) == pressed + 1
