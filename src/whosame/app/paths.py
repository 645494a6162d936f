"""Paths of the project, and the number of the next round, for the catalog's resolvers."""

import subprocess
from pathlib import Path

from kedro.utils import find_kedro_project

from whosame import __version__
from whosame.artefacts import FEATURES
from whosame.errors import ParameterError
from whosame.runs import Run

ROUNDS_APART = 3  # between two networks that are compared: the effect of one round is lost in the noise of its answers


def root() -> Path:
    """Return the folder of the Kedro project around the working directory, or the working directory."""
    return Path(find_kedro_project(Path.cwd()) or Path.cwd())


def runs_folder() -> Path:
    """Return ``data/runs``."""
    return root() / "data" / "runs"


def comparison_folder(name: str) -> Path:
    """Return the folder of a comparison's report."""
    return root() / "data" / "08_reporting" / name


def round_number(run: object, number: object = None) -> int:
    """Return the round asked for, or the next one of the run.

    Parameters
    ----------
    run : str
        The run's name.
    number : int, optional
        A round from 0; None: the first that is not complete.
    """
    if number is None:
        return Run.named(runs_folder(), str(run)).completed()
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ParameterError(f"parameter 'round' is {number!r}, but takes a whole number from 0, or null for the next")
    return number


def round_folder(run: object, number: object = None) -> str:
    """Return the folder of that round, for the catalog."""
    return Run.named(runs_folder(), str(run)).round(round_number(run, number)).as_posix()


def previous_folder(run: object, number: object = None) -> str:
    """Return the folder of the round before; of the first round, one that never exists."""
    before = round_number(run, number) - 1
    folder = Run.named(runs_folder(), str(run))
    return (folder.round(before) if before >= 0 else folder.folder / "before_the_first").as_posix()


def earlier_folder(run: object, number: object = None) -> str:
    """Return the folder of the round that a round's network is compared with, for the catalog.

    Three rounds earlier, or as near to that as features are kept; where none are, a folder that never exists.
    """
    now = round_number(run, number)
    of = Run.named(runs_folder(), str(run))
    kept = (of.round(before) for before in range(max(0, now - ROUNDS_APART), now))
    found = next((folder for folder in kept if (folder / FEATURES).exists()), of.folder / "before_the_first")
    return found.as_posix()


def code_version() -> str:
    """Return the package's version, with the commit where it is a checkout, and ``+`` where that was changed."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],  # noqa: S607
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        described = ""
    return f"{__version__} {described}".strip()
