"""Peak memory of a statement in a process of its own, for the benchmarks."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

CHILD = """
import resource, sys
import numpy as np

def resident(field):  # MiB; the kernel's own high-water mark, which no sampling misses
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))
    except FileNotFoundError:  # macOS reports only the peak, in bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

setup, statement, *paths = sys.argv[1:]
names = {path.rsplit("/", 1)[-1].removesuffix(".npy"): np.load(path) for path in paths}
exec(setup, names)
before = resident("VmRSS")
exec(statement, names)
print("peak", resident("VmHWM") - before)
"""


@pytest.fixture
def peak_memory(tmp_path: Path) -> Callable[..., float]:
    """Measure a statement's peak resident memory above that of its inputs and imports, in MiB.

    ``peak_memory(setup, statement, **arrays)`` runs both in a fresh interpreter where the arrays have their names.
    """

    def measure(setup: str, statement: str, **arrays: NDArray[np.generic]) -> float:
        paths = []
        for name, array in arrays.items():
            paths.append(str(tmp_path / f"{name}.npy"))
            np.save(paths[-1], array)
        command = [sys.executable, "-c", CHILD, setup, statement, *paths]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        for path in paths:
            Path(path).unlink()
        return float(run.stdout.rsplit("peak", 1)[1])

    return measure
