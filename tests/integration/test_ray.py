"""A Ray cluster of two nodes on this machine, and an object store: rounds are those of one process.

``kedro rounds --params=engine=ray`` is the same function: a command would import everything once more.

Starting Ray's processes takes most of the time, so that one run has it all.
"""

import functools
import logging
import os
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from whosame import artefacts
from whosame.app.run_copy import fetch_run
from whosame.data.pixels import MappedPixels
from whosame.distributed import blocks, ray_cluster
from whosame.distributed.ray_cluster import connect
from whosame.errors import InputError, ParameterError
from whosame.features.frozen_maps import FrozenMaps
from whosame.runs import Run
from whosame.seeding import stream

ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pytest.importorskip("moto", reason="moto is not installed")
pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),  # Ray's and moto's own
]

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "whosame", "AWS_SECRET_ACCESS_KEY": "whosame", "AWS_DEFAULT_REGION": "us-east-1"}
OPTIONS = {"rounds": 2, "budget": 12, "layout": "market1501", "training": {"norm_chunk": 8, "iterations": 20}}


@pytest.fixture(scope="module")
def store():
    """What the environment says of an object store on this machine."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    host, port = server.get_host_and_port()
    settings = {**CREDENTIALS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield settings
    server.stop()


@pytest.fixture(scope="module")
def bucket(store, drawn):
    """The URL of the tiny data set in the object store, and the folder that it is a copy of."""
    import s3fs

    [folder] = (drawn / "data" / "01_raw").glob("synthetic_*")
    files = s3fs.S3FileSystem(skip_instance_cache=True)
    files.mkdir("bucket")
    files.put(f"{folder}/", "bucket/crops/", recursive=True)
    return "s3://bucket/crops", folder


@pytest.fixture(scope="module")
def cluster():
    """Two nodes, each with a core."""
    if "ray" not in os.environ.get("WHOSAME_REQUIRE", "").split(","):
        pytest.skip("a cluster takes two to three minutes: WHOSAME_REQUIRE=ray runs it")
    from ray.cluster_utils import Cluster

    of_each = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(initialize_head=True, head_node_args=of_each)
        cluster.add_node(**of_each)
        yield cluster
        cluster.shutdown()


def set_environment(settings):
    os.environ.update(settings)


def trainers(cluster) -> list[int]:
    """Return the process ids of the cluster's training workers."""
    nodes = {info.process.pid for node in cluster.list_all_nodes() for info in node.all_processes.get("raylet", [])}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
        if command.startswith(b"ray::") and b"TrainWorker" in command and parent in nodes:
            found.append(int(folder.name))
    return found


def test_a_cluster_plays_what_one_process_does_though_a_worker_is_killed(
    project, play, store, bucket, cluster, tmp_path
):
    url, folder = bucket
    assert play(project, run="one", images=str(folder), **OPTIONS) == 0
    one, mine = (Run(project / "data" / "runs" / name) for name in ("one", "mine"))
    how = {"engine": "ray", "address": cluster.address, "processes": 2, "storage": {"url": "s3://bucket/runs"}}
    playing = play.start(
        project, run="mine", images=url, sabotage=functools.partial(set_environment, store), **how, **OPTIONS
    )
    killed = 0
    while playing.is_alive():
        if not killed and mine.completed() == 1 and len(found := trainers(cluster)) == 2:
            time.sleep(1)
            os.kill(found[1], signal.SIGKILL)
            killed = found[1]
        time.sleep(0.2)
    assert playing.exitcode == 0
    assert killed
    assert mine.about()["settings"]["images"] == url
    for number in range(2):
        of_one, of_two = one.round(number), mine.round(number)
        for name in (artefacts.CLUSTERS, artefacts.LABELS):
            np.testing.assert_array_equal(np.load(of_two / name), np.load(of_one / name))
        questions = [pd.read_parquet(at / artefacts.QUESTIONS)[["image_a", "image_b"]] for at in (of_one, of_two)]
        pd.testing.assert_frame_equal(*questions)
    for ours, theirs in zip(mine.metrics(), one.metrics(), strict=True):
        assert ours["retrieval/mAP"] == pytest.approx(theirs["retrieval/mAP"], abs=0.001)
    elsewhere = Run(tmp_path / "runs" / "mine")
    fetch_run(elsewhere, "s3://bucket/runs")
    assert elsewhere.metrics() == mine.metrics()
    for path in mine.folder.rglob("*"):
        copy = elsewhere.folder / path.relative_to(mine.folder)
        assert path.is_dir() or path.name == artefacts.LOCK or copy.read_bytes() == path.read_bytes()


