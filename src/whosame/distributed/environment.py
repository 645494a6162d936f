"""What a process computes with: a digest of this package's source, and versions. All processes must have the same."""

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

from whosame.errors import WorkerError, format_problems

PACKAGES = ("torch", "numpy")  # results depend on them
Environment = Mapping[str, str]


def environment() -> dict[str, str]:
    """Return what this process computes with, by name."""
    versions = {name: version(name) for name in PACKAGES}
    return {"whosame": source_digest(Path(__file__).parents[1]), "python": platform.python_version(), **versions}


@cache
def source_digest(folder: Path) -> str:
    """Return a digest of the Python files below a folder, their names included."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def check_alike(environments: Mapping[str, Environment]) -> None:
    """Check that all processes compute with the same.

    Parameters
    ----------
    environments : mapping of str to Environment
        By the name of the process. The first is what the others are compared with.

    Raises
    ------
    WorkerError
        Names every process that differs, and in what.
    """
    first, *others = environments
    expected = environments[first]
    problems = [
        f"{name}: {part} {environments[name].get(part)}, not {value}"
        for name in others
        for part, value in expected.items()
        if environments[name].get(part) != value
    ]
    if problems:
        raise WorkerError(
            format_problems(
                f"the processes do not compute with the same as {first}, so results would depend on their number",
                problems,
                "Install the same version of whosame and of these packages everywhere, and start again. What is "
                "after 'whosame' is a digest of its source.",
            )
        )
