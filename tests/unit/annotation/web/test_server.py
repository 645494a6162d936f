"""Where the page is served: hosts, ports, links."""

import re
import socket

import pytest

from whosame.annotation.accounts.users import add_user, all_users
from whosame.annotation.web.server import Address, listen, serve
from whosame.errors import ParameterError, StorageError


@pytest.mark.parametrize(
    ("address", "url", "loopback"),
    [
        (Address(), "http://127.0.0.1:9/", True),
        (Address("localhost"), "http://localhost:9/", True),
        (Address("::1"), "http://[::1]:9/", True),
        (Address("0.0.0.0"), f"http://{socket.gethostname()}:9/", False),
        (Address("10.1.2.3", names=("answers.example", "x")), "http://answers.example:9/", False),
        (Address("10.1.2.3", names=("answers.example",), https=True), "https://answers.example/", False),
    ],
)
def test_the_address_to_open(address, url, loopback):
    assert (address.url(9), address.loopback) == (url, loopback)


def test_the_next_free_port_is_taken():
    with listen("127.0.0.1", 0) as one:
        port = one.getsockname()[1]
        with listen("127.0.0.1", port) as two:
            assert port < two.getsockname()[1] <= port + 20
        with pytest.raises(StorageError, match=f"ports {port} to {port} of 127.0.0.1 are all taken"):
            listen("127.0.0.1", port, tries=1)


def test_a_port_that_is_taken_is_said_and_the_next_one_used(sqlite_store):
    said = []

    def ready(link, notes):
        said.extend([link, *notes])
        raise KeyboardInterrupt

    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(KeyboardInterrupt):
            serve(sqlite_store, Address(port=port), ready=ready)
    found = int(re.match(r"http://127.0.0.1:(\d+)/login#", said[0])[1])
    assert port < found <= port + 20
    assert said[1:] == [f"Port {port} is taken: this is {found}."]


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_that_is_not_here_is_said(host):
    with pytest.raises(ParameterError, match="is no address of this machine"):
        listen(host, 0)


def test_other_machines_are_let_in_only_when_somebody_was_added(sqlite_store):
    with pytest.raises(ParameterError, match="first add who may answer"):
        serve(sqlite_store, Address("0.0.0.0", 0), ready=lambda *_: pytest.fail("it was served"))
    assert all_users(sqlite_store) == []
    add_user(sqlite_store, "alice")
    said = []

    def ready(link, notes):
        said.extend([link, *notes])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(sqlite_store, Address("0.0.0.0", 0), person="me", ready=ready)
    assert "/login#" in said[0]
    assert "these have login links: alice" in said[1]
    assert "Nothing is encrypted" in said[1]
    assert [(user.name, user.role) for user in all_users(sqlite_store)] == [
        ("alice", "annotator"),
        ("me", "coordinator"),
    ]
