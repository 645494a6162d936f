"""Runs on disk: ``data/runs`` has a folder a run, with a folder a round."""

import dataclasses
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from whosame import artefacts, operating_system
from whosame.artefacts import COMPARISON, FORK, HEAVY, LOCK, METRICS, OF_A_ROUND, RUN, TIMING
from whosame.errors import InputError, ParameterError, ResumeError, StorageError, unknown_name

logger = logging.getLogger(__name__)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_name(name: str) -> bool:
    """Return whether it can name a run: a plain folder name on every system."""
    return _NAME.fullmatch(name) is not None


@dataclasses.dataclass(frozen=True)
class Run:
    """One run's folder.

    Attributes
    ----------
    folder : Path
        ``data/runs/<run>``; it need not exist yet.
    """

    folder: Path

    @classmethod
    def named(cls, runs: Path, name: str) -> "Run":
        """Return the run of that name, refusing one that is no plain folder name or another run's in other case."""
        if not is_name(name):
            raise InputError(f"a run cannot be called {name!r}: use letters, digits, '.', '_' and '-' only")
        alike = [each.name for each in runs.iterdir() if each.name.lower() == name.lower()] if runs.exists() else []
        if alike and name not in alike:
            raise InputError(
                f"{name!r} and the run {alike[0]!r} differ in upper and lower case only, and would be one folder on "
                "macOS: take another name"
            )
        return cls(runs / name)

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    def round(self, number: int) -> Path:
        """Return the folder of a round, counted from 0."""
        return self.folder / f"round_{number:03d}"

    def exists(self) -> bool:
        """Return whether there is such a run, started or not."""
        return any(_there(self.folder / name) for name in (RUN, FORK, COMPARISON, LOCK)) or self.computed(0)

    def computed(self, number: int) -> bool:
        """Return whether anything of a round has been computed."""
        return any(_there(self.round(number) / name) for name in OF_A_ROUND)

    def started(self) -> bool:
        """Return whether anything has been computed in a round of its own: a fork's first ones are another run's."""
        fork = self.fork()
        return self.computed(fork["round"] + 1 if fork else 0)

    def fork(self) -> dict[str, Any]:
        """Return ``fork.json``: what the fork continues, with the ``run.json`` of that run; empty for another run."""
        path = self.folder / FORK
        return dict(artefacts.read(path)) if path.exists() else {}

    @property
    def forked_from(self) -> str | None:
        """The round that a fork continues, as ``RUN:ROUND``; None for a run that is no fork."""
        origin = self.fork()
        return f"{origin['run']}:{origin['round']}" if origin else None

    @property
    def origins(self) -> tuple[str, ...]:
        """The uids of the runs that a fork goes on from, the nearest first; empty for a run that is no fork."""
        fork = self.fork()
        return tuple(dict.fromkeys(filter(None, (fork.get("uid"), *fork.get("origins", ())))))

    def completed(self) -> int:
        """Return how many rounds are complete: the number of the next one."""
        number = 0
        while (self.round(number) / METRICS).exists():
            number += 1
        return number

    def metrics(self) -> list[dict[str, Any]]:
        """Return the metrics of the complete rounds, in order."""
        return [artefacts.read(self.round(number) / METRICS) for number in range(self.completed())]

    def seconds(self, number: int) -> float:
        """Return how long the last attempt at a round took; nan where that was not noted."""
        timing = artefacts.read_if_whole(self.round(number) / TIMING) or {}
        return float(timing.get("seconds", "nan"))

    def bytes_on_disk(self) -> int:
        """Return the size of the run's files, but for those that vanish meanwhile."""
        total = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with suppress(OSError):
                    total += (Path(folder) / name).lstat().st_size
        return total

    def about(self) -> dict[str, Any]:
        """Return ``run.json``: what the run was made from; empty before it is opened the first time."""
        path = self.folder / RUN
        return dict(artefacts.read(path)) if path.exists() else {}

    def raised(self) -> str:
        """Return in words from which round on budget, rounds or images were more; empty if they were not."""
        about = self.about()
        raised = [
            f"{each['budget']} questions in {each['rounds']} rounds from round {each['from']} on"
            for each in about.get("schedules", [])[1:]
        ]
        return "; ".join(
            [*raised, *(f"{each['images']} images from round {each['from']} on" for each in about.get("grown", []))]
        )

    def lock(self) -> IO[str]:
        """Take the run for this process. The lock ends with the file that is returned, or with the process.

        Raises
        ------
        ResumeError
            Another process has it.
        StorageError
            The folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / LOCK).open("a+")
        except OSError as error:
            raise StorageError(f"{self.folder} cannot be written: {error.strerror}") from error
        try:
            locked = operating_system.lock(lock, wait=False)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise ResumeError(
                f"run {self.name!r} is being continued by process {holder}: wait for it, or end it first"
            ) from None
        if not locked:
            logger.warning(
                "the file system of %s has no locks: let one process at a time play run %r", self.folder, self.name
            )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock

    def prune(self, keep_every: int) -> int:
        """Remove features, graphs and checkpoints of old rounds.

        Every ``keep_every``-th round (0, keep_every, …) and the newest two keep everything: a run always continues,
        and can be forked where it was kept. Questions, answers, labels and metrics are never removed.

        Returns
        -------
        int
            Bytes freed.
        """
        freed = 0
        for number in range(self.completed() - 2):
            if number % keep_every:
                for name in HEAVY:
                    path = self.round(number) / name
                    if path.exists():
                        freed += path.stat().st_size
                        path.unlink()
        return freed

    def remove(self) -> None:
        """Remove the run's folder. Answers are in the label store and stay there.

        Raises
        ------
        ResumeError
            The run is being played.
        """
        with self.lock():
            for entry in sorted(self.folder.iterdir(), key=lambda entry: entry.name in (RUN, FORK)):
                if entry.name != LOCK:  # last: until then no other process takes the folder
                    shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            shutil.rmtree(self.folder)


def find_run(runs: Path, name: str) -> Run:
    """Return the run of a name.

    Raises
    ------
    ParameterError
        There is none; near names are offered.
    """
    known = {run.name: run for run in all_runs(runs)}
    if name in known:
        return known[name]
    if not known:
        raise ParameterError(f"there is no run {name!r}, and no other in {runs}: kedro rounds plays one")
    raise unknown_name("run", name, known)


def all_runs(runs: Path) -> Iterator[Run]:
    """Yield the runs under ``data/runs`` by name, those that have not started too; what else lies there is no run."""
    for folder in sorted(runs.glob("*")) if runs.exists() else ():
        if is_name(folder.name) and (run := Run(folder)).exists():
            yield run


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested parameters as one level with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # in a folder that may not be looked into
        return False
