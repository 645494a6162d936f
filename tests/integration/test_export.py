"""An export of a run: names, network, gallery, cards, and a model of MLflow that needs neither the run nor the project."""

import base64
import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from whosame.app.open_gallery import checkpoint_network
from whosame.data.decoding import decode
from whosame.runs import Run
from whosame.search.searcher import Searcher, onnx_network


@pytest.fixture(scope="module")
def exported(calm, copied, tmp_path_factory, type_kedro):
    """A copy of the project of the run "calm", exported."""
    folder = copied(calm, tmp_path_factory.mktemp("exported") / "project")
    done = type_kedro(folder, "run", "--pipelines=export", "--params=run=calm")
    return folder, Run(folder / "data" / "runs" / "calm"), done.stdout


def table(file):
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_the_network_is_the_trained_one(exported):
    folder, run, _ = exported
    files = sorted(folder.glob("data/01_raw/*/bounding_box_train/*"))[:7]
    pixels = np.stack([decode(file.read_bytes(), 32, 16, invert=False) for file in files])
    onnx = onnx_network((run.folder / "export" / "model" / "network.onnx").read_bytes())
    trained = checkpoint_network(run, 3)
    for count in (1, 7):
        np.testing.assert_allclose(onnx(pixels[:count]), trained(pixels[:count]), atol=1e-4)


def test_files_say_the_same_and_cards_are_filled(exported):
    _, run, printed = exported
    export = run.folder / "export"
    names = table(run.folder / "identities.csv")
    assert (export / "names.csv").read_bytes() == (run.folder / "identities.csv").read_bytes()
    parquet = pd.read_parquet(export / "names.parquet")
    assert parquet["identity"].tolist() == [row["identity"] for row in names]
    assert (export / "identities_history.csv").read_text().startswith("round,answers,path,before,after,cause,p\n")
    about = json.loads((export / "export.json").read_text())
    assert (about["run"], about["round"]) == ("calm", 3)
    assert all((export / file).exists() for file in about["files"])
    card = (export / "model_card.md").read_text()
    assert "after 4 of 4 rounds" in card
    assert "| mAP |" in card
    data = (export / "data_card.md").read_text()
    assert "120 train, 24 query, 60 gallery" in data
    named = {row["path"]: row["identity"] for row in names if row["identity"]}
    links = {path.parent.name: path.resolve() for path in (export / "identities").glob("*/*")}
    assert set(links) == set(named.values())
    assert sum(1 for _ in (export / "identities").glob("*/*")) == len(named)
    assert "registered in MLflow: whosame-calm, version 1" in printed


def test_mlflow_predicts_without_the_project(exported, tmp_path):
    _, run, _ = exported
    moved = tmp_path / "elsewhere"
    shutil.copytree(run.folder / "export" / "mlflow_model", moved)
    searcher = Searcher.load(run.folder / "export" / "model")
    row = searcher.gallery.splits.index("query")
    file = f"{searcher.gallery.root}/{searcher.gallery.paths[row]}"
    content = base64.b64encode(Path(file).read_bytes()).decode()
    sent = {"dataframe_split": {"columns": ["image"], "data": [[content], [file]]}, "params": {"top": 3}}
    (tmp_path / "sent.json").write_text(json.dumps(sent))
    arguments = ["models", "predict", "-m", str(moved), "-i", "sent.json", "-o", "found.json", "--env-manager", "local"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "mlflow", *arguments]
    subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True, timeout=200)
    by_content, by_path = json.loads((tmp_path / "found.json").read_text())["predictions"]
    assert by_content["nearest"] == by_path["nearest"]
    assert len(by_path["nearest"]) == 3
    assert by_path["nearest"][0]["path"] == searcher.gallery.paths[row]
    np.testing.assert_allclose(by_path["features"], searcher.gallery.vectors[row], atol=1e-4)


def test_search_finds_and_says_who_is_near(exported, type_kedro, tmp_path):
    folder, run, _ = exported
    searcher = Searcher.load(run.folder / "export" / "model")
    gallery = searcher.gallery
    query = f"{gallery.root}/{gallery.paths[0]}"
    done = type_kedro(folder, "search", "--run=calm", query, f"--out={tmp_path / 'found.csv'}", "--top=7")
    rows = table(tmp_path / "found.csv")
    assert len(rows) == 7
    assert gallery.paths[0] not in {row["path"] for row in rows}
    assert [float(row["score"]) for row in rows] == sorted((float(row["score"]) for row in rows), reverse=True)
    confirmed = [row for row in rows if int(row["images"]) > 1]
    assert len({row["identity"] for row in confirmed}) == len(confirmed)
    assert "1 queries" in done.stdout
    type_kedro(folder, "search", "--run=calm", query, f"--out={tmp_path / 'found.png'}", "--top=3")
    assert (tmp_path / "found.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "no image.jpg").write_text("no image")
    bad = type_kedro(folder, "search", "--run=calm", str(tmp_path / "no image.jpg"), query, check=False)
    assert bad.returncode == 1
    assert "1 of 2 queries cannot be used" in bad.stderr
    assert "Traceback" not in bad.stderr


def test_a_run_that_is_partly_deleted_is_named_before_any_work(calm, copied, tmp_path, type_kedro):
    folder = copied(calm, tmp_path / "project")
    (folder / "data" / "runs" / "calm" / "round_003" / "checkpoint.pt").unlink()
    for command in (["run", "--pipelines=export", "--params=run=calm"], ["search", "--run=calm", str(folder / "data")]):
        done = type_kedro(folder, *command, check=False)
        assert done.returncode == 1
        assert "checkpoint.pt is gone: restore it" in done.stderr
        assert "Traceback" not in done.stderr
    done = type_kedro(folder, "search", "--run=calm", "not there.jpg", check=False)
    assert "not there.jpg: there is no such file or folder" in done.stderr


def test_names_that_were_changed_elsewhere_come_back(exported, type_kedro):
    folder, run, _ = exported
    rows = table(run.folder / "export" / "wildlife.csv")
    largest, second = (name for name, _ in Counter(row["identity"] for row in rows).most_common(3) if name != "unknown")
    moved = next(row for row in reversed(rows) if row["identity"] == largest)
    moved["identity"] = second
    with (folder / "changed.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, list(moved))
        out.writeheader()
        out.writerows({**row, "identity": "Bella" if row["identity"] == second else row["identity"]} for row in rows)
    refused = type_kedro(folder, "answers", "import", "changed.csv", "--run=calm", check=False)
    assert "say whose they are (--annotator=NAME)" in refused.stderr
    done = type_kedro(folder, "answers", "import", "changed.csv", "--run=calm", "--annotator=carol")
    assert "2 new answers, 1 identities renamed" in done.stdout
    type_kedro(folder, "identities", "calm")
    names = {row["path"]: row for row in table(run.folder / "identities.csv")}
    assert (names[moved["path"]]["identity"], names[moved["path"]]["known"]) == ("Bella", "answered")
