"""Page server: finds a port, prints a first login link, and serves the page until it is stopped."""

import asyncio
import errno
import gc
import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

import uvicorn
from anyio import to_thread

from whosame.annotation.accounts.users import add_or_rotate, all_users, user_name
from whosame.annotation.review.open_reviews import OpenReviews
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.app import create_app
from whosame.annotation.web.review.images import make_first_thumbnails
from whosame.errors import ParameterError, StorageError

PORT = 8765
PORT_TRIES = 20  # ports that are tried, from the given one on
# Requests that are processed at once. More would wait for each other: with 40, half as many answers a second.
THREADS = 8


@dataclass(frozen=True)
class Address:
    """Where the page is served.

    Attributes
    ----------
    host : str
        The address or name to listen on: ``127.0.0.1``, or one that other machines reach.
    port : int
        0 lets the system choose.
    names : tuple of str
        Names under which browsers reach it besides the host; the first one is in the links.
    https : bool
        Whether a proxy in front of it speaks HTTPS to the browsers.
    """

    host: str = "127.0.0.1"
    port: int = PORT
    names: tuple[str, ...] = ()
    https: bool = False

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def url(self, port: int) -> str:
        """Return the address to open."""
        name = self.names[0] if self.names else self.host
        if name in ("0.0.0.0", "::"):  # noqa: S104
            name = socket.gethostname()
        name = f"[{name}]" if ":" in name else name
        return f"https://{name}/" if self.https else f"http://{name}:{port}/"


def serve(
    store: LabelStore,
    address: Address,
    *,
    run_uid: str | None = None,
    person: str | None = None,
    runs: Path | None = None,
    ready: Callable[[str, Sequence[str]], None],
) -> None:
    """Serve the page until Ctrl-C or SIGTERM.

    Parameters
    ----------
    store : LabelStore
        Open.
    address : Address
    run_uid : str, optional
        The run whose pairs are shown; by default the newest.
    person : str, optional
        The owner of the login link; a new name is added as a coordinator. By default the system's user.
    runs : Path, optional
        ``data/runs`` of the project, for the cluster previews of the overview.
    ready : callable
        Called with the login link, and with notes for a person: another port, who can reach the page.

    Raises
    ------
    ParameterError
        The page would be open to other machines and has no user; or the host is not an address of this machine.
    StorageError
        No port is free.
    """
    added = [user.name for user in all_users(store)]
    if not address.loopback and not added:
        raise ParameterError(
            f"--host={address.host} opens the page to other machines: first add who may answer, each gets a link of "
            "their own: kedro annotators add NAME"
        )
    with listen(address.host, address.port) as listener:
        port = int(listener.getsockname()[1])
        token = add_or_rotate(store, person or _system_user())
        notes = []
        if address.port not in (0, port):
            notes.append(f"Port {address.port} is taken: this is {port}.")
        if not address.loopback:
            notes.append(
                f"Everyone who reaches this machine on port {port} sees the login page; these have login links: "
                f"{', '.join(added)}."
                + ("" if address.https else " Nothing is encrypted: use it in a network you trust.")
            )
        ready(f"{address.url(port)}login#{token}", notes)
        hosts = (address.host, *address.names, "localhost" if address.loopback else socket.gethostname())
        app = create_app(store, run_uid=run_uid, secure=address.https, hosts=hosts, runs=runs)
        threading.Thread(target=_prepare_review, args=(app.state.reviews, run_uid, runs), daemon=True).start()
        run(app, listener)


def _prepare_review(reviews: OpenReviews, run_uid: str | None, runs: Path | None) -> None:
    review = reviews.prepare(run_uid)
    if review is not None and runs is not None:
        make_first_thumbnails(review, runs.parent)
        gc.freeze()  # as below: the answers of a large run are many objects


def run(app: object, listener: socket.socket) -> None:
    """Serve an application on a bound socket; Ctrl-C ends it after the requests that are being processed."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # failed logins are counted by the connection's address
        timeout_graceful_shutdown=2,
        lifespan="off",
    )
    server = uvicorn.Server(config)

    async def serve_with_few_threads() -> None:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        await server.serve(sockets=[listener])

    gc.collect()
    gc.freeze()  # or answers sometimes wait while the garbage collector searches all imported modules
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:  # uvloop's, where it is installed
            runner.run(serve_with_few_threads())
    except KeyboardInterrupt:  # uvicorn raises it again when it has ended
        sys.stderr.flush()


def listen(host: str, port: int, tries: int = PORT_TRIES) -> socket.socket:
    """Return a socket bound to a port, or to the next free one.

    Raises
    ------
    ParameterError
        The host is not an address of this machine.
    StorageError
        None of the ports is free.
    """
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ParameterError(f"--host={host} is no address of this machine: {error.strerror}") from error
    for number in [port] if port == 0 else range(port, min(port + tries, 65536)):
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, number))
        except PermissionError as error:
            bound.close()
            raise ParameterError(f"port {number} is the system's: give --port=8765 or another above 1023") from error
        except OSError as error:
            bound.close()
            if error.errno == errno.EADDRNOTAVAIL:
                raise ParameterError(f"--host={host} is no address of this machine: {error.strerror}") from error
            continue
        bound.listen()  # from now on no other program gets the port
        return bound
    raise StorageError(f"ports {port} to {port + tries - 1} of {host} are all taken: give another with --port")


def _system_user() -> str:
    """Return the system's name of the person who starts the page, where users may have it; otherwise ``me``."""
    try:
        return user_name(getuser())
    except (OSError, KeyError, ParameterError):
        return "me"
