"""Runs on disk: ``data/runs`` has a folder a run, with a folder a round."""

import dataclasses
import json
import logging
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from whosame import artefacts, operating_system
from whosame.artefacts import FORK, HEAVY, LOCK, METRICS, RUN, TIMING
from whosame.errors import InputError, ResumeError, StorageError

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

    @property
    def forked_from(self) -> str | None:
        """The round that a fork continues, as ``RUN:ROUND``; None for a run that is no fork."""
        path = self.folder / FORK
        if not path.exists():
            return None
        origin = artefacts.read(path)
        return f"{origin['run']}:{origin['round']}"

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
        timing = self.round(number) / TIMING
        return float(artefacts.read(timing)["seconds"]) if timing.exists() else float("nan")

    def bytes_on_disk(self) -> int:
        """Return the size of the run's files."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def about(self) -> dict[str, Any]:
        """Return ``run.json``: what the run was made from; empty before its first round."""
        path = self.folder / RUN
        return dict(artefacts.read(path)) if path.exists() else {}

    def open(self, configuration: Mapping[str, Any], manifest: Mapping[str, Any], code: str) -> dict[str, Any]:
        """Write down what the run is made from, or check that it is still the same.

        Parameters
        ----------
        configuration : mapping
            Every parameter that the results depend on.
        manifest : mapping
            ``dataset`` and ``digest`` of the images' manifest.
        code : str
            The code's version.

        Returns
        -------
        dict
            The run's ``run.json``: uid, configuration, manifest, code, created, and where it was forked from.

        Raises
        ------
        ResumeError
            The run was started with another configuration or other images; what differs is named.
        """
        about = self.about()
        if about:
            _refuse_differences(self.name, about, configuration, manifest)
            return about
        about = {
            "uid": secrets.token_hex(8),
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "configuration": dict(configuration),
            "manifest": dict(manifest),
            "code": code,
        }
        artefacts.write(self.folder / RUN, about)
        return about

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


def all_runs(runs: Path) -> Iterator[Run]:
    """Yield the runs under ``data/runs``, by name."""
    for folder in sorted(runs.glob("*")) if runs.exists() else ():
        if folder.is_dir() and not folder.name.startswith(".") and any(folder.glob("round_*")):
            yield Run(folder)


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested parameters as one level with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _refuse_differences(
    name: str, about: Mapping[str, Any], configuration: Mapping[str, Any], manifest: Mapping[str, Any]
) -> None:
    if about["manifest"]["digest"] != manifest["digest"]:
        raise ResumeError(
            f"the images of run {name!r} have changed since it began: manifest {about['manifest']['digest'][:12]} "
            f"({about['manifest']['images']} images) then, {manifest['digest'][:12]} ({manifest['images']}) now. "
            "Restore the images, or begin another run with --params=run=NAME."
        )
    before, now = flatten(about["configuration"]), flatten(json.loads(json.dumps(configuration)))
    changed = [
        f"  {key}: {before.get(key)!r} when it began, {now.get(key)!r} now"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]
    if changed:
        raise ResumeError(
            f"run {name!r} was started with other parameters:\n" + "\n".join(changed) + "\nType them as they were, "
            f"begin another run (--params=run=NAME), or continue under a new name (kedro rounds --fork={name}:ROUND)."
        )
