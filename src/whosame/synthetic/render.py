"""Rendering of the data set to files: on all cores, atomically, and only what is missing."""

import dataclasses
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from whosame.errors import InputError, StorageError, format_problems
from whosame.operating_system import lock, usable_cores
from whosame.progress import track
from whosame.synthetic.config import SyntheticConfig
from whosame.synthetic.drawing import draw_shot, open_studio
from whosame.synthetic.plan import GALLERY, QUERY, TRAIN, Shot, plan

MARKER = "synthetic.json"
QUALITY = 95  # of the JPEG files
CHUNK = 64  # images that a process draws in one piece of work
IMAGES_PER_PROCESS = 400  # starting a process takes as long as drawing about so many


def render_dataset(config: SyntheticConfig, folder: Path, *, workers: int | None = None, chunk: int = CHUNK) -> None:
    """Draw the data set into a folder in the layout of Market-1501; existing images are kept.

    Parameters
    ----------
    config : SyntheticConfig
    folder : Path
        Created if missing. ``synthetic.json`` in it holds the configuration; an interrupted rendering is continued.
    workers : int, optional
        Processes; by default one per core, as far as there is work. The files do not depend on it.
    chunk : int
        Images that a process draws in one piece of work; the files do not depend on it.

    Raises
    ------
    InputError
        The folder has another configuration's images, or other files.
    StorageError
        The disk is full or cannot be written.
    """
    folder = Path(folder)
    try:
        with _one_process_at_a_time(folder):
            _render_missing(config, folder, workers, chunk)
    except OSError as error:
        raise StorageError(
            f"cannot write the synthetic images to {folder}: {error}; make room or choose another folder, then run the "
            "same command: it goes on where it stopped"
        ) from error


@contextmanager
def _one_process_at_a_time(folder: Path) -> Iterator[None]:
    """Make processes wait for the one that draws: what it has begun is no data set yet."""
    if folder.exists() and not folder.is_dir():
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        lock(descriptor, wait=True)
        yield
    finally:
        os.close(descriptor)


def _render_missing(config: SyntheticConfig, folder: Path, workers: int | None, chunk: int) -> None:
    state = _check_folder(config, folder)
    shots = plan(config)
    present = {f"{name}/{file}" for name in (TRAIN, QUERY, GALLERY) for file in _names(folder / name)}
    missing = [shot for shot in shots if shot.path not in present]
    if state == "complete" and not missing:
        return
    for name in (TRAIN, QUERY, GALLERY):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _write_marker(config, folder, complete=False)
    _draw_all(config, folder, missing, workers, chunk)
    for name in (TRAIN, QUERY, GALLERY):
        for left_over in (folder / name).glob("*.part"):
            left_over.unlink(missing_ok=True)
    _write_marker(config, folder, complete=True)


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def _check_folder(config: SyntheticConfig, folder: Path) -> str:
    """Return ``empty``, ``started`` or ``complete``; raise for a folder with anything else."""
    marker = folder / MARKER
    if not marker.exists():
        if folder.exists() and (not folder.is_dir() or any(not name.startswith(".") for name in _names(folder))):
            raise InputError(f"{folder} exists, but is no synthetic data set: give an empty or a new folder")
        return "empty"
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))
        fingerprint, held, complete = found["fingerprint"], dict(found["config"]), bool(found["complete"])
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(f"{marker} cannot be read ({error}): remove the folder, or give another") from error
    if fingerprint != config.fingerprint:
        asked = _described(config)
        other = [
            f"{name}: it has {held.get(name)}, asked was {asked[name]}"
            for name in asked
            if held.get(name) != asked[name]
        ]
        raise InputError(
            format_problems(
                f"{folder} holds another synthetic data set",
                other or ["drawn by another version of the renderer"],
                "Give another folder, or remove this one.",
            )
        )
    return "complete" if complete else "started"


def _described(config: SyntheticConfig) -> dict[str, object]:
    return {**config.model_dump(), **dataclasses.asdict(config.counts)}


def _write_marker(config: SyntheticConfig, folder: Path, *, complete: bool) -> None:
    found = {"fingerprint": config.fingerprint, "complete": complete, "config": _described(config)}
    part = folder / f"{MARKER}.{os.getpid()}.part"
    part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    part.replace(folder / MARKER)


def _draw_all(config: SyntheticConfig, folder: Path, shots: Sequence[Shot], workers: int | None, chunk: int) -> None:
    processes = workers or max(1, min(usable_cores(), len(shots) // IMAGES_PER_PROCESS))
    chunks = [shots[i : i + chunk] for i in range(0, len(shots), chunk)]
    if processes == 1 or len(chunks) < 2:
        for some in track(chunks, "drawing pedestrians"):
            draw_chunk(config, folder, some)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        done = pool.map(draw_chunk, [config] * len(chunks), [folder] * len(chunks), chunks)
        for _ in track(done, "drawing pedestrians", total=len(chunks)):
            pass


def draw_chunk(config: SyntheticConfig, folder: Path, shots: Sequence[Shot]) -> None:
    """Draw and write some images, each file atomically."""
    studio = open_studio(config)
    for shot in shots:
        path = folder / shot.path
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        draw_shot(studio, shot).save(part, "JPEG", quality=QUALITY, subsampling=0)
        part.replace(path)
