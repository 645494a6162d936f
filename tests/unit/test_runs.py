"""Run folders: rounds are counted, runs are not continued as something else, forks share and outlive, pruning spares."""

import numpy as np
import pytest

from whosame import artefacts
from whosame.app.forks import fork, origin_of
from whosame.artefacts import HEAVY
from whosame.errors import InputError, ParameterError, ResumeError, StorageError
from whosame.reporting.table import rounds_table, runs_table
from whosame.runs import Run, all_runs, find_run, flatten


def played(folder, rounds):
    run = Run(folder)
    artefacts.write(
        run.folder / artefacts.RUN, {"uid": folder.name, "configuration": {"strategy": "dcps", "rounds": 9}}
    )
    for number in range(rounds):
        artefacts.write(run.round(number) / artefacts.METRICS, {"round": number})
        for name in (*HEAVY, "labels.npy", "mlflow.json"):
            (run.round(number) / name).write_bytes(b"x" * 100)
    return run


def test_a_round_without_metrics_is_the_next_one(tmp_path):
    run = played(tmp_path / "a", 2)
    run.round(2).mkdir()
    assert run.completed() == 2
    assert [m["round"] for m in run.metrics()] == [0, 1]
    assert [r.name for r in all_runs(tmp_path)] == ["a"]


@pytest.mark.parametrize("name", ["../a", "", ".hidden", "a/b", "x" * 200])
def test_a_name_that_is_no_folder_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot be called"):
        Run.named(tmp_path, name)


def test_a_run_has_started_with_the_first_file_of_a_round_of_its_own(tmp_path):
    run = played(tmp_path / "a", 0)
    (run.round(0) / ".ipynb_checkpoints").mkdir(parents=True)
    (run.round(0) / "features.npz.partial").touch()
    assert (run.started(), run.completed()) == (False, 0)
    artefacts.write(run.round(0) / artefacts.CLUSTERS, np.zeros(3))
    assert (run.started(), run.completed()) == (True, 0)
    fork(played(tmp_path / "b", 2), 1, into := Run(tmp_path / "c"))
    assert (into.started(), into.completed()) == (False, 2)
    (into.round(2)).mkdir()
    (into.round(2) / artefacts.FEATURES).touch()
    assert into.started()


@pytest.fixture
def littered(tmp_path):
    """Three runs, one with a damaged file, and what systems and people leave among them."""
    for name in ("a", "b", "c"):
        played(tmp_path / name, 2)
    Run(tmp_path / "new").lock().close()
    for stray in (".ipynb_checkpoints", "Thumbs.db.d", "old results/round_000", "a/round_001/.ipynb_checkpoints"):
        (tmp_path / stray).mkdir(parents=True)
    for stray in (".DS_Store", "notes.txt", "a/.DS_Store", "a/round_000/Thumbs.db", "a/round_001/.ipynb_checkpoints/x"):
        (tmp_path / stray).touch()
    (tmp_path / "b" / "round_001" / artefacts.METRICS).write_bytes(b"")
    return tmp_path


def test_a_damaged_run_is_named_and_the_others_are_listed(littered):
    listed = runs_table(list(all_runs(littered))).splitlines()
    assert [line.split()[:5] for line in listed[2:6]] == [
        ["a", "dcps", "2", "of", "9"],
        ["b", "–", "damaged", "–", "–"],
        ["c", "dcps", "2", "of", "9"],
        ["new", "–", "not", "started", "–"],
    ]
    file = littered / "b" / "round_001" / artefacts.METRICS
    assert (
        listed[6] == f"run b: {file} cannot be read: it is empty. Delete it: the command that made it makes it again."
    )
    with pytest.raises(StorageError, match=r"metrics.json cannot be read: it is empty"):
        rounds_table(Run(littered / "b"))


def test_strays_are_neither_forked_nor_in_the_way(littered):
    fork(*origin_of("a:1", littered), Run(littered / "d"))
    assert not list((littered / "d").rglob("*.db")) + list((littered / "d").rglob(".*"))
    assert Run(littered / "d").completed() == 2
    Run(littered / "a").prune(1)
    Run(littered / "a").remove()
    assert not (littered / "a").exists()
    assert (littered / "d" / "round_001" / "labels.npy").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\x93NUMPY", b"PAR1", b"PK\x03\x04"])
