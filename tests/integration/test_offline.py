"""Nothing leaves the machine: the demo runs with the network cut, and nothing even tries."""

import os
import shutil
import subprocess
import sys

import pytest

WATCH = '''
"""Note every attempt to reach another machine, and refuse it."""
import os
import socket

_connect, _getaddrinfo = socket.socket.connect, socket.getaddrinfo


def _note(what):
    with open(os.environ["WHOSAME_ATTEMPTS"], "a") as attempts:
        attempts.write(f"{what}\\n")
    raise OSError(f"the network is cut: {what}")


def connect(self, address):
    if self.family == socket.AF_UNIX:
        return _connect(self, address)
    _note(f"connect {address}")


def getaddrinfo(host, *arguments, **options):
    _note(f"look up {host}")


socket.socket.connect = socket.socket.connect_ex = connect
socket.getaddrinfo = getaddrinfo
'''


@pytest.mark.parametrize("cut", [False, True], ids=["refused", "no network at all"])
def test_the_demo_runs_and_nothing_is_tried(project, tmp_path, cut):
    command = [sys.executable, "-m", "kedro", "run", "--pipelines=active_round", "--env=tiny"]
    if cut:
        unshare = shutil.which("unshare")
        if not unshare or subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False).returncode:
            pytest.skip("this machine does not let a test cut its network (unshare -rn)")
        command = [unshare, "-rn", *command]
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    attempts = tmp_path / "attempts"
    silenced = {"KEDRO_DISABLE_TELEMETRY", "DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY", "CI", "PYTEST_CURRENT_TEST"}
    env = {name: value for name, value in os.environ.items() if name not in silenced}  # the project's own files must do
    env |= {"PYTHONPATH": str(tmp_path), "WHOSAME_ATTEMPTS": str(attempts), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert (project / "data" / "runs" / "demo" / "round_000" / "metrics.json").exists()
    assert not attempts.exists(), attempts.read_text()
