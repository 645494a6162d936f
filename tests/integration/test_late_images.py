"""Images that are added while a run is played: they join at the next round, and nothing that was answered is lost."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest

from whosame.runs import Run

LATE = 20


@pytest.fixture
def crops(project):
    """Two folders: images to begin with, whose numbers are odd, and some that come later, in between in their order."""
    drawn = sorted(next((project / "data" / "01_raw").iterdir()).glob("bounding_box_train/*.jpg"))
    for folder in ("crops", "late"):
        (project / folder).mkdir()
    for number, path in enumerate(drawn):
        folder = "late" if number % 5 == 2 and number < 5 * LATE else "crops"
        shutil.copy(path, project / folder / path.name)
    assert len(list((project / "late").iterdir())) == LATE
    return project


def asked(run):
    """Every answer that cost a question, as pairs of paths."""
    paths = pd.read_parquet(run.folder / "images.parquet")["path"]
    tables = [pd.read_parquet(file) for file in sorted(run.folder.glob("round_*/answers.parquet"))]
    answers = pd.concat(tables)
    paid = answers[answers["source"] == "oracle"]
    return [frozenset((paths[a], paths[b])) for a, b in zip(paid["image_a"], paid["image_b"], strict=True)]


def names(run):
    table = pd.read_csv(run.folder / "identities.csv", dtype=str, keep_default_na=False)
    return {row.path: row for row in table.itertuples()}


def test_late_images_join_at_the_next_round_and_answers_stay(crops, type_kedro):
    settings = "images=crops,run=mine,folder.test_fraction=0,budget=60,annotator=oracle,strategy=dcps"
    type_kedro(crops, "rounds", "--env=tiny", f"--params={settings},rounds=2,budget=30")
    run = Run(crops / "data" / "runs" / "mine")
    before, first = asked(run), names(run)
    type_kedro(
        crops, "run", "--pipelines=active_round", "--env=tiny", "--to-nodes=cluster", f"--params={settings},rounds=4"
    )
    begun = len(pd.read_parquet(run.folder / "images.parquet"))
    for path in (crops / "late").iterdir():
        shutil.move(path, crops / "crops" / path.name)

    done = type_kedro(crops, "rounds", "--params=run=mine,rounds=4,budget=60")
    assert re.search(r"20 new images join run 'mine' from round 3 on", done.stderr)
    counts = [len(np.load(run.round(number) / "labels.npy")) for number in range(4)]
    assert counts == [begun, begun, begun, begun + LATE]  # the round that had begun ends with the images it began with
    assert len(pd.read_parquet(run.folder / "images.parquet")) == begun + LATE
    after = asked(run)
    assert after[: len(before)] == before
    assert len(set(after)) == len(after) > len(before)
    last = names(run)
    assert last.keys() - first.keys() == {path.name for path in (crops / "crops").iterdir()} - first.keys()
    changed = [path for path, row in first.items() if last[path].identity != row.identity]
    assert all(last[path].before == first[path].identity for path in changed if first[path].identity)
    about = run.about()
    assert (about["grown"], about["manifest"]["images"]) == ([{"from": 3, "images": begun + LATE}], begun + LATE)


def test_an_image_of_the_run_that_is_gone_is_an_error_before_work(crops, type_kedro):
    settings = "images=crops,run=mine,folder.test_fraction=0,budget=0,strategy=none"
    type_kedro(crops, "rounds", "--env=tiny", f"--params={settings},rounds=1")
    gone = min((crops / "crops").iterdir())
    gone.unlink()
    done = type_kedro(crops, "rounds", "--params=run=mine,rounds=2", check=False)
    assert done.returncode == 1
    assert f"{gone.name}: gone" in done.stderr
    assert Run(crops / "data" / "runs" / "mine").completed() == 1
