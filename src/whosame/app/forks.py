"""Forks: runs that continue another run after one of its rounds."""

import os
import secrets
import shutil

from whosame import artefacts
from whosame.errors import ResumeError, unknown_name
from whosame.runs import Run, all_runs


def fork(origin: str, into: Run) -> None:
    """Begin a run that continues another one; if it has started already, do nothing.

    The finished rounds are hard-linked: nothing is copied, and either run may be deleted.

    Parameters
    ----------
    origin : str
        ``RUN:ROUND``.
    into : Run
        In the same folder.

    Raises
    ------
    ResumeError
        The round is not complete or was pruned, or the other run exists and is no fork of it.
    """
    name, _, number = origin.rpartition(":")
    if not name or not number.isdecimal():
        raise ResumeError(f"--fork takes RUN:ROUND, as in --fork=demo:7, not {origin!r}")
    if into.forked_from is None:
        _link_rounds(Run.named(into.folder.parent, name), int(number), into)
    elif into.forked_from != f"{name}:{int(number)}":
        raise ResumeError(
            f"run {into.name!r} is a fork of {into.forked_from}, not of {origin}: continue it with "
            f"--fork={into.forked_from}, or fork {name!r} under a name not yet taken (--params=run=NAME)"
        )


def _link_rounds(run: Run, at: int, into: Run) -> None:
    if into.folder.exists():
        raise ResumeError(f"run {into.name!r} exists already: fork {run.name!r} under a name not yet taken")
    about = run.about()
    if not about:
        known = [each.name for each in all_runs(run.folder.parent)]
        raise ResumeError(str(unknown_name("run", run.name, known)) if known else "there is no run to fork yet")
    kept = [number for number in range(run.completed()) if (run.round(number) / artefacts.CHECKPOINT).exists()]
    if at not in kept:
        raise ResumeError(f"round {at} of run {run.name!r} cannot be forked: rounds with a checkpoint are {kept}")
    making = Run(into.folder.with_name(f".{into.name}.{secrets.token_hex(4)}"))
    not_shared = shutil.ignore_patterns(artefacts.MLFLOW_RUN, "*.partial")  # the fork has an MLflow run of its own
    try:
        for number in range(at + 1):
            shutil.copytree(run.round(number), making.round(number), copy_function=_link, ignore=not_shared)
        artefacts.write(making.folder / artefacts.FORK, {"run": run.name, "uid": about["uid"], "round": at})
        making.folder.rename(into.folder)
    finally:
        shutil.rmtree(making.folder, ignore_errors=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
