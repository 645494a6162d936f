"""``kedro annotate``: an address that logs one in, a page behind it, an end at Ctrl-C."""

import os
import re
import signal
import subprocess
import sys

import httpx
import pytest


@pytest.fixture
def annotate(empty_project):
    """``kedro annotate`` as a process, and what it has printed up to its last line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", "annotate", "--port=0"],
        cwd=empty_project,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = ""
    while "Ctrl-C" not in said:
        line = process.stdout.readline()
        assert line, said + process.stderr.read()
        said += line
    yield process, said
    process.kill()
    with process:  # closes its pipes
        pass


def test_the_link_logs_in_and_ctrl_c_ends_it(annotate, empty_project):
    process, said = annotate
    address, token = re.search(r"(http://127\.0\.0\.1:\d+)/login#(\S+)", said).groups()
    with httpx.Client(base_url=address, trust_env=False, timeout=20) as client:
        assert client.get("/").headers["location"] == "/login"
        assert client.post("/login", data={"token": token}).status_code == 303
        assert "No run asks for answers yet" in client.get("/").text
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert "every answer is kept" in out
    assert (empty_project / "data" / "answers.db").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--host=0.0.0.0", r"first add who may answer.*kedro annotators add"),
        ("--run=nothing", r"there is no run 'nothing'"),
    ],
)
def test_what_cannot_be_is_one_clear_error(empty_project, typed, line, said):
    refused = typed(empty_project, f"annotate {line}")
    assert refused.exit_code == 1
    assert re.search(said, refused.output, re.DOTALL)
    assert "Traceback" not in refused.output
