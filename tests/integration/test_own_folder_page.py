"""docs/own-folder.md from start to end: its commands as they are typed; tests/commands.yml lists who types the others."""

import json
import shutil
import sqlite3
import time

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect
from tests.integration.test_people_in_the_browser import KEYS, Asking, Rounds

from whosame.runs import Run

pytestmark = pytest.mark.xdist_group("rounds")

LOOK = "kedro look --params=images=PATH"
ROUNDS = "kedro rounds --params=images=PATH,run=mine"
AGAIN = "kedro rounds --params=run=mine"
NAMES = "kedro identities mine --out=identities.csv"
PICTURES = "kedro pictures mine"
EXPORT = "kedro run --pipelines=export --params=run=mine"
SEARCH = "kedro search --run=mine QUERY.jpg"
AUDIT = "kedro audit --run=mine"
FEATURES = "kedro rounds --params=images=PATH,features=FILE.npy,run=mine"
QUESTIONS = 20  # of the audit
PAGE = "annotator_options.undo_seconds=0.2,annotator_options.port=8797"  # a port that no other test has
SMALL = f"rounds=2,budget=6,training.iterations=4,pixels.area=1024,{PAGE}"


@pytest.fixture(scope="module")
def folder(drawn, tmp_path_factory):
    """A project with a folder of crops under names that say nothing, and who they show."""
    from tests.integration.conftest import make_project

    project = make_project(tmp_path_factory.mktemp("own") / "project")
    (project / "crops").mkdir()
    truth = {}
    for number, path in enumerate(sorted(drawn.glob("data/01_raw/*/bounding_box_train/*.jpg"))[:48]):
        name = f"{number * 7919 % 9973:04d}.jpg"
        shutil.copy(path, project / "crops" / name)
        truth[name] = path.name.split("_")[0]
    return project, truth


def typed(command, **words):
    """Return the words of a command of the page after ``kedro``, with what stands for a user's own in their place."""
    for name, word in words.items():
        command = command.replace(name, word)
    return command.split()[1:]


@pytest.mark.slow
def test_from_a_folder_to_names_a_search_and_an_audit(folder, type_kedro, browser):
    project, truth = folder
    run = Run(project / "data" / "runs" / "mine")

    looked = type_kedro(project, *typed(LOOK, PATH="crops"))
    assert "48" in looked.stdout
    assert "Verdict" in looked.stdout

    options = typed(ROUNDS, PATH="crops")[1].removeprefix("--params=")
    rounds = Rounds(project, f"{options},{SMALL}", env=None)
    try:
        page = browser.new_page()
        page.goto(rounds.link())
        answer(page, rounds, project, truth)
    finally:
        rounds.stop()
    assert rounds.process.returncode == 0, "".join(rounds.lines)
    assert run.completed() == 2
    said = "".join(rounds.lines)
    assert "not drawn:      Retrieval, What queries find: no test image has a known identity" in said
    assert f"pictures:       {run.folder / 'pictures.html'}" in said

    finished = type_kedro(project, *typed(AGAIN))
    assert "run 'mine' is complete: 2 rounds, 6 questions asked" in finished.stdout
    done = type_kedro(project, *typed(NAMES))
    assert "48 images" in done.stdout
    names = pd.read_csv(project / "identities.csv", dtype=str, keep_default_na=False).set_index("path")
    assert set(names.index) == set(truth)
    for a, b, verdict in answers(project):
        assert (names.identity[a] == names.identity[b] != "") == (verdict == "same")

    *words, parameters = typed(EXPORT)
    type_kedro(project, *words, f"{parameters},export.mlflow=false")  # test_export.py has the model in MLflow
    exported = pd.read_csv(run.folder / "export" / "names.csv", dtype=str, keep_default_na=False).set_index("path")
    assert (exported.identity == names.identity).all()
    query = next(name for name in truth if names.identity[name] and (names.identity == names.identity[name]).sum() > 1)
    shutil.copy(project / "crops" / query, project / "QUERY.jpg")
    found = type_kedro(project, *typed(SEARCH)).stdout.splitlines()
    assert found[0] == "QUERY.jpg"
    assert found[1].split()[:2] == ["1.00", names.identity[query]]

    audit = Asking(project, *typed(AUDIT), f"--questions={QUESTIONS}", f"--params={PAGE}")
    try:
        page = browser.new_page()
        page.goto(audit.link())
        told = page.get_by_role("dialog", name="Same individual?")
        expect(told).to_contain_text("This is an audit of the names of run 'mine'", timeout=60_000)  # pairs are drawn
        told.get_by_role("button", name="Done").click()
        answer(page, audit, project, truth)
    finally:
        audit.stop()
    assert audit.process.returncode == 0, "".join(audit.lines)
    report = json.loads((run.folder / "audit.json").read_text())
    assert 0 < report["asked"] <= QUESTIONS
    assert report["images"] == 48
    assert "individuals" in "".join(audit.lines)
    assert len(answers(project)) == 6  # those of the audit are kept apart from the run's


@pytest.mark.slow
def test_with_features_of_ones_own(folder, type_kedro):
    project, truth = folder
    centres = np.random.default_rng(0).normal(size=(2000, 16))
    np.save(project / "FILE.npy", np.array([centres[int(truth[name])] for name in sorted(truth)]))
    words = typed(FEATURES, PATH="crops", mine="theirs")
    type_kedro(project, words[0], f"{words[1]},{SMALL},annotator=oracle,strategy=none,budget=0")
    names = pd.read_csv(project / "data" / "runs" / "theirs" / "identities.csv", dtype=str, keep_default_na=False)
    groups = names.assign(truth=names["path"].map(truth))[names["identity"] != ""].groupby("identity")["truth"]
    assert len(groups) > 3
    assert (groups.nunique() == 1).all()  # features of one individual are the same here


def answer(page, rounds, project, truth):
    """Press the key that the truth says, until the rounds end."""
    shown = None
    while rounds.process.poll() is None:
        token = page.evaluate("document.querySelector('#answer [name=token]')?.value")
        if not token or token == shown or page.locator("#pair").is_hidden() or not page.locator("#left img").count():
            time.sleep(0.02)
            continue
        one, other = (truth[path_of(page, project, side)] for side in ("left", "right"))
        page.keyboard.press(KEYS["same" if one == other else "different"])
        shown = token


def path_of(page, project, side):
    token = page.locator(f"#{side} img").get_attribute("src").rsplit("/", 1)[1]
    with sqlite3.connect(project / "data" / "answers.db") as store:
        [(path,)] = store.execute("SELECT path FROM images WHERE token = ?", (token,)).fetchall()
    return path


def answers(project):
    """Return the answers that the run has: pairs of paths, and verdicts."""
    paths = pd.read_parquet(project / "data" / "runs" / "mine" / "images.parquet")["path"]
    with sqlite3.connect(project / "data" / "answers.db") as store:
        query = "SELECT image_a, image_b, verdict FROM answer_events WHERE run = 'mine'"
        rows = store.execute(query).fetchall()
    return [(paths[a], paths[b], verdict) for a, b, verdict in rows]
