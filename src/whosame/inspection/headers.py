"""Sizes of image files from their headers, files that cannot be read, and files that are copies of another."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whosame.data.decoding import JPEGS, ORIENTATION, UnusableImageError, in_threads, opened
from whosame.data.readers.base import ImageFile
from whosame.operating_system import usable_cores
from whosame.progress import track

HEAD = 2**18  # bytes, in which nearly every header ends
IN_WORK = 64  # files in work at once
SIDEWAYS = (5, 6, 7, 8)  # orientations that exchange height and width
HASHED = 2**30  # bytes that are hashed at most: files of equal size are compared, the smallest first


@dataclass(frozen=True)
class Headers:
    """What the headers of some files say.

    Attributes
    ----------
    files : list of ImageFile
        Of the n files whose header can be read.
    heights, widths : int64 [n]
        Upright, in pixels.
    damaged : dict of str to str
        Paths of the others, with the reason.
    """

    files: list[ImageFile]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    damaged: dict[str, str]

    @property
    def megapixels(self) -> NDArray[np.float64]:
        """Of each file, float64 [n]."""
        return self.heights * self.widths / 1e6

    @property
    def ratios(self) -> NDArray[np.float64]:
        """Height over width of each file, float64 [n]."""
        return self.heights / np.maximum(self.widths, 1)


@dataclass(frozen=True)
class Copies:
    """Files with the same bytes: groups of paths, each at least two; how many files were compared, of how many."""

    groups: list[list[str]]
    compared: int
    files: int

    @property
    def spare(self) -> int:
        """How many files are copies of another."""
        return sum(len(group) - 1 for group in self.groups)


def read_headers(root: Path, files: Sequence[ImageFile]) -> Headers:
    """Read the headers of files below a folder."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        work = partial(_size, root=root)
        found = list(track(in_threads(work, files, pool, IN_WORK), "headers", len(files)))
    pairs = list(zip(files, found, strict=True))
    sizes = [(file, size) for file, size in pairs if not isinstance(size, str)]
    return Headers(
        [file for file, _ in sizes],
        np.array([size[0] for _, size in sizes], np.int64),
        np.array([size[1] for _, size in sizes], np.int64),
        {file.path: reason for file, reason in pairs if isinstance(reason, str)},
    )


def find_copies(root: Path, files: Sequence[ImageFile]) -> Copies:
    """Compare files of equal size by their bytes.

    No more than ``HASHED`` bytes are read: of files that share their size, the smallest come first.
    """
    by_size: dict[int, list[ImageFile]] = defaultdict(list)
    for file in files:
        by_size[file.size].append(file)
    left, compared, groups = HASHED, len(files), []
    alike = sorted((size, its) for size, its in by_size.items() if size and len(its) > 1)
    for size, its in track(alike, "copies"):
        left -= size * len(its)
        if left < 0:
            compared -= len(its)
        else:
            groups += _same_bytes(root, its)
    return Copies(sorted(groups), compared, len(files))


def _same_bytes(root: Path, files: Iterable[ImageFile]) -> list[list[str]]:
    by_digest: dict[bytes, list[str]] = defaultdict(list)
    for file in files:
        try:
            content = (root / file.path).read_bytes()
        except OSError:  # it is among the damaged ones
            continue
        by_digest[hashlib.blake2b(content, digest_size=16).digest()].append(file.path)
    return [paths for paths in by_digest.values() if len(paths) > 1]


def _size(file: ImageFile, *, root: Path) -> tuple[int, int] | str:
    """Return upright height and width, or why there is none."""
    path = root / file.path
    try:
        if not path.is_file():  # reading from a named pipe would not end
            return "no file, or a link to none"
        with path.open("rb") as opened_file:
            head = opened_file.read(HEAD)
            try:
                return _size_in(head)
            except UnusableImageError:
                if len(head) < HEAD:
                    raise
                return _size_in(head + opened_file.read())
    except UnusableImageError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _size_in(content: bytes) -> tuple[int, int]:
    with opened(content) as image:
        width, height = image.size
        turned = image.format in JPEGS and image.getexif().get(ORIENTATION) in SIDEWAYS
    return (width, height) if turned else (height, width)
