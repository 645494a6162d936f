"""The annotation page as a process beside the loop: started, restarted where it dies, ended with the loop."""

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

PAGE = "whosame.annotation.web"
DATABASE = "WHOSAME_DATABASE"  # the variable that tells the page its label store
LOGIN = re.compile(r"(https?://\S+?)/login#\S+")  # how the page says where it is
PATIENCE = 30.0  # s until the page must have said its address
STEADY = 5.0  # s: a page that dies sooner is not started for ever
TRIES = 3
KEPT = 20  # last lines of a page that died


class Page:
    """Serves the annotation page until the end of the ``with`` block.

    It is another process, and a session of its own: Ctrl-C in the terminal reaches the loop alone, which ends it.

    Parameters
    ----------
    database : str
        The label store's URL.
    host, port : str, int
        Where to listen.
    say : callable
        Told what people are to read: the address with the login link.
    runs : Path, optional
        ``data/runs``, for the overview's contact sheets.
    module : str
        The page's module.

    Raises
    ------
    StorageError
        On entering: the page does not start; what it said is in the message.

    Attributes
    ----------
    address : str
        Where it serves, without the login: it may be another port than was asked for. Empty: it does not, yet.
    """

    serving: ClassVar["Page | None"] = None  # in this process now: Kedro's nodes are not told what the loop began

    def __init__(
        self,
        database: str,
        *,
        host: str,
        port: int,
        say: Callable[[str], None],
        runs: Path | None = None,
        module: str = PAGE,
    ) -> None:
        self._database, self._host, self._port, self._say = database, host, port, say
        self._command = [sys.executable, "-m", "whosame.annotation.web.exit_with_parent", module]
        self._command += ["--host", host, "--port", str(port), *([] if runs is None else ["--runs", str(runs)])]
        self._process: subprocess.Popen[str] | None = None
        self._keeper: threading.Thread | None = None
        self._said: deque[str] = deque(maxlen=KEPT)
        self.address = self._link = ""
        self._up, self._ended = threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        if page_at(self._host, self._port) == fingerprint(self._database):
            self._say(f"using the page at http://{self._host}:{self._port}")
            return self
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        self._up.wait(PATIENCE)
        if not self.address:
            self._end()
            raise StorageError("the annotation page does not start:\n" + "\n".join(self._said))
        Page.serving = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _keep(self) -> None:
        """Run the page, again and again, until the end."""
        early = 0
        while not self._ended.is_set() and early < TRIES:
            began = time.monotonic()
            self._run()
            if not self.address:
                break  # what keeps it from starting keeps it from starting again
            early = early + 1 if time.monotonic() - began < STEADY else 0
        if not self._ended.is_set():
            self._up.set()
            if self.address:
                last = "\n".join(self._said)
                self._say(f"the annotation page has ended {TRIES} times; kedro annotate serves it again:\n{last}")

    def _run(self) -> None:
        with subprocess.Popen(  # noqa: S603
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, DATABASE: self._database},  # not in the command: everybody may read that, a password too
        ) as process:
            self._process = process
            if self._ended.is_set():
                process.terminate()
            for line in process.stdout or ():
                self._hear(line.rstrip())

    def _hear(self, line: str) -> None:
        self._said.append(line)
        if (found := LOGIN.search(line)) and found[0] != self._link:
            self._link, self.address = found[0], found[1]
            self._say(f"people answer at {self._link}")
            self._up.set()

    def _end(self) -> None:
        self._ended.set()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        if self._keeper is not None:
            self._keeper.join(10)
        if Page.serving is self:
            Page.serving = None


def page_address(host: str, port: int) -> str:
    """Return where people answer: at the page of this process, or at what listens there; empty: nowhere."""
    if Page.serving is not None:
        return Page.serving.address
    return f"http://{host}:{port}" if listening(host, port) else ""


def fingerprint(database: str) -> str:
    """Return what tells one label store from another without telling where it is."""
    return hashlib.sha256(parse_url(database).render_as_string().encode()).hexdigest()[:32]


def listening(host: str, port: int) -> bool:
    """Tell whether any program listens there."""
    try:
        socket.create_connection((_near(host), port), 0.2).close()
    except OSError:
        return False
    return True


def page_at(host: str, port: int) -> str:
    """Return the fingerprint of the store whose page listens there; empty: nobody does, or another program.

    The page says it at ``/about``: ``{"store": "…"}``.
    """
    if not listening(host, port):
        return ""
    try:
        with urlopen(f"http://{_near(host)}:{port}/about", timeout=5) as response:
            return str(json.load(response)["store"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _near(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
