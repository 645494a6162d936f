"""Operating systems: without sched_getaffinity, fcntl or locks, what can work does; Windows is told of WSL."""

import errno
import fcntl
import logging
import os
import subprocess
import sys

import numpy as np
import pytest

from whosame.atomic import writing
from whosame.errors import InputError
from whosame.evaluation import evaluate_retrieval
from whosame.operating_system import lock, usable_cores
from whosame.runs import Run

BARE = "import os, sys; sys.modules['fcntl'] = None; del os.sched_getaffinity; "  # as on Windows
UNIT = ("test_runs.py", "test_tables.py", "evaluation", "data/test_pixels.py", "annotators/test_oracle.py")


def test_cores_are_counted_where_a_process_cannot_be_bound_to_some(monkeypatch):
    assert usable_cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert usable_cores() == os.cpu_count()
    query, gallery = np.eye(2, dtype=np.float32)[[0]], np.eye(2, dtype=np.float32)[[1, 0]]
    assert evaluate_retrieval(query, [7], [1], gallery, [7, 8], [2, 2]).mAP == 0.5


@pytest.mark.parametrize("code", ["ENOLCK", "ENOTSUP", "ENOSYS"])
def test_a_file_system_without_locks_is_worked_on_and_named(monkeypatch, tmp_path, caplog, code):
    def refuse(*_):
        raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with writing(tmp_path / "a") as file:
        file.write(b"kept")
    assert (tmp_path / "a").read_bytes() == b"kept"
    with caplog.at_level(logging.WARNING), Run(tmp_path / "run").lock():
        pass
    assert "has no locks: let one process at a time play run 'run'" in caplog.text


def test_another_error_of_a_lock_is_not_hidden(monkeypatch, tmp_path):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    with (tmp_path / "a").open("w") as file, pytest.raises(OSError, match="Input/output"):
        lock(file, wait=True)


def test_a_lock_is_one_process_s_until_the_file_is_closed(tmp_path):
    with (tmp_path / "a").open("w") as one, (tmp_path / "a").open("w") as other:
        assert lock(one, wait=False)
        with pytest.raises(BlockingIOError):
            lock(other, wait=False)
        one.close()
        assert lock(other, wait=True)


def test_names_that_macos_takes_for_one_folder_are_refused(tmp_path):
    (tmp_path / "demo").mkdir()
    assert Run.named(tmp_path, "demo").name == "demo"
    with pytest.raises(InputError, match="'Demo' and the run 'demo' differ in upper and lower case only"):
        Run.named(tmp_path, "Demo")


def test_the_tests_that_need_neither_locks_nor_sched_getaffinity_pass_without_them(request):
    files = [str(request.config.rootpath / "tests" / "unit" / name) for name in UNIT]
    options = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", *files]
    run = f"{BARE} import pytest; sys.exit(pytest.main({options!r}))"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_on_windows_every_command_names_wsl():
    command = f"{BARE} sys.argv = ['kedro', 'runs']; from kedro.framework.cli.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().startswith("whosame runs on Linux and macOS. On Windows, use it in WSL")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("chosen", [None, "ACTIVE"])
def test_threads_sleep_while_they_wait_unless_the_user_chose(chosen):
    environment = {
        name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    }
    environment |= {"OMP_DISPLAY_ENV": "verbose"} | ({"OMP_WAIT_POLICY": chosen} if chosen else {})
    command = [sys.executable, "-c", "import whosame, faiss, torch"]
    shown = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=120).stderr
    turns = [int(line.split("'")[1]) for line in shown.splitlines() if "GOMP_SPINCOUNT" in line]
    if not turns:
        pytest.skip("torch's OpenMP is not libgomp")
    assert max(turns) == 0 if chosen is None else min(turns) > 0
