"""The page beside the loop: its address is said, it is started again where it dies, and ends with the loop."""

import os
import signal
import socket
import subprocess
import time
from urllib.request import urlopen

import pytest

from whosame.annotation.web.app import create_app
from whosame.annotation.web.process import PageProcess, is_listening, page_address
from whosame.errors import StorageError


@pytest.fixture
def page(tmp_path):
    """Make a page on a port that was free: ``page(say)``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def make(say, file="page.db", *, port=port, **more):
        return PageProcess(f"sqlite:///{tmp_path / file}", host="127.0.0.1", port=port, say=say, **more)

    make.port, make.url = port, f"http://127.0.0.1:{port}"
    return make


def served_by():
    """The numbers of the processes that serve pages for this one."""
    command = ["pgrep", "-f", "-P", str(os.getpid()), "exit_with_parent"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return [int(number) for number in found.stdout.split()]


def wait_for(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)


def test_the_page_is_served_shared_started_again_where_it_dies_and_ended(page):
    said = []
    with page(said.append) as running:
        assert said[0].startswith(f"people answer at {page.url}/login#")
        assert running.address == page_address("127.0.0.1", 1) == page.url  # whatever was asked for
        assert urlopen(f"{running.address}/login", timeout=10).status == 200
        [first] = served_by()
        with page(said.append):  # of the same store
            assert said[1:] == [f"using the page at {page.url}"]
            assert served_by() == [first]
        assert page_address("127.0.0.1", 1) == page.url  # the first one serves on
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: served_by() not in ([first], []) and is_listening("127.0.0.1", page.port))
    assert served_by() == []
    assert page_address("127.0.0.1", page.port) == ""


def test_a_page_of_another_store_is_not_used(page, serving, sqlite_store):
    said = []
    with serving(create_app(sqlite_store)) as other, page(said.append, "another.db", port=other.port):
        assert said[0].startswith("people answer at http://127.0.0.1:")
        assert f":{other.port}/" not in said[0]


def test_a_page_that_does_not_start_says_why(page):
    with (
        pytest.raises(StorageError, match=r"(?s)page does not start:.*no_such_page"),
        page(print, module="no_such_page"),
    ):
        raise AssertionError
