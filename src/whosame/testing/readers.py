"""Checks of readers: what a folder of a layout must come out as."""

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from whosame.data.readers.base import Reader
from whosame.errors import InputError
from whosame.testing.checks import require, run_checks

STRAYS = ("Thumbs.db", "._0001_c1.jpg")  # files beside the images that are none: Windows' and a Mac's


@dataclass(frozen=True)
class Layout:
    """A reader and a small folder that it must read.

    Attributes
    ----------
    reader : Reader
    images : mapping of str to (str, int, int or None)
        Paths of images below the folder, with the split, camera and identity that they must come out with.
    texts : mapping of str to str
        Other files that the layout needs, such as lists.
    broken : sequence of str
        Paths of images that break the layout's rule.
    """

    reader: Reader
    images: Mapping[str, tuple[str, int, int | None]]
    texts: Mapping[str, str] = field(default_factory=dict)
    broken: Sequence[str] = ()


def check_reader(
    reader: Reader,
    images: Mapping[str, tuple[str, int, int | None]],
    *,
    texts: Mapping[str, str] | None = None,
    broken: Sequence[str] = (),
) -> None:
    """Check that a reader keeps to what the index of images relies on.

    The images are drawn in a temporary folder.

    Parameters
    ----------
    reader, images, texts, broken
        As in :class:`Layout`.

    Raises
    ------
    AssertionError
        A check fails. The message names the check and what was broken.
    """
    run_checks(READER_CHECKS, Layout(reader, images, texts or {}, broken), type(reader).__name__)


def draw_folder(layout: Layout, root: Path) -> None:
    """Write the layout's images, texts and some stray files below ``root``. No two images are alike."""
    for path in layout.images:
        draw_image(root, path)
    for name, text in layout.texts.items():
        (root / name).write_text(text, "utf-8")
    for name in STRAYS:
        (root / name).write_text("no image", "utf-8")


def draw_image(root: Path, path: str) -> None:
    """Write an image of 8 x 16 pixels, which shows the hash of its path."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    shade = hashlib.sha256(path.encode()).digest()
    Image.fromarray(np.frombuffer(shade * 12, np.uint8).reshape(16, 8, 3)).save(root / path)


def _check_images(layout: Layout) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        draw_folder(layout, root)
        found = {image.file.path: image for image in layout.reader.read(root).images}
        missing, more = sorted(layout.images.keys() - found.keys()), sorted(found.keys() - layout.images.keys())
        require(not missing, f"read() leaves out {missing}")
        require(not more, f"read() lists {more}, which are no images of this layout")
        for path, image in found.items():
            expected = layout.images[path]
            require(image[1:4] == expected, f"{path} comes out as {image[1:4]} instead of {expected}")
            stat = (root / path).stat()
            require(
                (image.file.size, image.file.modified) == (stat.st_size, stat.st_mtime_ns),
                f"{path} has another size or time of change than its file: changed images would not be read again. "
                "whosame.data.readers.base.scan gives both",
            )


def _check_repeatable(layout: Layout) -> None:
    with tempfile.TemporaryDirectory() as folder:
        draw_folder(layout, Path(folder))
        first, second = (layout.reader.read(Path(folder)) for _ in range(2))
        require(first == second, "read() gives another result the second time")


def _check_missing_folder(layout: Layout) -> None:
    with tempfile.TemporaryDirectory() as folder:
        problem = _problem(layout.reader, Path(folder) / "nowhere")
        require("nowhere" in problem, f"the error for a folder that does not exist does not name it: {problem}")


def _check_broken_names(layout: Layout) -> None:
    if not layout.broken:
        return
    with tempfile.TemporaryDirectory() as folder:
        draw_folder(layout, Path(folder))
        for path in layout.broken:
            draw_image(Path(folder), path)
        problem = _problem(layout.reader, Path(folder))
        unnamed = [path for path in layout.broken if path not in problem]
        require(not unnamed, f"the error for names that break the rule does not name {unnamed}: {problem}")


def _problem(reader: Reader, root: Path) -> str:
    try:
        reader.read(root)
    except InputError as error:
        return str(error)
    raise AssertionError(f"read() raises no whosame.errors.InputError for {root}")


READER_CHECKS: dict[str, Callable[[Layout], None]] = {
    "images come out with split, camera and identity": _check_images,
    "reading twice gives the same": _check_repeatable,
    "a folder that does not exist is an input error": _check_missing_folder,
    "names that break the rule are all listed": _check_broken_names,
}
