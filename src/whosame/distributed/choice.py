"""The engine that parameters name."""

from functools import lru_cache
from typing import Literal

from whosame.distributed.engine import Engine, OneProcess
from whosame.distributed.ray_engine import RayEngine
from whosame.distributed.several_processes import SeveralProcesses

EngineName = Literal["local", "ray"]


@lru_cache(maxsize=1)
def make_engine(name: EngineName, processes: int, device: str, address: str) -> Engine:
    """Return what extracts and trains; the same for the same arguments, so that processes serve all rounds.

    Parameters
    ----------
    name : str
        ``local``: this machine; ``ray``: a Ray cluster.
    processes : int
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    address : str
        Of the cluster.
    """
    if name == "ray":
        return RayEngine(address, processes, device)
    return OneProcess() if processes == 1 else SeveralProcesses(processes, device)
