"""Reader protocol: the images of a folder with split, camera and identity, before any is opened."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from whosame.data.manifest import JUNK
from whosame.errors import InputError, format_problems

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".gif"})


class ImageFile(NamedTuple):
    """An image file: path relative to the root (posix), size in bytes, modification time in nanoseconds."""

    path: str
    size: int
    modified: int


class FoundImage(NamedTuple):
    """A file with what its name or a list has: camera -1 unknown; identity None unknown, -1 junk, 0 distractor."""

    file: ImageFile
    split: str
    camera: int
    identity: int | None


@dataclass(frozen=True)
class ReaderResult:
    """The images that a reader found; notes on what it left out, each one sentence with a count."""

    images: list[FoundImage]
    notes: list[str] = field(default_factory=list)


class Reader(Protocol):
    """A layout of a data set. See docs/data.md for how to add one."""

    def read(self, root: Path) -> ReaderResult:
        """List the images under ``root``.

        Raises
        ------
        InputError
            Folders or lists that the layout needs are missing, or names do not follow its rule.
        """
        ...


def scan(root: Path, under: str = "") -> list[ImageFile]:
    """Return the image files below ``root/under``, sorted by their path relative to ``root``.

    Hidden files (``._0001.jpg`` of a Mac's archive) and files of other kinds are skipped; links are followed.

    Raises
    ------
    InputError
        There is no such folder, it cannot be read, or a name is not valid text.
    """
    try:
        files = sorted(_walk(root / under, f"{under}/" if under else "", set()))
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}. Give a folder of images.") from error
    garbled = [ascii(file.path) for file in files if not file.path.isprintable()]
    if garbled:
        raise InputError(format_problems(f"{len(garbled)} file names are not valid text", garbled, "Rename them."))
    return files


def _walk(folder: Path, prefix: str, above: set[tuple[int, int]]) -> Iterator[ImageFile]:
    itself = folder.stat()
    here = (itself.st_dev, itself.st_ino)
    if here in above:  # a link back up
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                is_folder, about = entry.is_dir(), entry.stat()
            except OSError:  # a link to nothing, or in a ring: no folder, and as an image it is one that cannot be used
                is_folder, about = False, None
            if is_folder:
                yield from _walk(folder / entry.name, f"{prefix}{entry.name}/", above | {here})
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:  # noqa: PTH122 - a Path per file is slow
                yield ImageFile(prefix + entry.name, *((about.st_size, about.st_mtime_ns) if about else (0, 0)))


def need(root: Path, wanted: Sequence[str], layout: str) -> None:
    """Raise :class:`InputError` unless ``root`` is a folder that holds everything ``wanted``; look one level deeper."""
    if not root.is_dir():
        raise InputError(f"images={root} is no folder. Give the folder that holds the {layout} images.")
    missing = [name for name in wanted if not (root / name).exists()]
    if not missing:
        return
    deeper = sorted(
        str(path) for path in root.iterdir() if path.is_dir() and all((path / name).exists() for name in wanted)
    )
    advice = f"Did you mean images={deeper[0]}?" if deeper else "Give the folder that holds it, or another layout."
    raise InputError(format_problems(f"{root} does not look like {layout}: missing there", missing, advice))


def mismatches(layout: str, rule: str, paths: Sequence[str]) -> InputError:
    """Return the error for names that do not match a layout."""
    return InputError(
        format_problems(
            f"{len(paths)} names do not follow the rule of {layout}, {rule}", paths, "Rename or remove them."
        ),
    )


def compare_counts(layout: str, images: Sequence[FoundImage], expected: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Return a note if a published data set that is there in all its splits has other numbers of images.

    The gallery may be counted with or without junk: papers do either.
    """
    everything = Counter(image.split for image in images)
    useful = Counter(image.split for image in images if image.identity != -1)
    if any(everything[split] == 0 for split in expected):
        return []
    if all({everything[split], useful[split]} & set(counts) for split, counts in expected.items()):
        return []
    here = " / ".join(f"{everything[split]:,}" for split in expected)
    published = " / ".join(" or ".join(f"{count:,}" for count in counts) for counts in expected.values())
    return [f"{layout} has {published} images ({' / '.join(expected)}) as published, here are {here}"]


def number_identities(names: Iterable[str | None]) -> dict[str, int]:
    """Return the numbers of persons, 1, 2, … in sorted order of their names; ``-1`` is junk, as in Market-1501.

    Examples
    --------
    >>> number_identities(["Greek/character02", "Greek/character01", None, "-1"])
    {'-1': -1, 'Greek/character01': 1, 'Greek/character02': 2}
    """
    persons = sorted({name for name in names if name is not None} - {"-1"})
    return {"-1": JUNK} | {name: number for number, name in enumerate(persons, start=1)}


def number_cameras(names: Iterable[str | None]) -> dict[str, int]:
    """Return the numbers of cameras: their own if all names are digits, else 1, 2, … in sorted order.

    Examples
    --------
    >>> number_cameras(["02", "11", None]), number_cameras(["hall", "door"])
    ({'02': 2, '11': 11}, {'door': 1, 'hall': 2})
    """
    cameras = sorted({name for name in names if name is not None})
    if all(name.isdecimal() for name in cameras):
        return {name: int(name) for name in cameras}
    return {name: number for number, name in enumerate(cameras, start=1)}
