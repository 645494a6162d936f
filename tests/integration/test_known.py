"""What is known already: it costs no question, is obeyed from the first round on, and never asked about."""

import csv
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from whosame.artefacts import KNOWN
from whosame.runs import Run
from whosame.tables import known_names


@pytest.fixture(scope="module")
def catalogued(calm, copied, type_kedro, tmp_path_factory):
    """The project of the run "calm", and the same run with a catalogue of a quarter of the identities: "known"."""
    folder = copied(calm, tmp_path_factory.mktemp("catalogued") / "project")
    train = train_images(folder)
    write(folder, train[train["identity"].isin(sorted(train["identity"].unique())[:3])])
    type_kedro(folder, "rounds", "--env=tiny", "--params=run=known,catalogue=known.csv")
    return folder, train


def train_images(folder):
    manifest = pd.read_parquet(next((folder / "data" / "02_index").glob("manifest_*.parquet")))
    return manifest[manifest["split"] == "train"]


def write(folder, rows):
    with (folder / "known.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "identity"])
        writer.writerows(
            (path, f"Person {identity}") for path, identity in zip(rows["path"], rows["identity"], strict=True)
        )


def test_a_catalogue_raises_the_names_f1_without_a_question(catalogued, type_kedro):
    folder, train = catalogued
    f1, asked = {}, {}
    for name in ("calm", "known"):
        printed = type_kedro(folder, "identities", name, "--params=naming.thumbnail=16").stdout
        f1[name] = float(re.search(r"BCubed F1 (\S+) against", printed)[1])
        asked[name] = Run(folder / "data" / "runs" / name).metrics()[-1]["annotation/asked_total"]
    assert f1["known"] > f1["calm"] + 0.02
    assert asked["known"] <= asked["calm"]
    assert re.search(
        r"\d+ catalogue, \d+ answered.*\n.*against the known identities\nARI .* that the catalogue does not", printed
    )
    known = known_names(pd.read_parquet(folder / "data" / "runs" / "known" / "round_000" / KNOWN))
    with (folder / "data" / "runs" / "known" / "identities.csv").open(newline="") as file:
        table = {row["path"]: row for row in csv.DictReader(file)}
    assert {(row["identity"], row["p"]) for row in table.values() if row["known"] == "catalogue"} == {
        (name, "1.0") for name in known.values()
    }
    for image, name in known.items():
        assert (table[train["path"][image]]["identity"], table[train["path"][image]]["known"]) == (name, "catalogue")


def test_it_is_obeyed_from_the_first_clusters_on_and_never_asked_about(catalogued):
    folder, train = catalogued
    run = Run(folder / "data" / "runs" / "known")
    names = known_names(pd.read_parquet(run.round(0) / KNOWN))
    assert len(set(names.values())) == 3
    ids = train.index.to_numpy()
    for number in range(4):
        for file in ("clusters.npy", "labels.npy"):
            labels = dict(zip(ids.tolist(), np.load(run.round(number) / file).tolist(), strict=True))
            clusters = {
                name: {labels[image] for image, its in names.items() if its == name} for name in set(names.values())
            }
            assert all(len(found) == 1 for found in clusters.values())
            assert len(set().union(*clusters.values())) == 3
        answers = pd.read_parquet(run.round(number) / "answers.parquet")
        assert not any(a in names and b in names for a, b in zip(answers["image_a"], answers["image_b"], strict=True))
    memory = pd.read_parquet(run.round(3) / "memory.parquet")
    assert memory["asked"].sum() == run.metrics()[-1]["annotation/asked_total"] == len(memory)  # all of them questions


def test_a_changed_catalogue_counts_from_the_next_round_on_and_in_a_fork(catalogued, type_kedro):
    folder, train = catalogued
    run = Run(folder / "data" / "runs" / "known")
    before = known_names(pd.read_parquet(run.round(3) / KNOWN))
    write(folder, train[train["identity"].isin(sorted(train["identity"].unique())[1:6])])
    type_kedro(folder, "rounds", "--env=tiny", "--params=run=known,rounds=5")
    assert known_names(pd.read_parquet(run.round(3) / KNOWN)) == before
    after = known_names(pd.read_parquet(run.round(4) / KNOWN))
    assert (len(set(before.values())), len(set(after.values()))) == (3, 5)
    type_kedro(folder, "rounds", "--fork=calm:2", "--params=run=forked,catalogue=known.csv")
    forked = Run(folder / "data" / "runs" / "forked")
    assert known_names(pd.read_parquet(forked.round(2) / KNOWN)) == {}
    assert known_names(pd.read_parquet(forked.round(3) / KNOWN)) == after
    (folder / "known.csv").write_text("path,identity\nno.jpg,Ann\n")
    bad = type_kedro(folder, "rounds", "--params=run=known,rounds=6", check=False)
    assert (bad.returncode, "no.jpg: no such image" in bad.stderr, run.computed(5)) == (1, True, False)


def test_bursts_are_one_individual_and_views_are_compared_first(drawn, copied, type_kedro, tmp_path):
    folder = copied(drawn, tmp_path / "project")
    (folder / "images").mkdir()
    train = train_images(folder)
    drawings = next(folder.glob("data/01_raw/*/bounding_box_train")).parent
    for number, (path, identity) in enumerate(zip(train["path"], train["identity"], strict=True)):
        side = ("left", "right")[number % 2]
        shutil.copy(drawings / path, folder / "images" / f"{identity}_b{identity}x{number // 3}_{side}_{number}.png")
    pattern = r"(?P<identity>\d+)_(?P<group>b\w+?)_(?P<view>\w+)_"
    options = f"--params=images=images,layout=folder,folder.pattern={pattern},folder.test_fraction=0.0,strategy=random"
    type_kedro(folder, "rounds", "--env=tiny", f"{options},run=views,rounds=1,budget=30")
    run = Run(folder / "data" / "runs" / "views")
    known = pd.read_parquet(run.round(0) / KNOWN)
    labels = np.load(run.round(0) / "clusters.npy")
    assert len(known) == len(train)
    together = [set(labels[known["image_id"][known["encounter"] == burst]]) for burst in known["encounter"].unique()]
    assert sum(len(burst) for burst in together) == len(together)
    answers = pd.read_parquet(run.round(0) / "answers.parquet")
    manifest = pd.read_parquet(run.folder / "images.parquet")
    pairs = answers[answers["source"] != "closure"][["image_a", "image_b"]].to_numpy()
    views = manifest["view"].to_numpy()[pairs]
    assert len(pairs) == 30
    assert (views[:, 0] == views[:, 1]).all()
    bursts = manifest["encounter"].to_numpy()[pairs]
    assert (bursts[:, 0] != bursts[:, 1]).all()
    first, other = train["identity"].iloc[0], train["identity"].iloc[-1]
    for person in (first, other):
        shutil.copy(drawings / train["path"].iloc[0], folder / "images" / f"{person}_bmixed_left_9.png")
    bad = type_kedro(folder, "rounds", "--env=tiny", f"{options},run=bad,duplicates=keep", check=False)
    assert bad.returncode == 1
    assert "1 groups have images under two identities or more" in bad.stderr
