"""Atomic file writes."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from whosame import operating_system
from whosame.errors import StorageError

GIB = 2**30
CANNOT_WRITE = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EACCES", "EPERM", "ENOTDIR", "EISDIR", "EEXIST")
}


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file that is renamed to ``path`` once everything is on the disk.

    An earlier file of that name is unchanged until then. The temporary file is ``<path>.partial``, locked by its
    writer: a second writer waits, and what a killed writer left is overwritten. Where the file
    system has no locks, one process at a time may write a file.

    Parameters
    ----------
    path : Path
        The file to write; missing folders are created.

    Yields
    ------
    file object, opened for binary reading and writing

    Raises
    ------
    StorageError
        The disk is full or cannot be written to.

    Examples
    --------
    >>> with writing(Path("numbers.txt")) as file:  # doctest: +SKIP
    ...     file.write(b"1 2 3")
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _open_locked(partial) as file:
            file.truncate(0)
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                partial.replace(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            raise
        raise StorageError(
            f"cannot write {path}: {error.strerror}. Free some space or give another folder; nothing was changed.",
        ) from error


def require_space(folder: Path, size: int, what: str, advice: str) -> None:
    """Check that a disk has room for something.

    Parameters
    ----------
    folder : Path
        Where it is to be; it need not exist yet.
    size : int
        In bytes.
    what, advice : str
        What is to be written, in the plural, and what else can be done if there is no room, for the message.

    Raises
    ------
    StorageError
        Too little is free.
    """
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(existing).free
    if size > free:
        raise StorageError(
            f"{what} need {size / GIB:.2f} GiB in {folder}, where {free / GIB:.2f} GiB are free. Free some space, or "
            f"{advice}."
        )


def _open_locked(path: Path) -> BinaryIO:
    """Open and lock a file; once more where another writer has renamed or removed it in the meantime."""
    while True:
        file = path.open("a+b")
        operating_system.lock(file, wait=True)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()