@pytest.mark.parametrize("name", ["metrics.json", "labels.npy", "features.npz", "graph.npz", "memory.parquet"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StorageError, match=f"{name} cannot be read: .* Delete it"):
        artefacts.read(tmp_path / name)
    assert artefacts.read_if_whole(tmp_path / name) is None
    with pytest.raises(FileNotFoundError):
        artefacts.read(tmp_path / "round_001" / name)


def test_what_cannot_be_made_again_is_not_to_be_deleted(tmp_path):
    (tmp_path / artefacts.RUN).write_bytes(b"")
    with pytest.raises(StorageError, match="Restore it from a backup"):
        Run(tmp_path).about()


def test_a_run_is_found_by_its_name_or_near_ones_are_offered(littered):
    assert find_run(littered, "new").folder == littered / "new"
    with pytest.raises(ParameterError, match="unknown run 'nwe': did you mean 'new'"):
        find_run(littered, "nwe")
    with pytest.raises(ParameterError, match="there is no run 'x', and no other in"):
        find_run(littered / "nothing", "x")


def test_a_run_that_is_being_played_is_not_removed(tmp_path):
    pytest.importorskip("fcntl")  # without it there are no locks
    run = played(tmp_path / "a", 1)
    with run.lock(), pytest.raises(ResumeError, match="is being continued by process"):
        run.remove()
    assert run.completed() == 1
    run.remove()
    assert not run.folder.exists()


def test_a_fork_shares_the_rounds_before_and_outlives_its_origin(tmp_path):
    run = played(tmp_path / "a", 4)
    other = Run(tmp_path / "b")
    other.lock().close()  # of an attempt that computed nothing
    fork(run, 2, other)
    assert other.completed() == 3
    assert (other.round(1) / "labels.npy").stat().st_ino == (run.round(1) / "labels.npy").stat().st_ino
    assert not (other.round(1) / "mlflow.json").exists()
    assert (run.forked_from, other.forked_from) == (None, "a:2")
    assert other.about() == {}
    run.remove()
    assert (other.round(1) / "labels.npy").exists()


@pytest.mark.parametrize(
    ("origin", "into", "message"),
    [
        ("b:2", "a", "run 'a' exists already"),
        ("a:9", "c", "round 9 of run 'a' cannot be forked"),
        ("aa:0", "c", "did you mean 'a'"),
        ("a", "c", "--fork takes RUN:ROUND"),
        ("a:²", "c", "--fork takes RUN:ROUND"),
    ],
)
def test_what_cannot_be_forked_is_refused(tmp_path, origin, into, message):
    for name in ("a", "b"):
        played(tmp_path / name, 4)
    with pytest.raises((ResumeError, ParameterError), match=message):
        fork(*origin_of(origin, tmp_path), Run(tmp_path / into))


def test_a_fork_typed_again_is_continued_and_another_is_refused(tmp_path):
    run, other = (played(tmp_path / name, 4) for name in ("a", "other"))
    into = Run(tmp_path / "b")
    for _ in range(2):
        fork(run, 2, into)
        assert into.completed() == 3
    for origin, at in ((other, 2), (run, 1)):
        with pytest.raises(ResumeError, match=f"run 'b' is a fork of a:2, not of {origin.name}:{at}: .*--params=run=b"):
            fork(origin, at, into)
    assert into.forked_from == "a:2"


def test_pruning_keeps_every_nth_the_newest_two_and_the_account_of_all(tmp_path):
    run = played(tmp_path / "a", 7)
    freed = run.prune(3)
    kept = [n for n in range(7) if (run.round(n) / "checkpoint.pt").exists()]
    assert kept == [0, 3, 5, 6]
    assert freed == 3 * len(HEAVY) * 100
    assert all((run.round(n) / "labels.npy").exists() for n in range(7))
    with pytest.raises(ResumeError, match=r"rounds with a checkpoint are \[0, 3, 5, 6\]"):
        fork(run, 4, Run(tmp_path / "b"))


def test_flatten_names_groups_with_dots():
    assert flatten({"a": 1, "b": {"c": 2, "d": {"e": 3}}}) == {"a": 1, "b.c": 2, "b.d.e": 3}
