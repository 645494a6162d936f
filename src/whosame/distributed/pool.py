"""A pool of processes on this machine that compute together. One that is lost ends the others, at once."""

import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, TypeVar

from whosame.distributed.environment import check_alike
from whosame.distributed.worker import Setup, receive, send
from whosame.errors import ParameterError, WorkerError
from whosame.features.device import find_device
from whosame.operating_system import usable_cores
from whosame.training.ranks import Ranks

A = TypeVar("A")
T = TypeVar("T")

GRACE_SECONDS = 2.0  # after a first failure, for the process that caused it to be seen
END_SECONDS = 5.0  # for a process to end after it was told to
CONTINUES = (
    "The others were stopped. The round's files are as they were, and the same command continues from the last "
    "checkpoint."
)


def check_processes(count: int, device: str) -> None:
    """Check that there are as many GPUs, or cores where there is no GPU, as processes.

    Parameters
    ----------
    count : int
    device : str
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    ParameterError
        There are fewer.
    """
    if count == 1:
        return
    import torch

    gpu = find_device(device).type == "cuda"
    most = torch.cuda.device_count() if gpu else usable_cores()
    if count > most:
        has = f"{most} {'GPU' if gpu else 'usable core'}{'s' * (most > 1)}"
        raise ParameterError(f"processes={count}, but this machine has {has}: use processes={most} or fewer")


class ProcessPool:
    """Processes that run tasks together, until the pool is closed or one of them fails.

    Parameters
    ----------
    count : int
        How many; each has its share of torch's threads, or the GPU of its number.
    device : str
        ``auto``, ``cpu`` or ``cuda``.

    Raises
    ------
    ParameterError
        More processes than GPUs or cores.
    WorkerError
        A process does not start, or computes with another version of something.

    Attributes
    ----------
    pids : tuple of int
        Of the processes, by number.
    """

    def __init__(self, count: int, device: str = "auto") -> None:
        import torch

        check_processes(count, device)
        gpu = find_device(device).type == "cuda"
        self._folder = tempfile.TemporaryDirectory(prefix="whosame-")
        self._processes: list[subprocess.Popen[bytes]] = []
        self._connections: list[Connection[Any, Any]] = []
        for number in range(count):
            ours, theirs = socket.socketpair()
            with theirs:
                command = [sys.executable, "-m", "whosame.distributed", str(theirs.fileno())]
                options: dict[str, Any] = {"stdin": subprocess.PIPE, "pass_fds": [theirs.fileno()]}
                # A session of their own: Ctrl-C reaches the pool's process alone, which stops them.
                self._processes.append(subprocess.Popen(command, start_new_session=True, **options))  # noqa: S603
            connection: Connection[Any, Any] = Connection(ours.detach())
            self._connections.append(connection)
            threads = max(1, torch.get_num_threads() // count)
            rendezvous = str(Path(self._folder.name) / "rendezvous")
            send(connection, Setup(number, count, gpu, threads, rendezvous, tuple(sys.path)))
        self.pids = tuple(process.pid for process in self._processes)
        names = [f"process {number} (pid {pid})" for number, pid in enumerate(self.pids)]
        try:
            found = self._each(lambda message: message)
            check_alike(dict(zip(names, found, strict=True)))
        except BaseException:
            self.close()
            raise

    @property
    def closed(self) -> bool:
        """Whether the pool was closed, or has failed."""
        return not self._connections

    def run(self, task: Callable[[Ranks, A], T], arguments: Sequence[A]) -> list[T]:
        """Run a task in every process and return what each returned, by number.

        Parameters
        ----------
        task : callable
            A function of a module; called with the process's :class:`Ranks` and its argument.
        arguments : sequence
            One for each process.

        Raises
        ------
        WorkerError
            A process was lost, or the task has a bug. The pool is closed.
        WhosameError
            What a process raised. The pool is closed.
        """
        pickled: dict[int, bytes] = {}
        try:
            for connection, argument in zip(self._connections, arguments, strict=True):
                if id(argument) not in pickled:
                    pickled[id(argument)] = pickle.dumps((task, argument))
                try:
                    connection.send_bytes(pickled[id(argument)])
                except OSError:  # it has ended: seen below
                    continue
            pickled.clear()
            return self._each(_result)
        except BaseException:  # Ctrl-C too
            self.close()
            raise

    def _each(self, read: Callable[[Any], T]) -> list[T]:
        """Return what each process sends next; on failure raise what says most about the cause."""
        results: dict[int, T] = {}
        failures: dict[int, Exception] = {}
        lost: list[int] = []
        until = float("inf")
        waiting = dict(enumerate(self._connections))
        while waiting and time.monotonic() < until:
            patience = None if until == float("inf") else max(until - time.monotonic(), 0)
            ready = wait(waiting.values(), patience)
            for number in [number for number, connection in waiting.items() if connection in ready]:
                try:
                    results[number] = read(receive(waiting.pop(number)))
                except (EOFError, OSError):
                    lost.append(number)
                except Exception as error:  # noqa: BLE001  raised below
                    failures[number] = error
            if lost:
                raise WorkerError(self._obituary(lost))
            if failures:
                until = min(until, time.monotonic() + GRACE_SECONDS)
        if failures:
            raise min(failures.values(), key=lambda error: isinstance(error, _BugError))
        return [results[number] for number in range(len(self._connections))]

    def _obituary(self, lost: Sequence[int]) -> str:
        """Return which processes ended, and how."""
        lines = []
        for number in lost:
            process = self._processes[number]
            try:
                status = process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                status = 0
            how = f"by signal {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
            memory = ": out of memory, perhaps (dmesg tells)" if status == -signal.SIGKILL else ""
            lines.append(f"process {number} of {len(self._processes)} (pid {process.pid}) was ended {how}{memory}.")
        return "\n".join([*lines, CONTINUES])

    def close(self) -> None:
        """Stop the processes."""
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
        self._connections, self._processes = [], []
        self._folder.cleanup()


class _BugError(WorkerError):
    """A task failed by a bug: the message has the process's traceback."""


def _result(message: tuple[str, Any]) -> Any:
    kind, value = message
    if kind == "error":
        raise value
    if kind == "bug":
        raise _BugError(value)
    return value
