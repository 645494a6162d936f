"""The pedestrian renderer: counts, names, look-alikes, the same bytes always, and folders it may not touch."""

import dataclasses
import json
import os
import re
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from whosame.data.source import SourceConfig
from whosame.errors import InputError, StorageError
from whosame.operating_system import lock
from whosame.seeding import stream
from whosame.synthetic import SyntheticConfig, lookalikes, render, render_dataset
from whosame.synthetic.drawing import draw_shot, open_studio
from whosame.synthetic.lookalikes import draw_people
from whosame.synthetic.plan import GALLERY, QUERY, TRAIN, Shot, plan
from whosame.synthetic.wardrobe import visible_looks

SMALL = SyntheticConfig(
    train_identities=4,
    test_identities=3,
    train_images=20,
    query_images=6,
    gallery_images=16,
    distractor_images=3,
    junk_images=2,
    cameras=3,
    height=64,
    width=32,
)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic") / "small"
    render_dataset(SMALL, folder, workers=1)
    return folder


@pytest.mark.parametrize(
    ("size", "train", "query", "gallery", "distractors"),
    [("demo", (100, 1600), (100, 500), 1050, 80), ("market", (751, 12936), (750, 3368), 15913, 2798)],
)
def test_sizes_have_their_counts(size, train, query, gallery, distractors):
    shots = plan(SyntheticConfig(size=size))
    by_folder = defaultdict(list)
    for shot in shots:
        by_folder[shot.path.split("/")[0]].append(shot)
    assert {name: len(rows) for name, rows in by_folder.items()} == {TRAIN: train[1], QUERY: query[1], GALLERY: gallery}
    people = {name: {shot.identity for shot in rows if shot.identity > 0} for name, rows in by_folder.items()}
    assert len(people[TRAIN]) == train[0]
    assert len(people[QUERY]) == query[0]
    assert people[QUERY] == people[GALLERY]
    assert not people[TRAIN] & people[QUERY]
    assert sum(shot.identity == 0 for shot in by_folder[GALLERY]) == distractors
    assert {shot.camera for shot in shots} == set(range(1, 7))


@pytest.mark.parametrize(
    "config",
    [SyntheticConfig(), SMALL.replace(query_images=3, gallery_images=3, distractor_images=0, junk_images=0)],
    ids=["demo", "smallest gallery"],
)
def test_every_query_has_a_match_from_another_camera(config):
    shots = plan(config)
    gallery = defaultdict(set)
    for shot in shots:
        if shot.path.startswith(GALLERY):
            gallery[shot.identity].add(shot.camera)
    assert all(gallery[shot.identity] - {shot.camera} for shot in shots if shot.path.startswith(QUERY))


def test_names_are_those_of_market_1501():
    shots = plan(SMALL)
    assert len({shot.path for shot in shots}) == len(shots)
    for shot in shots:
        found = re.fullmatch(r"(bounding_box_train|query|bounding_box_test)/([-\d]+)_c(\d)s1_\d{6}_00\.jpg", shot.path)
        assert found
        assert (int(found[2]), int(found[3])) == (shot.identity, shot.camera)
    assert {shot.identity for shot in shots} == {-1, 0, 1, 2, 3, 4, 5, 6, 7}


def test_look_alikes_differ_in_exactly_one_attribute():
    people, groups = draw_people(400, 0.5, 4, stream(0, "test"))
    assert len({visible_looks(person) for person in people}) == 400
    members = defaultdict(list)
    for person, group in zip(people, groups, strict=True):
        members[group].append(person)
    alike = [group for group in members.values() if len(group) > 1]
    assert 190 <= sum(map(len, alike)) <= 200
    assert {len(group) for group in alike} >= {3, 4}
    varied = Counter()
    for group in alike:
        names = [field.name for field in dataclasses.fields(group[0])]
        for a in group:
            for b in group:
                differ = [name for name in names if getattr(visible_looks(a), name) != getattr(visible_looks(b), name)]
                assert len(differ) == (a is not b)
                varied.update(differ)
    assert set(varied) >= {"shoes", "bag", "hat", "bottom", "top", "hair"}


def test_each_person_is_drawn_once(monkeypatch):
    rng = stream(0, "test")
    drawn = [lookalikes.draw_person(rng) for _ in range(6)]
    again = iter([drawn[0], *drawn])
    monkeypatch.setattr(lookalikes, "draw_person", lambda _: next(again))
    people, _ = draw_people(6, 0.0, 2, rng)
    assert len(set(people)) == 6


def test_without_look_alikes_every_group_is_one_person():
    _, groups = draw_people(50, 0.0, 4, stream(0, "test"))
    assert len(set(groups)) == 50


