"""The page beside the loop: its address is said, it is started again where it dies, and ends with the loop."""

import os
import signal
import socket
import time
from urllib.request import urlopen

import pytest

from whosame.annotation.web.process import PageProcess, is_listening, page_address
from whosame.annotators.record import Progress
from whosame.app.waiting import Waiting, told
from whosame.errors import StorageError


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def database(tmp_path):
    return f"sqlite:///{tmp_path / 'labels.db'}"


def wait_for(condition):
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


def test_the_page_is_served_started_again_where_it_dies_and_ended(database, port, capsys):
    said = []
    with PageProcess(database, host="127.0.0.1", port=port, say=said.append) as page:
        assert said[0].startswith(f"people answer at http://127.0.0.1:{port}/login#")
        assert page.address == page_address("127.0.0.1", 1) == f"http://127.0.0.1:{port}"  # whatever was asked for
        assert urlopen(f"{page.address}/login", timeout=10).status == 200
        first = page._process
        os.kill(first.pid, signal.SIGKILL)
        wait_for(lambda: page._process is not first and is_listening("127.0.0.1", port))
        last = page._process
        Waiting(10, overlap=1, where=lambda: page_address("127.0.0.1", port))(Progress(4, ("alice",), 3.0))
    wait_for(lambda: last.poll() is not None)
    assert not is_listening("127.0.0.1", port)
    assert page_address("127.0.0.1", port) == ""
    assert f"4 of 10 questions answered, http://127.0.0.1:{port}, alice is answering, about 18 s left" in (
        capsys.readouterr().err
    )


def test_a_page_that_does_not_start_says_why(database, port):
    with (
        pytest.raises(StorageError, match=r"(?s)page does not start:.*no_such_page"),
        PageProcess(database, host="127.0.0.1", port=port, say=print, module="no_such_page"),
    ):
        raise AssertionError


def test_a_page_of_the_same_store_is_used_and_one_of_another_is_not(database, port, tmp_path):
    said = []
    with PageProcess(database, host="127.0.0.1", port=port, say=said.append):
        with PageProcess(database, host="127.0.0.1", port=port, say=said.append) as second:
            assert said[1:] == [f"using the page at http://127.0.0.1:{port}"]
            assert second._process is None
        assert page_address("127.0.0.1", 1) == f"http://127.0.0.1:{port}"  # the first one serves on
        with PageProcess(f"sqlite:///{tmp_path / 'another.db'}", host="127.0.0.1", port=port, say=said.append):
            assert said[2].startswith("people answer at http://127.0.0.1:")
            assert f":{port}/" not in said[2]


def test_where_no_page_is_the_command_is_said(port, capsys):
    Waiting(10, overlap=1, where=lambda: page_address("127.0.0.1", port))(Progress(0, (), 0.0))
    assert "0 of 10 questions answered, no page is there: kedro annotate opens one" in capsys.readouterr().err


def test_who_answers_and_how_long_it_takes():
    assert told(Progress(0, (), 0.0), 10, 1) == []
    assert told(Progress(40, ("carol", "bob", "alice"), 6.0), 100, 2) == [
        "carol, bob and alice are answering",
        "about 4 min left",
    ]
