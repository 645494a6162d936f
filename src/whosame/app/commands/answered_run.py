"""Answered runs, for commands: a run or a folder of images, with the label store that its answers are in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from whosame.app import paths
from whosame.app.commands.label_store import label_store
from whosame.artefacts import IMAGES
from whosame.errors import ParameterError
from whosame.runs import Run

if TYPE_CHECKING:
    from whosame.annotation.exchange.run_images import RunImages, StoredRun
    from whosame.annotation.store.store import LabelStore


def pair_of(images: "RunImages", paths_of: tuple[str, str]) -> tuple[int, int]:
    """Return the image ids of two paths, the smaller first.

    Raises
    ------
    ParameterError
        They are no two training images of the run.
    """
    found = {path: images.find("", path) for path in paths_of}
    unknown = [path for path, image in found.items() if image is None]
    if unknown or len(found) < 2:
        raise ParameterError(
            f"--pair takes two training images of the run; not among them: {', '.join(unknown) or '–'}"
        )
    first, second = sorted(image for image in found.values() if image is not None)
    return first, second


@contextmanager
def open_folder(env: str | None, params: dict[str, Any]) -> Iterator[tuple["LabelStore", "StoredRun", "RunImages"]]:
    """Open the configured label store, and index the folder of images that is named: no run is needed."""
    from whosame.annotation.exchange.run_images import StoredRun, run_images
    from whosame.app.round_loop import configured
    from whosame.data.indexing import index_images

    manifest = index_images(configured(env, params).source(), paths.root() / "data")
    no_run = StoredRun("", "")
    with label_store(env, params) as store:
        yield store, no_run, run_images(store, no_run, manifest)


@contextmanager
def open_run(
    env: str | None, params: dict[str, Any], name: str | None
) -> Iterator[tuple["LabelStore", "StoredRun", "RunImages"]]:
    """Open the configured label store, and find the run and its images."""
    from whosame.annotation.exchange.run_images import StoredRun, find_run, run_images
    from whosame.data.indexing import find_manifest

    about = {} if name is None else Run.named(paths.runs_folder(), name).about()
    with label_store(env, params, run=name, made_by=None if about else "the first answer") as store:
        # A name may have been used before: the run's folder has the uid of the current one.
        run = StoredRun(about["uid"], name) if name is not None and about else find_run(store, name)
        about = about or Run.named(paths.runs_folder(), run.name).about()
        played_here = about.get("uid") == run.uid
        kept = Run.named(paths.runs_folder(), run.name).folder / IMAGES
        manifest = find_manifest(paths.root() / "data", about["manifest"]["digest"], kept) if played_here else None
        yield store, run, run_images(store, run, manifest)
