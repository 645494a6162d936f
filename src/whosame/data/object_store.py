"""Folders in object stores, named by a URL of any scheme that fsspec knows: ``s3://``, ``gs://``, ``file://``, ….

Credentials and addresses are those that each scheme's package finds (s3fs: the AWS settings), never parameters.
"""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from whosame.errors import InputError
from whosame.progress import track, within

REPLY_SECONDS = 30.0  # for a first reply; stores' packages try again for minutes
LIST_SECONDS = 1800.0  # for the list of millions of files
STALL_SECONDS = 60.0  # in which no byte arrives, or no group of files is taken
AT_ONCE = 256  # files in one call, which the store's package does in parallel
VERSIONS = ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "created")  # what tells of a change
Listing = dict[str, list[Any]]  # of each file, by its path below the URL: size in bytes, version


def is_url(images: str) -> bool:
    """Return whether images are named by a URL, not by the path of a folder."""
    return "://" in images


def folder_name(url: str) -> str:
    """Return the last name of a URL: ``crops`` of ``s3://bucket/crops/``."""
    return PurePosixPath(url.rstrip("/")).name


class ObjectFolder:
    """A folder in an object store.

    Parameters
    ----------
    url : str
    parameter : str
        That it is the value of, for messages: ``images``.

    Raises
    ------
    InputError
        The scheme is unknown, or its package is not installed. Every method: the store does not reply, or refuses.
    """

    def __init__(self, url: str, parameter: str) -> None:
        import fsspec

        self._named = f"{parameter}={url}"
        try:
            self._store, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise InputError(
                f"{self._named} cannot be opened: {error}. s3:// needs the package s3fs, gs:// gcsfs: install it by pip"
            ) from error
        self._root = str(root).rstrip("/")

    def listed(self) -> Listing:
        """Return the files that are there now, sorted."""
        store = self._store
        try:
            store.invalidate_cache()
            within(REPLY_SECONDS, lambda: store.exists(self._root))
            found: Mapping[str, Mapping[str, Any]] = within(LIST_SECONDS, lambda: store.find(self._root, detail=True))
        except Exception as error:
            raise self._failure(error) from error
        return {
            path: [int(about["size"]), str(next((about[key] for key in VERSIONS if about.get(key)), ""))]
            for full, about in sorted(found.items())
            if _is_below(path := full.removeprefix(f"{self._root}/"))
        }

    def fetch(self, paths: Sequence[str], folder: Path) -> None:
        """Copy files into a folder of this machine; one that is there is whole."""
        beside = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        local = [beside / str(number) for number in range(len(paths))]
        try:
            call = partial(self._store.get, self._full(paths), [str(path) for path in local])
            within(STALL_SECONDS, call, partial(_bytes_in, beside))
        except Exception as error:
            raise self._failure(error) from error
        for path, got in zip(paths, local, strict=True):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            got.replace(folder / path)
        beside.rmdir()

    def send(self, paths: Sequence[str], folder: Path) -> None:
        """Copy files of a folder of this machine to the store, in their order group by group."""
        groups = [paths[at : at + AT_ONCE] for at in range(0, len(paths), AT_ONCE)]
        for group in track(groups, f"send {len(paths):,} files, in groups of {AT_ONCE}"):
            call = partial(self._store.put, [str(folder / path) for path in group], self._full(group))
            try:
                within(STALL_SECONDS * len(group), call)
            except Exception as error:
                raise self._failure(error) from error

    def _full(self, paths: Sequence[str]) -> list[str]:
        return [f"{self._root}/{path}" for path in paths]

    def _failure(self, error: Exception) -> InputError:
        """Return the error of a store that failed, of whatever kind: each package has its own."""
        reason = str(error) or type(error).__name__
        return InputError(
            f"{self._named} cannot be reached: {reason}\n"
            "Is the store at its address, and do the credentials allow this (for s3:// AWS_ENDPOINT_URL, AWS_PROFILE "
            "and the like)? What was copied is kept: the same command goes on."
        )


def _is_below(path: str) -> bool:
    """Return whether a file's path stays in the folder, and is not empty, as that of a folder's own entry is."""
    return path != "" and not path.startswith("/") and ".." not in PurePosixPath(path).parts


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())
