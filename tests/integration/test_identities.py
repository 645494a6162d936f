"""Names of a run's images: at any time after the first training, with every answer in force, whatever the run is."""

import csv
import re
import shutil

import pandas as pd
import pytest

from whosame.annotation.store.store import AnswerEvent, open_store
from whosame.app.forks import fork
from whosame.runs import Run


@pytest.fixture(scope="module")
def named(calm, copied, tmp_path_factory):
    """A copy of the project of the run "calm", in which people have begun to answer its next round; and their answers."""
    folder = copied(calm, tmp_path_factory.mktemp("named") / "project")
    answers = folder / "data" / "answers.db"
    run = Run(folder / "data" / "runs" / "calm")
    manifest = pd.read_parquet(next((folder / "data" / "02_index").glob("manifest_*.parquet")))
    train = manifest.index[manifest["split"] == "train"].tolist()
    memory = pd.read_parquet(run.round(3) / "memory.parquet")
    asked = set(memory[["image_a", "image_b"]].itertuples(index=False, name=None))
    free = iter([pair for pair in zip(train, train[7:], strict=False) if pair not in asked][:8])
    given = [
        AnswerEvent(run.about()["uid"], "calm", 4, a, b, "", "", "between", verdict, "human", "ann", 1.0)
        for verdict, (a, b) in zip(["same", "different"] * 4, free, strict=True)
    ]
    with open_store(f"sqlite:///{answers}") as store:
        store.append(given)
    rows = [*memory[["image_a", "image_b", "verdict"]].itertuples(index=False, name=None)]
    rows += [(event.image_a, event.image_b, event.verdict) for event in given]
    paths = manifest["path"]
    return folder, [(paths[a], paths[b], verdict) for a, b, verdict in rows], set(paths[train])


def identities_in(file):
    with file.open(newline="") as opened:
        return {row["path"]: row for row in csv.DictReader(opened)}


def check(file, answers, train):
    """Check that every answer holds in a table, and return the table."""
    table = identities_in(file)
    assert set(table) == train
    for a, b, verdict in answers:
        one, other = table[a]["identity"], table[b]["identity"]
        if verdict == "same":
            assert one == other != ""
            assert {table[a]["known"], table[b]["known"]} == {"answered"}
        if verdict == "different":
            assert one != other or one == ""
    return table


def test_every_answer_holds_those_of_an_open_round_too(named, type_kedro):
    folder, answers, train = named
    before = {path: path.stat().st_mtime_ns for path in folder.glob("data/runs/calm/round_*/*")}
    done = type_kedro(folder, "identities", "calm", "--out=my names.csv", "--params=naming.thumbnail=32")
    assert re.search(r"^120 images, \d+ identities: \d+ answered, .*\nARI 0\.\d+, BCubed F1 0\.\d+", done.stdout)
    assert "my names.csv" in done.stdout
    table = check(folder / "my names.csv", answers, train)
    assert {row["camera"] for row in table.values()} == {"1", "2", "3"}
    assert (folder / "my names.html").read_text().count("data:image/jpeg;base64,") == 120
    assert {path: path.stat().st_mtime_ns for path in folder.glob("data/runs/calm/round_*/*")} == before
    assert type_kedro(folder, "identities", "calm").returncode == 0
    assert (folder / "data" / "runs" / "calm" / "identities.csv").read_bytes() == (folder / "my names.csv").read_bytes()


def test_a_fork_that_has_not_started_is_named_by_its_origins_answers(named, type_kedro):
    folder, answers, train = named
    runs = folder / "data" / "runs"
    fork(Run(runs / "calm"), 1, Run(runs / "forked"))
    type_kedro(folder, "identities", "forked")
    count = len(pd.read_parquet(runs / "forked" / "round_001" / "memory.parquet"))
    check(runs / "forked" / "identities.csv", answers[:count], train)


def test_rounds_end_with_names_and_a_run_without_truth_has_them(project, type_kedro):
    images = project / "images"
    images.mkdir()
    for number, file in enumerate(sorted(project.glob("data/01_raw/*/bounding_box_train/*"))[:60]):
        shutil.copy(file, images / f"image {number}.png")
    options = f"--params=images={images},layout=folder,run=mine,strategy=none,rounds=1,budget=0"
    early = type_kedro(project, "identities", "mine", check=False)
    assert (early.returncode, "there is no run 'mine'" in early.stderr) == (1, True)
    type_kedro(project, "run", "--env=tiny", "--to-nodes=extract_features", options)
    early = type_kedro(project, "identities", "mine", check=False)
    assert (early.returncode, early.stderr.count("run 'mine' has no trained network")) == (1, 1)
    assert "Traceback" not in early.stderr
    done = type_kedro(project, "rounds", "--env=tiny", options)
    assert re.search(r"60 images, \d+ identities: 0 answered, ", done.stdout)
    assert "BCubed" not in done.stdout
    table = project / "data" / "runs" / "mine" / "identities.csv"
    assert len(identities_in(table)) == 60
    assert {row["camera"] for row in identities_in(table).values()} == {""}
    again = type_kedro(project, "rounds", "--env=tiny", options)
    assert "60 images" not in again.stdout  # nothing was trained since
