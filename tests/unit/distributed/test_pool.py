"""Processes that compute together: what they return, and what happens when one of them fails, ends or differs."""

import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest
import torch
from torch import distributed

import whosame
from whosame.distributed.environment import check_alike, environment, source_digest
from whosame.distributed.pool import ProcessPool, check_processes
from whosame.errors import ParameterError, WorkerError

pytestmark = pytest.mark.xdist_group("distributed")


def sum_of_numbers(ranks, argument):
    total = torch.tensor([float(ranks.number + argument)])
    distributed.all_reduce(total)
    return ranks.number, ranks.count, os.getpid(), float(total)


def one_raises(ranks, error):
    if ranks.number == 1:
        raise error
    distributed.all_reduce(torch.zeros(1))  # waits for the other, who does not come


def wait_for_the_other(ranks, seconds):
    if ranks.number == 1:
        time.sleep(seconds)
    distributed.all_reduce(torch.zeros(1))


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_processes_compute_together_one_task_after_another(pool):
    for more in (0, 10):
        found = pool.run(sum_of_numbers, [more, more])
        assert found == [(number, 2, pid, 1 + 2 * more) for number, pid in enumerate(pool.pids)]


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (ParameterError("the loss is nan"), ParameterError, "^the loss is nan$"),
        (ZeroDivisionError("a bug"), WorkerError, r"Traceback(?s:.)*one_raises(?s:.)*ZeroDivisionError: a bug"),
    ],
    ids=["user's error", "bug"],
)
def test_what_one_raises_ends_the_task_of_all(error, raised, words, monkeypatch):
    monkeypatch.setattr("whosame.distributed.pool.GRACE_SECONDS", 0.2)
    pool = ProcessPool(2, "cpu")
    begun = time.monotonic()
    with pytest.raises(raised, match=words):
        pool.run(one_raises, [error, error])
    assert time.monotonic() - begun < 10
    assert pool.closed
    assert not any(map(alive, pool.pids))


def test_one_that_is_killed_ends_the_others_with_one_error():
    pool = ProcessPool(2, "cpu")
    threading.Timer(0.3, os.kill, (pool.pids[1], signal.SIGKILL)).start()
    begun = time.monotonic()
    with pytest.raises(
        WorkerError, match=rf"process 1 of 2 \(pid {pool.pids[1]}\) was ended by signal SIGKILL"
    ) as error:
        pool.run(wait_for_the_other, [60, 60])
    assert time.monotonic() - begun < 10
    assert "the same command continues from the last checkpoint" in str(error.value)
    assert not any(map(alive, pool.pids))


def test_more_processes_than_cores_are_an_error():
    with pytest.raises(ParameterError, match=r"processes=1000, but this machine has \d+ usable cores?: use processes="):
        check_processes(1000, "cpu")
    with pytest.raises(ParameterError, match="processes=1000"):
        ProcessPool(1000, "cpu")


def test_processes_with_another_code_are_named(tmp_path):
    own = environment()
    copy = tmp_path / "whosame"
    shutil.copytree(Path(whosame.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__", "static"))
    assert source_digest(copy) == own["whosame"]
    changed = tmp_path / "changed"
    shutil.copytree(copy, changed)
    with (changed / "training" / "sampler.py").open("a") as file:
        file.write("# changed\n")
    other = own | {"whosame": source_digest(changed)}
    check_alike({"process 0": own, "process 1": own})
    with pytest.raises(WorkerError) as error:
        check_alike({"process 0": own, "process 1": own, "process 2": other, "process 3": own | {"torch": "2.0"}})
    assert f"process 2: whosame {other['whosame']}, not {own['whosame']}" in str(error.value)
    assert "process 3: torch 2.0" in str(error.value)
    assert "process 1:" not in str(error.value)
