"""Forks: runs that continue another run after one of its rounds."""

import os
import secrets
import shutil
from pathlib import Path

from whosame import artefacts
from whosame.errors import ResumeError
from whosame.runs import Run, find_run


def origin_of(origin: str, runs: Path) -> tuple[Run, int]:
    """Return the run and the round that ``RUN:ROUND`` names.

    Raises
    ------
    ResumeError
        It has another form.
    ParameterError
        There is no such run.
    """
    name, _, number = origin.rpartition(":")
    if not name or not number.isdecimal():
        raise ResumeError(f"--fork takes RUN:ROUND, as in --fork=demo:7, not {origin!r}")
    return find_run(runs, name), int(number)


def fork(run: Run, at: int, into: Run) -> None:
    """Make a run that continues another one; if it is there already, do nothing.

    The finished rounds are hard-linked: nothing is copied, and either run may be deleted.

    Parameters
    ----------
    run, at : Run, int
        What is continued, and after which of its rounds.
    into : Run
        In the same folder.

    Raises
    ------
    ResumeError
        The round is not complete or was pruned, or the other run has started and is no fork of it.
    """
    if into.forked_from is None:
        _link_rounds(run, at, into)
    elif into.forked_from != f"{run.name}:{at}":
        raise ResumeError(
            f"run {into.name!r} is a fork of {into.forked_from}, not of {run.name}:{at}: continue it with "
            f"--params=run={into.name}, or fork {run.name!r} under a name not yet taken (--params=run=NAME)"
        )


def _link_rounds(run: Run, at: int, into: Run) -> None:
    if into.started():
        raise ResumeError(f"run {into.name!r} exists already: fork {run.name!r} under a name not yet taken")
    about = run.about()
    kept = [number for number in range(run.completed()) if (run.round(number) / artefacts.CHECKPOINT).exists()]
    if at not in kept:
        raise ResumeError(f"round {at} of run {run.name!r} cannot be forked: rounds with a checkpoint are {kept}")
    if into.folder.exists():
        into.remove()
    making = Run(into.folder.with_name(f".{into.name}.{secrets.token_hex(4)}"))
    shared = (*artefacts.OF_A_ROUND, artefacts.TIMING)  # the fork has an MLflow run of its own
    try:
        for number in range(at + 1):
            making.round(number).mkdir(parents=True)
            for name in shared:
                if (run.round(number) / name).exists():
                    _link(run.round(number) / name, making.round(number) / name)
        if (run.folder / artefacts.IMAGES).exists():
            _link(run.folder / artefacts.IMAGES, making.folder / artefacts.IMAGES)
        artefacts.write(making.folder / artefacts.FORK, about | {"run": run.name, "round": at, "origins": run.origins})
        making.folder.rename(into.folder)
    finally:
        shutil.rmtree(making.folder, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
