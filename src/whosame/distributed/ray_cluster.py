"""A Ray cluster: the connection, and what its machines have."""

import os
import socket
from functools import partial
from urllib.parse import urlsplit

from whosame.distributed.environment import check_alike, environment
from whosame.errors import ParameterError, WorkerError
from whosame.progress import within

CONNECT_SECONDS = 10.0
START_SECONDS = 120.0  # for a process on each machine to start and import torch


def connect(address: str) -> None:
    """Connect this process to a cluster, unless it is connected.

    Parameters
    ----------
    address : str
        ``HOST:PORT`` of the head, ``ray://HOST:PORT``, or ``auto``: the cluster that runs on this machine.

    Raises
    ------
    ParameterError
        Ray is not installed, or no cluster replies within 10 seconds.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
    try:
        import ray
    except ImportError as error:
        raise ParameterError("engine=ray needs the package ray: pip install --editable '.[ray]'") from error
    if ray.is_initialized():
        return
    advice = (
        "Is it the address that 'ray start --head' printed, and reachable from here? On the machine of the head it is "
        "127.0.0.1:6379, or auto."
    )
    _check_port(address, advice)
    try:
        within(CONNECT_SECONDS, partial(ray.init, address, log_to_driver=False, logging_level="warning"))
    except TimeoutError as error:
        raise ParameterError(f"no Ray cluster replies at address={address}: {error}. {advice}") from error
    except Exception as error:
        raise ParameterError(f"address={address} is not that of a Ray cluster: {error}\n{advice}") from error


def _check_port(address: str, advice: str) -> None:
    """Check that something listens: Ray itself tries for longer."""
    if address in ("auto", "local"):
        return
    url = urlsplit(address if "://" in address else f"//{address}")
    if url.hostname is None or url.port is None:
        raise ParameterError(f"address={address} has no port: give HOST:PORT, such as 10.0.0.1:6379")
    try:
        socket.create_connection((url.hostname, url.port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise ParameterError(f"no Ray cluster replies at address={address}: {error}. {advice}") from error


def check_cluster(processes: int, device: str) -> bool:
    """Check that a cluster has a GPU or a core for each process, and the same software on each machine.

    Parameters
    ----------
    processes : int
    device : str
        ``auto``, ``cpu`` or ``cuda``.

    Returns
    -------
    bool
        Whether processes compute on GPUs: with ``auto`` where there is one for each.

    Raises
    ------
    ParameterError
        There are fewer.
    WorkerError
        A machine has another version of something.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    has = ray.cluster_resources()
    gpu = device == "cuda" or (device == "auto" and has.get("GPU", 0) >= processes)
    kind = "GPU" if gpu else "CPU"
    if (most := int(has.get(kind, 0))) < processes:
        raise ParameterError(f"processes={processes}, but the Ray cluster has {most} {kind}s: use processes={most}")
    nodes = [node for node in ray.nodes() if node["Alive"]]
    look = ray.remote(num_cpus=0)(environment)
    found = {}
    for node in nodes:
        on = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        name = f"machine {node['NodeManagerAddress']} ({node['NodeID'][:8]})"
        found[name] = look.options(scheduling_strategy=on).remote()
    try:
        alike = dict(zip(found, ray.get(list(found.values()), timeout=START_SECONDS), strict=True))
    except ray.exceptions.RayError as error:
        raise WorkerError(f"the machines of the Ray cluster cannot run whosame: {error}") from error
    check_alike({"this process": environment(), **alike})
    return gpu