def test_pixels_and_maps_in_the_cluster_s_store_are_those_of_the_files(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 10 * 8 * 4 * 3)  # ten images
    rng = np.random.default_rng(0)
    np.save(tmp_path / "pixels.npy", rng.integers(0, 256, (37, 8, 4, 3), np.uint8))
    files = tuple(tmp_path / f"{number}.npy" for number in range(3))
    for file, count in zip(files, (37, 20, 20), strict=True):
        np.save(file, rng.random((count, 5, 2, 2)).astype(np.float16))
    rows = np.full(37, 20)
    rows[5:25] = np.arange(20)
    maps, pixels = FrozenMaps((37, 8, 4, 3), files, rows), MappedPixels(tmp_path / "pixels.npy")
    connect(cluster.address)
    try:
        for given in (pixels, maps):
            put = blocks.in_blocks(given)
            assert put.shape == given.shape
            for ids in (np.array([36, 0, 9, 10, 36]), np.empty(0, np.int64)):
                np.testing.assert_array_equal(put.read(ids), given.read(ids))
        varied, drawn = (each.varied(stream(0, "versions", 0)) for each in (blocks.in_blocks(maps), maps))
        np.testing.assert_array_equal(varied.read(np.arange(5, 25)), drawn.read(np.arange(5, 25)))
    finally:
        ray.shutdown()


def test_an_address_that_does_not_answer_is_one_error_within_ten_seconds(monkeypatch):
    assert ray_cluster.CONNECT_SECONDS == 10
    monkeypatch.setattr(ray_cluster, "CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and does not reply
        port = silent.getsockname()[1]
        begun = time.monotonic()
        with pytest.raises(
            ParameterError, match=rf"no Ray cluster replies at address=127\.0\.0\.1:{port}: no reply within 1 s"
        ):
            connect(f"127.0.0.1:{port}")
        assert time.monotonic() - begun < 5
    with pytest.raises(ParameterError, match=rf"no Ray cluster replies at address=127\.0\.0\.1:{port}"):
        connect(f"127.0.0.1:{port}")
    with pytest.raises(ParameterError, match="has no port"):
        connect("10.0.0.1")


def test_only_what_changed_in_the_store_is_fetched(bucket, store, tmp_path, monkeypatch):
    import s3fs

    from whosame.data import object_store
    from whosame.data.remote_images import fetched

    files = s3fs.S3FileSystem(skip_instance_cache=True)
    for number in range(5):
        files.pipe(f"bucket/few/{number % 2}/{number}.txt", b"first")
    folder = fetched("s3://bucket/few", tmp_path)
    times = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.txt")}
    assert len(times) == 5
    files.pipe("bucket/few/1/3.txt", b"again")  # as long as it was
    files.rm("bucket/few/0/0.txt")
    assert fetched("s3://bucket/few", tmp_path) == folder
    after = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.txt")}
    assert after.keys() == times.keys() - {"0.txt"}
    assert {name for name in after if after[name] != times[name]} == {"3.txt"}
    assert (folder / "1" / "3.txt").read_bytes() == b"again"
    with pytest.raises(InputError, match="there is no file"):
        fetched("s3://bucket/none", tmp_path)
    monkeypatch.setattr(object_store, "REPLY_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        s3fs.S3FileSystem.clear_instance_cache()
        with pytest.raises(InputError, match=r"s3://bucket/few cannot be reached: no reply within"):
            fetched("s3://bucket/few", tmp_path)
    s3fs.S3FileSystem.clear_instance_cache()
    assert len(list(folder.rglob("*.txt"))) == 4  # what was fetched is kept
