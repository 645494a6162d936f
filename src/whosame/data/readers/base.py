"""Reader protocol: the images of a folder with split, camera and identity, before any is opened."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from whosame.errors import InputError, format_problems
from whosame.identities import DISTRACTOR, JUNK
from whosame.names import composed, is_printable

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".gif"})

# Folders of thumbnails and waste that systems make beside images: Synology, QNAP, Windows, macOS, ext4
NOT_OF_THE_DATA = {"@eaDir", "#recycle", "#snapshot", "@Recycle", "$RECYCLE.BIN", "System Volume Information"}
NOT_OF_THE_DATA |= {"__MACOSX", "lost+found"}


NO_PERSON: Mapping[str, int] = {"-1": JUNK}  # an identity of this name is none
DIGITS = 18  # of a number that every int64 holds


class ImageFile(NamedTuple):
    """An image file: path relative to the root (posix, as on the disk), size in bytes, modification time in ns."""

    path: str
    size: int
    modified: int


class FoundImage(NamedTuple):
    """A file with what its name or a list has: camera -1 unknown; identity None unknown, -1 junk, 0 distractor.

    ``name`` is the identity's name, ``encounter`` the number of the burst or track (-1: none), ``view`` the side that
    is seen; an empty text where unknown.
    """

    file: ImageFile
    split: str
    camera: int
    identity: int | None
    name: str = ""
    encounter: int = -1
    view: str = ""

    @property
    def person(self) -> int | None:
        """The identity if it is a person's; None for a distractor, junk, or where it is not known."""
        return self.identity if self.identity is not None and self.identity > DISTRACTOR else None


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
    """Return the image files below ``root/under``, sorted by their path relative to ``root`` in Unicode form NFC.

    Hidden files and folders (``._0001.jpg`` of a Mac's archive, ``.ipynb_checkpoints``), the folders of
    ``NOT_OF_THE_DATA`` and files of other kinds are skipped; links are followed.

    Raises
    ------
    InputError
        There is no such folder, it cannot be read, a name is not printable text, or two paths differ in their Unicode
        form alone.
    """
    try:
        files = list(walk(root / under, f"{under}/" if under else ""))
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}. Give a folder of images.") from error
    garbled = sorted(ascii(file.path) for file in files if not is_printable(file.path))
    if garbled:
        raise InputError(format_problems(f"{len(garbled)} file names are not printable text", garbled, "Rename them."))
    forms: dict[str, list[ImageFile]] = defaultdict(list)
    for file in files:
        forms[composed(file.path)].append(file)
    twice = sorted(" and ".join(sorted(ascii(file.path) for file in same)) for same in forms.values() if same[1:])
    if twice:
        title = f"{len(twice)} names are there twice, in two forms of Unicode that look the same"
        raise InputError(format_problems(title, twice, "Rename or remove one of each."))
    return [forms[path][0] for path in sorted(forms)]


def walk(folder: Path, prefix: str = "", above: AbstractSet[tuple[int, int]] = frozenset()) -> Iterator[ImageFile]:
    """Yield the image files below a folder, in the disk's order, as :func:`scan` selects them.

    Parameters
    ----------
    folder : Path
    prefix : str
        What their paths begin with.
    above : set of (int, int)
        Devices and numbers of the folders that it is in: a link back up to one of them is not followed.

    Raises
    ------
    OSError
        A folder cannot be read.
    """
    itself = folder.stat()
    here = (itself.st_dev, itself.st_ino)
    if here in above:  # a link back up
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name in NOT_OF_THE_DATA:
                continue
            try:
                is_folder, about = entry.is_dir(), entry.stat()
            except OSError:  # a link to nothing, or in a ring: no folder, and as an image it is one that cannot be used
                is_folder, about = False, None
            if is_folder:
                yield from walk(folder / entry.name, f"{prefix}{entry.name}/", above | {here})
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:  # noqa: PTH122 - a Path per file is slow
                yield ImageFile(prefix + entry.name, *((about.st_size, about.st_mtime_ns) if about else (0, 0)))


def need(root: Path, wanted: Sequence[str], layout: str) -> None:
    """Raise :class:`InputError` unless ``root`` is a folder that holds everything ``wanted``; look one level deeper."""
    if not root.is_dir():
        raise InputError(f"images={root} is no folder. Give the folder that holds the {layout} images.")
    missing = _missing(root, wanted)
    if not missing:
        return
    deeper = sorted(str(path) for path in root.iterdir() if path.is_dir() and not _missing(path, wanted))
    advice = f"Did you mean images={deeper[0]}?" if deeper else "Give the folder that holds it, or another layout."
    raise InputError(format_problems(f"{root} does not look like {layout}: missing there", missing, advice))


def _missing(folder: Path, wanted: Sequence[str]) -> list[str]:
    try:
        there = {composed(name) for name in os.listdir(folder)}  # noqa: PTH208
    except OSError:
        there = set()
    return [name for name in wanted if composed(name) not in there]


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
    useful = Counter(image.split for image in images if image.identity != JUNK)
    if any(everything[split] == 0 for split in expected):
        return []
    if all({everything[split], useful[split]} & set(counts) for split, counts in expected.items()):
        return []
    here = " / ".join(f"{everything[split]:,}" for split in expected)
    published = " / ".join(" or ".join(f"{count:,}" for count in counts) for counts in expected.values())
    return [f"{layout} has {published} images ({' / '.join(expected)}) as published, here are {here}"]


def number_identities(names: Iterable[str | None], special: Mapping[str, int] = NO_PERSON) -> dict[str, int]:
    """Return the numbers of identities: of a name in ``special`` as there, of all others 1, 2, … in sorted order.

    Examples
    --------
    >>> number_identities(["Greek/character02", "Greek/character01", None, "-1"])
    {'-1': -1, 'Greek/character01': 1, 'Greek/character02': 2}
    """
    persons = sorted({name for name in names if name is not None} - special.keys())
    return dict(special) | {name: number for number, name in enumerate(persons, start=1)}


def number_cameras(names: Iterable[str | None]) -> dict[str, int]:
    """Return the numbers of cameras: their own if all names are digits, else 1, 2, … in sorted order.

    Examples
    --------
    >>> number_cameras(["02", "11", None]), number_cameras(["hall", "door"])
    ({'02': 2, '11': 11}, {'door': 1, 'hall': 2})
    """
    cameras = sorted({name for name in names if name is not None})
    if all(name.isdecimal() for name in cameras):
        return read_numbers(cameras)
    return {name: number for number, name in enumerate(cameras, start=1)}


def read_numbers(digits: Iterable[str]) -> dict[str, int]:
    """Return the values of numbers in digits. If one has more than 18, all are 1, 2, … in their order, but 0 stays 0.

    Examples
    --------
    >>> read_numbers(["007", "12"]), read_numbers(["0", "7", "20240131123456789012"])
    ({'007': 7, '12': 12}, {'0': 0, '7': 1, '20240131123456789012': 2})
    """
    values = {text: text.lstrip("0") or "0" for text in digits}
    if all(len(value) <= DIGITS for value in values.values()):
        return {text: int(value) for text, value in values.items()}
    ascending = sorted({*values.values()} - {"0"}, key=lambda value: (len(value), value))
    numbers = {"0": 0} | {value: number for number, value in enumerate(ascending, start=1)}
    return {text: numbers[value] for text, value in values.items()}
