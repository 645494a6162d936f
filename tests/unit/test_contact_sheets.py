"""Contact sheets from a run's folder: the clusters of two images before and after, and what is not there."""

import json

import numpy as np
import pandas as pd
import pytest

from whosame.annotation.quality.cluster_preview import PREVIEW_IMAGES, PreviewCluster, cluster_preview
from whosame.annotation.quality.contradictions import PairVerdict
from whosame.annotation.quality.round_files import NoPreviewError, RoundFiles
from whosame.annotation.queue.image_tokens import ImageRef, image_tokens
from whosame.annotation.queue.tasks import RunInfo, TaskQueue
from whosame.annotation.store.schema import images
from whosame.annotation.store.store import open_store
from whosame.clustering import enforce
from whosame.data.manifest import Manifest
from whosame.memory import LabelMemory


def make_run(data, *, labels, angles, round_=0, memory=None, configuration=None, uid="uid"):
    """Write what a round leaves in its folder, and the index; images are points on a circle."""
    n = len(labels)
    table = pd.DataFrame(
        {
            "path": [f"{image:03d}.png" for image in range(2 * n)],
            "split": ["train", "gallery"] * n,
            "camera": np.zeros(2 * n, np.int64),
            "identity": pd.array([1] * 2 * n, dtype="Int64"),
            "height": np.full(2 * n, 8, np.int32),
            "width": np.full(2 * n, 4, np.int32),
            "digest": [f"digest {image}" for image in range(2 * n)],
        }
    )
    table["camera"] = np.arange(2 * n) // 2 % 2
    manifest = Manifest(data / "images", "tiny", table)
    (data / "02_index").mkdir(parents=True)
    Manifest(data, "another", table.iloc[:2]).save(data / "02_index" / "manifest_0.parquet")
    manifest.save(data / "02_index" / "manifest_1.parquet")
    folder = data / "runs" / "mine" / f"round_{round_:03d}"
    folder.mkdir(parents=True)
    about = {
        "uid": uid,
        "manifest": {"digest": manifest.digest},
        "configuration": {"clustering": {"centre_cameras": False, "reuse": True, **(configuration or {})}},
    }
    (data / "runs" / "mine" / "run.json").write_text(json.dumps(about))
    turn = np.array(angles, dtype=np.float32)
    np.save(folder / "clusters.npy", np.array(labels, dtype=np.int64))
    np.savez(folder / "features.npz", vectors=np.stack([np.cos(turn), np.sin(turn)], axis=1), map_height=4)
    if memory is not None:
        before = folder.with_name(f"round_{round_ - 1:03d}")
        before.mkdir()
        pd.DataFrame(memory, columns=["image_a", "image_b", "verdict"]).to_parquet(before / "memory.parquet")
    return data / "runs"


def shown(groups):
    return [list(group.images) for group in groups]


def test_a_different_splits_the_cluster_of_the_two(tmp_path):
    runs = make_run(tmp_path, labels=[0, 0, 0, 0, 1, -1], angles=[0.0, 0.5, 0.1, 0.4, 2, 3])
    files = RoundFiles.read(runs, "uid", "mine", 0)
    sheet = cluster_preview(files, (0, 2), [PairVerdict(1, 0, 2, "different")])
    assert shown(sheet.before) == [[0, 2, 4, 6]]  # the two, then the nearest to either: rows 2 and 3 are as near
    assert shown(sheet.after) == [[0, 4], [2, 6]]
    assert sheet.changed
    assert sheet.images[6] == ImageRef("006.png", "digest 6")
    assert set(sheet.images) == {0, 2, 4, 6}


def test_a_same_joins_their_clusters_and_an_outlier_its_own(tmp_path):
    runs = make_run(tmp_path, labels=[0, 0, 1, 1, -1, 2], angles=[0, 0.1, 1, 1.1, 2, 3])
    files = RoundFiles.read(runs, "uid", "mine", 0)
    sheet = cluster_preview(files, (0, 4), [PairVerdict(1, 0, 4, "same")])
    assert shown(sheet.before) == [[0, 2], [4, 6]]
    assert [group.size for group in sheet.after] == [4]
    alone = cluster_preview(files, (4, 8), [PairVerdict(1, 4, 8, "same")])
    assert alone.before == (PreviewCluster((4, 6), 2), PreviewCluster((8,), 1, outlier=True))
    assert shown(alone.after) == [[4, 8, 6]]


def test_the_two_come_before_copies_of_them(tmp_path):
    runs = make_run(tmp_path, labels=[0, 0, 0, 0], angles=[1, 1, 1, 2])
    [group] = cluster_preview(RoundFiles.read(runs, "uid", "mine", 0), (0, 4), []).before
    assert group.images == (0, 4, 2, 6)


def test_unsure_and_no_answer_change_nothing(tmp_path):
    runs = make_run(tmp_path, labels=[0, 0, 1, 1], angles=[0, 0.1, 1, 1.1])
    files = RoundFiles.read(runs, "uid", "mine", 0)
    assert not cluster_preview(files, (0, 4), []).changed
    assert not cluster_preview(files, (0, 4), [PairVerdict(1, 0, 4, "unsure")]).changed


