"""The clusters of two images before and after the answers, from a run's folder; and what is not there."""

import json

import numpy as np
import pandas as pd
import pytest

from whosame.annotation.quality.cluster_preview import PREVIEW_IMAGES, PreviewCluster, cluster_preview
from whosame.annotation.quality.contradictions import PairVerdict
from whosame.annotation.quality.round_files import NoPreviewError, RoundFiles
from whosame.annotation.queue.image_tokens import ImageRef, image_tokens
from whosame.annotation.store.schema import images as image_table
from whosame.clustering import enforce
from whosame.data.manifest import DEFAULTS, Manifest
from whosame.memory import LabelMemory

SETTINGS = {"centre_cameras": False, "reuse": True}


@pytest.fixture
def make_run(tmp_path):
    """Write what a round leaves in its folder, and the index; images are points on a circle, training ones even."""

    def make(labels, angles, *, number=0, memory=None, **settings):
        n = len(labels)
        table = pd.DataFrame(
            {
                "path": [f"{image:03d}.png" for image in range(2 * n)],
                "split": ["train", "gallery"] * n,
                "camera": np.arange(2 * n) // 2 % 2,
                "identity": pd.array([1] * 2 * n, dtype="Int64"),
                "height": np.full(2 * n, 8, np.int32),
                "width": np.full(2 * n, 4, np.int32),
                "digest": [f"digest {image}" for image in range(2 * n)],
                **{name: [value] * 2 * n for name, value in DEFAULTS.items()},
            }
        )
        manifest, index = Manifest(tmp_path / "images", "tiny", table), tmp_path / "02_index"
        index.mkdir(exist_ok=True)
        Manifest(tmp_path, "another", table.iloc[:2]).save(index / "manifest_0.parquet")
        manifest.save(index / "manifest_1.parquet")
        run = tmp_path / "runs" / "mine"
        folder = run / f"round_{number:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        configuration = {"clustering": SETTINGS | settings}
        about = {"uid": "uid", "manifest": {"digest": manifest.digest}, "configuration": configuration}
        (run / "run.json").write_text(json.dumps(about))
        turn = np.array(angles, dtype=np.float32)
        np.save(folder / "clusters.npy", np.array(labels, dtype=np.int64))
        np.savez(folder / "features.npz", vectors=np.stack([np.cos(turn), np.sin(turn)], axis=1), map_height=4)
        if memory is not None:
            before = run / f"round_{number - 1:03d}"
            before.mkdir(exist_ok=True)
            pd.DataFrame(memory, columns=["image_a", "image_b", "verdict"]).to_parquet(before / "memory.parquet")
        return RoundFiles.read(run.parent, "uid", "mine", number)

    return make


def images(clusters):
    return [list(cluster.images) for cluster in clusters]


def verdicts(*given):
    return [PairVerdict(task, *pair) for task, pair in enumerate(given)]


@pytest.mark.parametrize(
    ("labels", "angles", "pair", "given", "before", "after"),
    [
        # different: the cluster is split. The two come first, then the nearest to either: rows 2 and 3 are as near
        ([0, 0, 0, 0, 1, -1], [0, 0.5, 0.1, 0.4, 2, 3], (0, 2), [(0, 2, "different")], [[0, 2, 4, 6]], [[0, 4], [2, 6]]),
        # same: their clusters are joined, an outlier's too
        ([0, 0, 1, 1, -1], [0, 0.1, 1, 1.1, 2], (0, 4), [(0, 4, "same")], [[0, 2], [4, 6]], [[0, 4, 2, 6]]),
        ([0, 0, 1, 1, -1], [0, 0.1, 1, 1.1, 2], (4, 8), [(4, 8, "same")], [[4, 6], [8]], [[4, 8, 6]]),
        # the two come before copies of them
        ([0, 0, 0, 0], [1, 1, 1, 2], (0, 4), [], [[0, 4, 2, 6]], [[0, 4, 2, 6]]),
        # unsure changes nothing
        ([0, 0, 1, 1], [0, 0.1, 1, 1.1], (0, 4), [(0, 4, "unsure")], [[0, 2], [4, 6]], [[0, 2], [4, 6]]),
        # 0 is the same as 8, 8 is not 2: so 0 is not 2, though 8 is in neither of their clusters
        ([0, 0, 1, 1, 2, 2], [0, 0.1, 1, 1.1, 2, 2.1], (0, 2), [(0, 8, "same"), (2, 8, "different")], [[0, 2]], [[0], [2]]),
    ],
)  # fmt: skip
def test_clusters_before_and_after_the_answers(make_run, labels, angles, pair, given, before, after):
    preview = cluster_preview(make_run(labels, angles), pair, verdicts(*given))
    assert images(preview.before) == before
    assert list(map(set, images(preview.after))) == list(map(set, after))
    assert preview.changed == (before != after)
    shown = {image for cluster in before for image in cluster}
    assert preview.images == {image: ImageRef(f"{image:03d}.png", f"digest {image}") for image in shown}


