"""Page process: the annotation page beside the loop, started, restarted when it dies, and stopped with the loop."""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self
from urllib.request import urlopen

from whosame.annotation.store.engine import parse_url
from whosame.errors import StorageError

MODULE = "whosame.annotation.web"
DATABASE = "WHOSAME_DATABASE"  # the environment variable that names the page's label store
LOGIN = re.compile(r"(https?://\S+?)/login#\S+")  # in the page's output: its address
START_SECONDS = 30.0  # until the page must have printed its address
EARLY_SECONDS = 5.0  # a page that dies sooner counts as a failed start
MAX_EARLY = 3  # failed starts in a row
KEPT_LINES = 20  # of the page's output, for error messages


class PageProcess:
    """Serves the annotation page until the end of the ``with`` block.

    The page is a process with a session of its own: Ctrl-C in the terminal reaches the loop alone, which stops it.

    Parameters
    ----------
    database : str
        The label store's URL.
    host, port : str, int
        Where to listen.
    say : callable
        Called with messages for people: the address with the login link.
    runs : Path, optional
        ``data/runs``, for the overview's cluster previews.
    module : str
        The page's module.

    Raises
    ------
    StorageError
        On entering: the page does not start; the message has its output.

    Attributes
    ----------
    address : str
        Where it serves, without the login; its port may be another than the given one. Empty: it does not serve yet.
    """

    running: ClassVar["PageProcess | None"] = None  # of this process: Kedro's nodes get it here

    def __init__(
        self,
        database: str,
        *,
        host: str,
        port: int,
        say: Callable[[str], None],
        runs: Path | None = None,
        module: str = MODULE,
    ) -> None:
        self._database, self._host, self._port, self._say = database, host, port, say
        self._command = [sys.executable, "-m", f"{MODULE}.exit_with_parent", module]
        self._command += ["--host", host, "--port", str(port), *([] if runs is None else ["--runs", str(runs)])]
        self._process: subprocess.Popen[str] | None = None
        self._keeper: threading.Thread | None = None
        self._output: deque[str] = deque(maxlen=KEPT_LINES)
        self.address = self._link = ""
        self._started, self._stopping = threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        if store_of_page(self._host, self._port) == fingerprint(self._database):
            self._say(f"using the page at http://{self._host}:{self._port}")
            return self
        self._keeper = threading.Thread(target=self._keep_running, daemon=True)
        self._keeper.start()
        self._started.wait(START_SECONDS)
        if not self.address:
            self._stop()
            raise StorageError("the annotation page does not start:\n" + "\n".join(self._output))
        PageProcess.running = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _keep_running(self) -> None:
        """Run the page until the end of the block, again where it dies."""
        early = 0
        while not self._stopping.is_set() and early < MAX_EARLY:
            began = time.monotonic()
            self._run()
            if not self.address:
                break  # the cause of a first start that failed is still there
            early = early + 1 if time.monotonic() - began < EARLY_SECONDS else 0
        if not self._stopping.is_set():
            self._started.set()
            if self.address:
                last = "\n".join(self._output)
                self._say(f"the annotation page has ended {MAX_EARLY} times; kedro annotate serves it again:\n{last}")

    def _run(self) -> None:
        with subprocess.Popen(  # noqa: S603
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={
                **os.environ,
                DATABASE: self._database,
            },  # not in the command, which all users can read
        ) as process:
            self._process = process
            if self._stopping.is_set():
                process.terminate()
            for line in process.stdout or ():
                self._read_line(line.rstrip())

    def _read_line(self, line: str) -> None:
        self._output.append(line)
        if (found := LOGIN.search(line)) and found[0] != self._link:
            self._link, self.address = found[0], found[1]
            self._say(f"people answer at {self._link}")
            self._started.set()

    def _stop(self) -> None:
        self._stopping.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        if self._keeper is not None:
            self._keeper.join(10)
        if PageProcess.running is self:
            PageProcess.running = None


def page_address(host: str, port: int) -> str:
    """Return where people answer: at the page of this process, or at what listens there; empty: nowhere."""
    if PageProcess.running is not None:
        return PageProcess.running.address
    return f"http://{host}:{port}" if is_listening(host, port) else ""


def fingerprint(database: str) -> str:
    """Return a hash by which label stores are told apart; it does not reveal the URL."""
    return hashlib.sha256(parse_url(database).render_as_string().encode()).hexdigest()[:32]


def is_listening(host: str, port: int) -> bool:
    """Return whether any program listens there."""
    try:
        socket.create_connection((_reachable(host), port), 0.2).close()
    except OSError:
        return False
    return True


def store_of_page(host: str, port: int) -> str:
    """Return the fingerprint of the store whose page listens there; empty: no program does, or another one.

    The page returns it at ``/about``: ``{"store": "…"}``.
    """
    if not is_listening(host, port):
        return ""
    try:
        with urlopen(f"http://{_reachable(host)}:{port}/about", timeout=5) as response:
            return str(json.load(response)["store"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
