"""A worker of a pool: it runs one task after another, and sends what each returns or raises."""

import os
import pickle
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any

from whosame.errors import find_user_error

COLLECTIVE_TIMEOUT = timedelta(hours=6)  # a process may wait for another's disk; one that has ended is seen at once


@dataclass(frozen=True)
class Setup:
    """What a worker is told first.

    Attributes
    ----------
    number, count : int
        Its number, from 0, and that of all.
    gpu : bool
        Whether it computes on the GPU of its number.
    threads : int
        Threads of torch on a CPU.
    rendezvous : str
        A file that does not exist yet, through which the workers find each other.
    path : tuple of str
        Where Python looks for modules.
    """

    number: int
    count: int
    gpu: bool
    threads: int
    rendezvous: str
    path: tuple[str, ...]


def send(connection: "Connection[Any, Any]", value: object) -> None:
    """Send a value. Connection.send would leave tensors in shared memory, for processes of multiprocessing alone."""
    connection.send_bytes(pickle.dumps(value))


def receive(connection: "Connection[Any, Any]") -> Any:
    """Return a value that was sent, or raise EOFError where the other end has ended."""
    return pickle.loads(connection.recv_bytes())  # noqa: S301  from this package's own process


def serve(connection: "Connection[Any, Any]") -> None:
    """Join the other workers, then run tasks until the other end of the connection is closed."""
    setup: Setup = receive(connection)
    sys.path[:] = setup.path
    import torch
    from torch import distributed

    from whosame.distributed.environment import environment
    from whosame.training.ranks import Ranks

    if setup.gpu:
        torch.cuda.set_device(setup.number)
    torch.set_num_threads(setup.threads)
    send(connection, environment())
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), None)
    if loopback is not None:  # gloo would look the host's name up, which need not have an address
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
    distributed.init_process_group(
        "nccl" if setup.gpu else "gloo",
        init_method=f"file://{setup.rendezvous}",
        rank=setup.number,
        world_size=setup.count,
        timeout=COLLECTIVE_TIMEOUT,
    )
    ranks = Ranks(setup.number, setup.count)
    while True:
        try:
            task, argument = receive(connection)
        except EOFError:
            return
        send(connection, _outcome(task, ranks, argument))


def _outcome(task: Callable[[Any, Any], Any], ranks: Any, argument: Any) -> tuple[str, Any]:
    try:
        return "result", task(ranks, argument)
    except Exception as error:  # noqa: BLE001  it is raised in the process that wanted the result
        user_error = find_user_error(error)
        return ("error", user_error) if user_error is not None else ("bug", traceback.format_exc())
