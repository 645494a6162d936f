"""From a folder of photographs to names, as a user goes it: nobody is known, and a scripted browser answers.

    python benchmarks/own_folder.py ../shared/data/groceries --questions=300

In the project's folder. The images are copied flat, under random names, so that nothing but their pixels is left; the
folders that they were in are the truth, which the browser answers from and the names are scored by. Prints what
``kedro look`` says, the agreement of the names with and without questions, and the time.
"""

import argparse
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Page, sync_playwright
from sklearn.metrics import adjusted_rand_score

from whosame.app import paths
from whosame.runs import Run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
KEYS = {True: "f", False: "j"}
LOOK = 0.01  # seconds between two looks at the page


def copied(folder: Path, into: Path, seed: int) -> dict[str, str]:
    """Copy the images of a folder of folders flat, under random names; return the folder that each was in."""
    files = sorted(path for path in folder.glob("*/*") if path.suffix == ".jpg")
    names = np.random.default_rng(seed).permutation(len(files))
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    for file, name in zip(files, names, strict=True):
        shutil.copyfile(file, into / f"{name:05d}.jpg")
    return {f"{name:05d}.jpg": file.parent.name for file, name in zip(files, names, strict=True)}


def kedro(*words: str) -> tuple[str, float]:
    """Run a command to its end; return what it printed and its wall seconds."""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "kedro", *words], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout, time.monotonic() - begun


def answered(parameters: str, truth: dict[str, str]) -> tuple[float, int]:
    """Play the rounds while a browser answers from the truth; return the wall seconds and the keys pressed."""
    begun, pressed = time.monotonic(), 0
    words = [sys.executable, "-m", "kedro", "rounds", f"--params={parameters}"]
    rounds = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(rounds.stdout or ()), daemon=True)
    reader.start()
    with sync_playwright() as driver:
        page = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]).new_page()
        page.goto(_link(rounds, said))
        with sqlite3.connect(paths.root() / "data" / "answers.db") as store:
            shown = None
            while rounds.poll() is None:
                token = page.evaluate("document.querySelector('#answer [name=token]')?.value")
                if not token or token == shown or page.locator("#pair").is_hidden():
                    time.sleep(LOOK)
                    continue
                sides = [_path(store, page, side) for side in ("left", "right")]
                page.keyboard.press(KEYS[truth[sides[0]] == truth[sides[1]]])
                shown, pressed = token, pressed + 1
    reader.join()
    if rounds.returncode:
        raise SystemExit("".join(said))
    return time.monotonic() - begun, pressed


def _link(rounds: subprocess.Popen[str], said: list[str]) -> str:
    while rounds.poll() is None:
        if found := re.search(r"people answer at (\S+)", "".join(said)):
            return found[1]
        time.sleep(LOOK)
    raise SystemExit("".join(said))


def agreement(run: str, truth: dict[str, str]) -> float:
    """Return the adjusted Rand index of a run's names; an image without a name is alone."""
    table = pd.read_csv(Run.named(paths.runs_folder(), run).folder / "identities.csv", dtype=str, keep_default_na=False)
    names = [name or f"alone {path}" for path, name in zip(table["path"], table["identity"], strict=True)]
    return float(adjusted_rand_score([truth[path] for path in table["path"]], names))


def main() -> None:
    """Print what a user would see, and how right it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", default=300, type=int)
    parser.add_argument("--seed", default=0, type=int)
    parser.add_argument("--params", default="", help="other parameters of both runs")
    arguments = parser.parse_args()
    images = paths.root() / "data" / "08_reporting" / "own_folder" / f"images-{arguments.seed}"
    truth = copied(arguments.folder, images, arguments.seed)
    more = f",{arguments.params}" if arguments.params else ""
    common = f"images={images},seed={arguments.seed}{more}"
    text, seconds = kedro("look", f"--params={common}")
    print(text, f"\nkedro look: {seconds:.0f} s", sep="")
    base, own = f"own-{arguments.seed}-base", f"own-{arguments.seed}"
    _, seconds = kedro("rounds", f"--params={common},run={base},strategy=none")
    print(f"without questions: ARI {agreement(base, truth):.3f}, {seconds:.0f} s")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, pressed = answered(f"{common},run={own},budget={arguments.questions}", truth)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    print(f"{pressed} answers: ARI {agreement(own, truth):.3f}, {seconds:.0f} s of wall, {cpu:.0f} s of CPU")


def _path(store: sqlite3.Connection, page: Page, side: str) -> str:
    token = (page.locator(f"#{side} img").get_attribute("src") or "").rsplit("/", 1)[1]
    [(path,)] = store.execute("SELECT path FROM images WHERE token = ?", (token,)).fetchall()
    return str(path)


if __name__ == "__main__":
    main()
