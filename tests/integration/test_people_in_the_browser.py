"""The whole way: rounds that wait for people, the page that they serve, a browser in which somebody answers."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest
from tests.integration.test_people_answer import events, metrics

pytestmark = pytest.mark.xdist_group("rounds")

KEYS = {"same": "f", "different": "j", "unsure": "u"}
ASKED = {"rounds": 2, "budget": 16}
PAUSE = 0.3  # s that somebody looks; in it the loop takes off the table what the answer before has settled


class Asking:
    """A command of Kedro's that asks people, in a process of its own, and what it has said so far."""

    def __init__(self, folder, *words):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kedro", *words],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def link(self):
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if found := re.search(r"people answer at (\S+)", "".join(self.lines)):
                return found[1]
            assert self.process.poll() is None, "".join(self.lines)
            time.sleep(0.1)
        raise AssertionError("".join(self.lines))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            finally:
                self.process.kill()  # it would serve its page for ever
        self.reader.join(10)
        self.process.stdout.close()


class Rounds(Asking):
    """``kedro rounds``."""

    def __init__(self, folder, parameters, env="tiny"):
        super().__init__(folder, "rounds", *([f"--env={env}"] if env else []), f"--params={parameters}")


class Somebody:
    """Looks at the pictures in the browser and presses the key that the truth says."""

    def __init__(self, folder):
        self.folder = folder
        manifest = pd.read_parquet(next((folder / "data" / "02_index").glob("manifest_*.parquet")))
        self.identities = manifest["identity"].fillna(-2).astype(int).tolist()
        self.pressed = 0

    def identity(self, page, side):
        token = page.locator(f"#{side} img").get_attribute("src").rsplit("/", 1)[1]
        with sqlite3.connect(self.folder / "data" / "answers.db") as store:
            [(image,)] = store.execute("SELECT image FROM images WHERE token = ?", (token,)).fetchall()
        return self.identities[image]

    def answer(self, page, rounds):
        shown = None
        while rounds.process.poll() is None:
            token = page.evaluate("document.querySelector('#answer [name=token]').value")
            if page.locator("#pair").is_hidden() or token == shown or not page.locator("#left img").count():
                time.sleep(0.02)
                continue
            time.sleep(PAUSE)
            if page.locator("#pair").is_hidden():
                continue
            one, other = self.identity(page, "left"), self.identity(page, "right")
            unsure = -1 in (one, other) or one == other == 0
            shown = page.evaluate("document.querySelector('#answer [name=token]').value")
            page.keyboard.press(KEYS["unsure" if unsure else "same" if one == other else "different"])
            self.pressed += 1


@pytest.mark.slow
def test_somebody_in_a_browser_gets_what_the_oracle_gets(project, play, browser):
    assert play(project, run="oracle", **ASKED) == 0
    options = {**ASKED, "run": "people", "annotator": "human", "annotator_options.undo_seconds": 0.5}
    options["annotator_options.guard"] = "silent"
    rounds = Rounds(project, ",".join(f"{name}={value}" for name, value in options.items()))
    try:
        page = browser.new_page()
        page.goto(rounds.link())
        page.wait_for_selector("#answer", state="attached")
        somebody = Somebody(project)
        somebody.answer(page, rounds)
    finally:
        rounds.stop()
    assert rounds.process.returncode == 0, "".join(rounds.lines)
    assert metrics(project, "people") == metrics(project, "oracle")
    assert sorted(events(project, "people")) == sorted(events(project, "oracle"))
    assert somebody.pressed == len(events(project, "people"))
