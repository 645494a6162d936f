"""``kedro annotate``: an address that logs one in, a page behind it, an end at Ctrl-C."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from urllib.parse import urlencode, urlsplit

import pytest


@pytest.fixture
def typed(empty_project):
    """Start ``kedro annotate`` in a project; return the process and what it printed up to its last line."""
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "kedro", "annotate", *arguments],
            cwd=empty_project,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line, said + process.stderr.read()
            said += line
        return process, said

    yield start
    for process in started:
        process.kill()
        with process:  # closes its pipes
            pass


def link(said):
    return urlsplit(re.search(r"http://\S+", said).group())


def ask(address, method, path, fields=None, cookie=""):
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if fields else {}
    with closing(http.client.HTTPConnection(address.hostname, address.port, timeout=20)) as connection:
        connection.request(method, path, urlencode(fields or {}) or None, {"Cookie": cookie, **kind})
        reply = connection.getresponse()
        return reply, reply.read().decode()


def test_the_link_logs_in_and_ctrl_c_ends_it(typed, empty_project):
    process, said = typed("--port=0")
    address = link(said)
    assert (address.hostname, address.path) == ("127.0.0.1", "/login")
    reply, _ = ask(address, "GET", "/")
    assert (reply.status, reply.headers["location"]) == (303, "/login")
    reply, _ = ask(address, "POST", "/login", {"token": address.fragment})
    assert reply.status == 303
    cookie = reply.headers["set-cookie"].partition(";")[0]
    reply, page = ask(address, "GET", "/", cookie=cookie)
    assert reply.status == 200
    assert "No run asks for answers yet" in page
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert "every answer is kept" in out
    assert (empty_project / "data" / "answers.db").exists()


def test_a_port_that_is_taken_is_said_and_the_next_one_used(typed):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _, said = typed(f"--port={port}")
    assert port < link(said).port <= port + 20
    assert f"Port {port} is taken: this is {link(said).port}." in said


def test_what_cannot_be_is_one_clear_error(empty_project, type_kedro):
    refused = type_kedro(empty_project, "annotate", "--host=0.0.0.0", check=False)
    assert refused.returncode == 1
    assert "first add who may answer" in refused.stderr
    assert "kedro annotators add" in refused.stderr
    refused = type_kedro(empty_project, "annotate", "--run=nothing", check=False)
    assert refused.returncode == 1
    assert "there is no run 'nothing'" in refused.stderr
    assert "Traceback" not in refused.stderr
