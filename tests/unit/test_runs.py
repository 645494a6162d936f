"""Run folders: rounds are counted, runs are not continued as something else, forks share and outlive, pruning spares."""

import pytest

from whosame import artefacts
from whosame.app.forks import fork
from whosame.artefacts import HEAVY
from whosame.errors import InputError, ResumeError
from whosame.runs import Run, all_runs, flatten

MANIFEST = {"dataset": "d", "digest": "0123456789abcdef", "images": 3}


def played(folder, rounds):
    run = Run(folder)
    run.open({"seed": 0, "training": {"lr": 0.1}}, MANIFEST, "1")
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


def test_a_run_is_continued_only_as_it_was_begun(tmp_path):
    run = played(tmp_path / "a", 1)
    same = run.open({"seed": 0, "training": {"lr": 0.1}}, MANIFEST, "2")
    assert same["uid"] == run.about()["uid"]
    assert same["code"] == "1"
    with pytest.raises(ResumeError, match=r"training\.lr: 0\.1 when it began, 0\.2 now"):
        run.open({"seed": 0, "training": {"lr": 0.2}}, MANIFEST, "1")
    with pytest.raises(ResumeError, match="images of run 'a' have changed"):
        run.open({"seed": 0, "training": {"lr": 0.1}}, {**MANIFEST, "digest": "f" * 16}, "1")


def test_a_fork_shares_the_rounds_before_and_outlives_its_origin(tmp_path):
    run = played(tmp_path / "a", 4)
    other = Run(tmp_path / "b")
    fork("a:2", other)
    assert other.completed() == 3
    assert (other.round(1) / "labels.npy").stat().st_ino == (run.round(1) / "labels.npy").stat().st_ino
    assert not (other.round(1) / "mlflow.json").exists()
    assert (run.forked_from, other.forked_from) == (None, "a:2")
    assert other.open({"seed": 1}, MANIFEST, "1")["uid"] != run.about()["uid"]
    for origin, into, message in (
        ("b:2", run, "run 'a' exists already"),
        ("a:9", Run(tmp_path / "c"), "round 9 of run 'a' cannot be forked"),
        ("aa:0", Run(tmp_path / "c"), "did you mean 'a'"),
        ("a", Run(tmp_path / "c"), "--fork takes RUN:ROUND"),
        ("a:²", Run(tmp_path / "c"), "--fork takes RUN:ROUND"),
    ):
        with pytest.raises(ResumeError, match=message):
            fork(origin, into)


def test_a_fork_typed_again_is_continued_and_another_is_refused(tmp_path):
    played(tmp_path / "a", 4)
    played(tmp_path / "other", 4)
    into = Run(tmp_path / "b")
    for _ in range(2):
        fork("a:2", into)
        assert into.completed() == 3
    for origin in ("other:2", "a:1"):
        with pytest.raises(ResumeError, match=f"run 'b' is a fork of a:2, not of {origin}: .* --fork=a:2, or"):
            fork(origin, into)
    assert into.forked_from == "a:2"


def test_pruning_keeps_every_nth_the_newest_two_and_the_account_of_all(tmp_path):
    run = played(tmp_path / "a", 7)
    freed = run.prune(3)
    kept = [n for n in range(7) if (run.round(n) / "checkpoint.pt").exists()]
    assert kept == [0, 3, 5, 6]
    assert freed == 3 * len(HEAVY) * 100
    assert all((run.round(n) / "labels.npy").exists() for n in range(7))
    with pytest.raises(ResumeError, match=r"rounds with a checkpoint are \[0, 3, 5, 6\]"):
        fork("a:4", Run(tmp_path / "b"))


def test_flatten_names_groups_with_dots():
    assert flatten({"a": 1, "b": {"c": 2, "d": {"e": 3}}}) == {"a": 1, "b.c": 2, "b.d.e": 3}