def test_what_follows_by_way_of_other_clusters_counts(tmp_path):
    # 0 and 1 in one cluster; 0 is the same as 4, 4 is not 1: so 0 is not 1, though 4 is not on the sheet
    runs = make_run(tmp_path, labels=[0, 0, 1, 1, 2, 2], angles=[0, 0.1, 1, 1.1, 2, 2.1])
    files = RoundFiles.read(runs, "uid", "mine", 0)
    sheet = cluster_preview(files, (0, 2), [PairVerdict(1, 0, 8, "same"), PairVerdict(2, 2, 8, "different")])
    assert shown(sheet.after) == [[0], [2]]


def test_earlier_rounds_count_unless_the_run_forgets_them(tmp_path):
    known = [(0, 4, "same"), (2, 4, "different")]
    options = {"labels": [0, 0, 1, 1], "angles": [0, 0.1, 1, 1.1], "round_": 3, "memory": known}
    runs = make_run(tmp_path / "a", **options)
    files = RoundFiles.read(runs, "uid", "mine", 3)
    assert files.memory.log == [(0, 2, "same"), (1, 2, "different")]
    runs = make_run(tmp_path / "b", **options, configuration={"reuse": False})
    assert RoundFiles.read(runs, "uid", "mine", 3).memory.log == []


def test_features_are_those_that_were_clustered(tmp_path):
    options = {"labels": [0] * 6, "angles": [0, 0.2, 0.4, 1, 1.2, 1.5]}
    plain = RoundFiles.read(make_run(tmp_path / "a", **options), "uid", "mine", 0)
    centred = make_run(tmp_path / "b", **options, configuration={"centre_cameras": True})
    assert not np.allclose(RoundFiles.read(centred, "uid", "mine", 0).vectors, plain.vectors)


def test_a_sheet_is_what_enforcing_makes_of_the_two_clusters_alone(tmp_path):
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 3, 60)
    runs = make_run(tmp_path, labels=labels, angles=generator.uniform(0, 3, 60))
    files = RoundFiles.read(runs, "uid", "mine", 0)
    rows = np.flatnonzero(labels != 2)
    pairs = generator.choice(rows, (8, 2), replace=False)
    said = [
        PairVerdict(at, *sorted((2 * pair).tolist()), "different" if at % 2 else "same")
        for at, pair in enumerate(pairs)
    ]
    a, b = 2 * int(np.flatnonzero(labels == 0)[0]), 2 * int(np.flatnonzero(labels == 1)[0])
    memory = LabelMemory()
    for belief in said:
        memory.add(belief.a // 2, belief.b // 2, belief.verdict == "same")
    everywhere = enforce(np.where(labels == 2, -1, labels), files.vectors, memory)
    sheet = cluster_preview(files, (min(a, b), max(a, b)), said)
    whole = {frozenset(2 * np.flatnonzero(everywhere == label)) for label in range(everywhere.max() + 1)}
    assert {len(group) for group in whole} == {group.size for group in sheet.after}
    for group in sheet.after:
        assert len(group.images) == min(group.size, PREVIEW_IMAGES)
        assert any(set(group.images) <= other for other in whole)


@pytest.mark.parametrize("pair", [(0, 1), (1, 3), (0, 98)])
def test_a_pair_that_is_not_trained_on_has_no_sheet(tmp_path, pair):
    runs = make_run(tmp_path, labels=[0, 0, 1, 1], angles=[0, 0.1, 1, 1.1])
    with pytest.raises(NoPreviewError, match="not among the images"):
        cluster_preview(RoundFiles.read(runs, "uid", "mine", 0), pair, [])


def test_what_is_not_here_is_said(tmp_path):
    runs = make_run(tmp_path, labels=[0, 0], angles=[0, 1])
    for uid, name in (("uid", "other"), ("of a run begun anew", "mine"), ("uid", "../runs/mine")):
        with pytest.raises(NoPreviewError, match="not on the machine that serves this page"):
            RoundFiles.read(runs, uid, name, 0)
    with pytest.raises(NoPreviewError, match="round 8 has no clusters here"):
        RoundFiles.read(runs, "uid", "mine", 7)
    (runs / "mine" / "round_000" / "features.npz").write_bytes(b"no archive")
    with pytest.raises(NoPreviewError, match="round 1 of run 'mine' cannot be read here"):
        RoundFiles.read(runs, "uid", "mine", 0)


def test_without_the_index_there_is_no_sheet(tmp_path):
    runs = make_run(tmp_path, labels=[0, 0], angles=[0, 1])
    (tmp_path / "02_index" / "manifest_1.parquet").unlink()
    with pytest.raises(NoPreviewError, match="index of this run's images"):
        RoundFiles.read(runs, "uid", "mine", 0)


def test_pictures_get_a_handle_once(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'labels.db'}") as store:
        about = RunInfo("uid", "mine", "/images", 0, 1, 0, 1, 1)
        TaskQueue(store, about, {}).begin()
        refs = {image: ImageRef(f"{image}.png", str(image)) for image in range(1100)}
        first = image_tokens(store, "uid", {image: refs[image] for image in range(700)})
        every = image_tokens(store, "uid", refs)
        assert {image: every[image] for image in first} == first
        assert len(set(every.values())) == 1100
        assert image_tokens(store, "another run", {0: refs[0]})[0] not in every.values()
        assert image_tokens(store, "uid", {}) == {}
        with store.reading() as connection:
            row = connection.execute(images.select().where(images.c.token == every[1099])).one()
        assert (row.path, row.digest) == ("1099.png", "1099")
