"""One pass over the names of a folder: counts, bytes, a draw of files; a million files take little memory."""

from dataclasses import dataclass
from pathlib import Path

from whosame.data.readers.base import SUFFIXES, ImageFile, walk
from whosame.errors import InputError
from whosame.inspection.draw import Draw
from whosame.inspection.path_pattern import PatternReader, PatternReading
from whosame.names import is_printable
from whosame.progress import track


@dataclass(frozen=True)
class FolderScan:
    """What the names of a folder say.

    Attributes
    ----------
    root : Path
    images : int
        Image files below it, at any depth.
    size : int
        Of all of them, in bytes.
    files : list of ImageFile
        All of them, or so many drawn ones.
    reading : PatternReading, optional
        Of layout folder.
    """

    root: Path
    images: int
    size: int
    files: list[ImageFile]
    reading: PatternReading | None


def scan_folder(root: Path, *, pattern: str | None, most: int, seed: int) -> FolderScan:
    """Look at every name below a folder once.

    Parameters
    ----------
    root : Path
    pattern : str, optional
        The regular expression that paths are read by.
    most : int
        How many files are drawn at most.
    seed : int

    Raises
    ------
    InputError
        There is no such folder, it cannot be read, or no image is in it.
    """
    reader = PatternReader(pattern, seed=seed) if pattern is not None else None
    draw, size = Draw[ImageFile](most, seed=seed, purpose="files"), 0
    try:
        for file in track(walk(root), "names"):
            if not is_printable(file.path):
                continue  # the layout's reader names them
            size += file.size
            draw.offer(file.path, file)
            if reader is not None:
                reader.read(file.path)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}. Give a folder of images.") from error
    if not draw.offered:
        known = ", ".join(sorted(SUFFIXES))
        raise InputError(f"no image in {root}. Give another folder: images=PATH, with files of {known} at any depth.")
    return FolderScan(root, draw.offered, size, draw.drawn(), reader.result() if reader else None)