def test_an_outlier_is_a_cluster_of_its_own(make_run):
    preview = cluster_preview(make_run([0, 0, 1, 1, -1], [0, 0.1, 1, 1.1, 2]), (4, 8), [])
    assert preview.before == (PreviewCluster((4, 6), 2), PreviewCluster((8,), 1, outlier=True))


def test_earlier_rounds_count_unless_the_run_forgets_them(make_run):
    options = {"number": 3, "memory": [(0, 4, "same"), (2, 4, "different")]}
    assert make_run([0, 0, 1, 1], [0, 0.1, 1, 1.1], **options).memory.log == [(0, 2, "same"), (1, 2, "different")]
    assert make_run([0, 0, 1, 1], [0, 0.1, 1, 1.1], **options, reuse=False).memory.log == []


def test_features_are_those_that_were_clustered(make_run):
    plain, centred = (make_run([0] * 6, [0, 0.2, 0.4, 1, 1.2, 1.5], centre_cameras=given) for given in (False, True))
    assert not np.allclose(centred.vectors, plain.vectors)


def test_a_preview_is_what_enforcing_makes_of_the_two_clusters_alone(make_run):
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 3, 60)
    files = make_run(labels, generator.uniform(0, 3, 60))
    pairs = np.sort(generator.choice(np.flatnonzero(labels != 2), (8, 2), replace=False))
    given = [(a, b, "different" if at % 2 else "same") for at, (a, b) in enumerate(pairs.tolist())]
    memory = LabelMemory()
    for a, b, verdict in given:
        memory.add(a, b, verdict == "same")
    everywhere = enforce(np.where(labels == 2, -1, labels), files.vectors, memory)
    both = sorted(2 * int(np.flatnonzero(labels == label)[0]) for label in (0, 1))
    preview = cluster_preview(files, tuple(both), verdicts(*((2 * a, 2 * b, verdict) for a, b, verdict in given)))
    whole = {frozenset(2 * np.flatnonzero(everywhere == label)) for label in range(everywhere.max() + 1)}
    assert {len(cluster) for cluster in whole} == {cluster.size for cluster in preview.after}
    for cluster in preview.after:
        assert len(cluster.images) == min(cluster.size, PREVIEW_IMAGES)
        assert any(set(cluster.images) <= other for other in whole)


@pytest.mark.parametrize("pair", [(0, 1), (1, 3), (0, 98)])
def test_a_pair_that_is_not_trained_on_has_no_preview(make_run, pair):
    with pytest.raises(NoPreviewError, match="not among the images"):
        cluster_preview(make_run([0, 0, 1, 1], [0, 0.1, 1, 1.1]), pair, [])


def test_what_is_not_here_is_said(make_run, tmp_path):
    make_run([0, 0], [0, 1])
    runs = tmp_path / "runs"
    for uid, name in (("uid", "other"), ("of a run started anew", "mine"), ("uid", "../runs/mine")):
        with pytest.raises(NoPreviewError, match="not on the machine that serves this page"):
            RoundFiles.read(runs, uid, name, 0)
    with pytest.raises(NoPreviewError, match="round 8 has no clusters here"):
        RoundFiles.read(runs, "uid", "mine", 7)
    (tmp_path / "02_index" / "manifest_1.parquet").rename(tmp_path / "moved")
    with pytest.raises(NoPreviewError, match="index of this run's images"):
        RoundFiles.read(runs, "uid", "mine", 0)
    (runs / "mine" / "round_000" / "features.npz").write_bytes(b"no archive")
    with pytest.raises(NoPreviewError, match="round 1 of run 'mine' cannot be read here"):
        RoundFiles.read(runs, "uid", "mine", 0)


def test_images_get_a_token_once(sqlite_store, queue_of):
    queue_of(sqlite_store)
    refs = {image: ImageRef(f"{image}.png", str(image)) for image in range(1100)}
    first = image_tokens(sqlite_store, "uid", {image: refs[image] for image in range(700)})
    every = image_tokens(sqlite_store, "uid", refs)
    assert {image: every[image] for image in first} == first
    assert len(set(every.values())) == 1100
    assert image_tokens(sqlite_store, "another run", {0: refs[0]})[0] not in every.values()
    assert image_tokens(sqlite_store, "uid", {}) == {}
    with sqlite_store.reading() as connection:
        row = connection.execute(image_table.select().where(image_table.c.token == every[1099])).one()
    assert (row.path, row.digest) == ("1099.png", "1099")