def test_files_are_whole_pictures_of_the_size(rendered):
    paths = sorted(rendered.rglob("*.jpg"))
    assert len(paths) == 42
    for path in paths:
        with Image.open(path) as picture:
            assert picture.size == (32, 64)
            assert np.asarray(picture).std() > 5
    assert not list(rendered.rglob("*.part"))


def test_bytes_do_not_depend_on_processes(rendered, tmp_path):
    render_dataset(SMALL, tmp_path / "other", workers=2, chunk=11)
    assert contents(tmp_path / "other") == contents(rendered)


def test_another_seed_gives_other_pictures():
    shot = Shot("query/0001_c1s1_000001_00.jpg", 1, 1, 1)
    first, again, other = (
        np.asarray(draw_shot(open_studio(SMALL.replace(seed=seed)), shot)).astype(int) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 5


@pytest.mark.parametrize(
    "name", ["colour", "lighting", "viewpoint", "clutter", "pose", "crop", "blur", "noise", "occlusion"]
)
def test_every_strength_changes_the_pictures(name):
    shots = [Shot(f"query/000{i}_c{c}.jpg", i, i, c) for i in (1, 2) for c in (1, 2, 3)]
    low = open_studio(SMALL.replace(**{name: 0.0}))
    high = open_studio(SMALL.replace(**{name: 1.0}))
    none, full = (np.stack([np.asarray(draw_shot(studio, shot)) for shot in shots]) for studio in (low, high))
    assert np.abs(none.astype(int) - full).mean() > 1.5  # of 255; 2.8 (pose) to 15.8 (lighting)


def test_a_whole_data_set_is_left_alone(rendered):
    before = {path: path.stat().st_mtime_ns for path in rendered.rglob("*.*")}
    render_dataset(SMALL, rendered, workers=1)
    assert {path: path.stat().st_mtime_ns for path in rendered.rglob("*.*")} == before


def test_an_interrupted_rendering_continues_and_a_deleted_picture_comes_back(rendered, tmp_path, monkeypatch):
    folder, drawn = tmp_path / "cut", []

    def stop_after(studio, shot):
        if len(drawn) == 9:
            raise KeyboardInterrupt
        drawn.append(shot.path)
        return draw_shot(studio, shot)

    monkeypatch.setattr(render, "draw_shot", stop_after)
    with pytest.raises(KeyboardInterrupt):
        render_dataset(SMALL, folder, workers=1)
    assert not json.loads((folder / render.MARKER).read_text())["complete"]
    (folder / TRAIN / "0001_c1s1_000001_00.jpg.77.part").write_bytes(b"half")
    first = {path: path.stat().st_mtime_ns for path in folder.rglob("*.jpg")}
    assert len(first) == 9
    monkeypatch.setattr(render, "draw_shot", draw_shot)
    render_dataset(SMALL, folder, workers=1)
    assert contents(folder) == contents(rendered)
    assert {path: path.stat().st_mtime_ns for path in first} == first
    next((folder / QUERY).iterdir()).unlink()
    render_dataset(SMALL, folder, workers=1)
    assert contents(folder) == contents(rendered)


def test_another_configuration_in_the_folder_is_refused(rendered):
    before = contents(rendered)
    with pytest.raises(InputError, match=r"(?s)seed: it has 0, asked was 5.*another folder"):
        render_dataset(SMALL.replace(seed=5), rendered)
    assert contents(rendered) == before


@pytest.mark.parametrize("content", ["photo.jpg", render.MARKER])
def test_a_folder_of_something_else_is_refused(tmp_path, content):
    (tmp_path / content).write_text("{}")
    with pytest.raises(InputError, match=r"new folder|cannot be read"):
        render_dataset(SMALL, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [content]


def test_a_disk_that_cannot_be_written_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="make room or choose another folder"):
        render_dataset(SMALL, tmp_path / "file" / "inside")


def test_data_sets_that_differ_are_called_differently():
    assert SourceConfig().dataset == "synthetic-demo"
    assert SourceConfig(synthetic=SyntheticConfig(size="market")).dataset == "synthetic-market"
    other = SourceConfig(synthetic=SyntheticConfig(cameras=3)).dataset
    assert other.startswith("synthetic-demo-")
    assert other != SourceConfig(synthetic=SyntheticConfig(seed=1)).dataset


def test_while_one_process_draws_another_one_waits(rendered, tmp_path):
    folder = tmp_path / "small"
    (folder / TRAIN).mkdir(parents=True)  # as far as the first one has come
    drawing = os.open(folder, os.O_RDONLY)
    lock(drawing, wait=True)
    with ThreadPoolExecutor() as pool:
        second = pool.submit(render_dataset, SMALL, folder, workers=1)
        assert not wait_for([second], timeout=0.3).done
        (folder / TRAIN).rmdir()
        os.close(drawing)
        second.result(60)
    assert contents(folder) == contents(rendered)
