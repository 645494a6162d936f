"""Images in an object store: a copy on this machine, for which only new and changed files are fetched.

A URL is of any scheme that fsspec knows: ``s3://``, ``gs://``, ``file://``, …. Credentials and addresses are found as
each scheme's package finds them (s3fs: the AWS settings), never in the parameters.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from whosame.atomic import GIB, require_space, writing
from whosame.data.patience import within
from whosame.errors import InputError
from whosame.progress import track

REPLY_SECONDS = 30.0  # for a first reply; stores' packages try again for minutes
LIST_SECONDS = 1800.0  # for the list of millions of files
STALL_SECONDS = 60.0  # between two files that arrive
AT_ONCE = 256  # files fetched in one call, which the store's package does in parallel
VERSIONS = ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "created")  # what tells of a change
Listing = dict[str, list[Any]]  # of each file, by its path below the URL: size in bytes, version


def is_url(images: str) -> bool:
    """Return whether images are named by a URL, not by the path of a folder."""
    return "://" in images


def folder_name(url: str) -> str:
    """Return the last name of a URL: ``crops`` of ``s3://bucket/crops/``."""
    return PurePosixPath(url.rstrip("/")).name


def fetched(url: str, cache: Path) -> Path:
    """Return a folder with the files below a URL, fetching those that are new or have changed.

    Parameters
    ----------
    url : str
        Of a folder.
    cache : Path
        The project's data folder; the copy is in its ``01_raw``. Files that are gone from the store are removed from
        it. What is fetched is kept, also where the store fails in between.

    Raises
    ------
    InputError
        The scheme or its package is unknown, the store does not reply, refuses, or has no file there.
    StorageError
        The disk has not enough space.
    """
    name = f"{folder_name(url)}_{hashlib.sha256(url.encode()).hexdigest()[:12]}"
    folder = cache.resolve() / "01_raw" / name
    index = folder.with_name(f"{name}.json")
    store, root = _open(url)
    there = _listed(store, root, url)
    if not there:
        raise InputError(f"images={url}: there is no file. Give the URL of the folder that holds the images.")
    here: Listing = json.loads(index.read_text()) if index.exists() else {}
    here = {path: about for path, about in here.items() if there.get(path) == about and (folder / path).exists()}
    missing = [path for path in there if path not in here]
    size = sum(there[path][0] for path in missing)
    require_space(folder, size, f"images of {url}", "take a part of them")
    groups = [missing[at : at + AT_ONCE] for at in range(0, len(missing), AT_ONCE)]
    for group in track(groups, f"fetch {len(missing):,} files, {size / GIB:.2f} GiB, in groups of {AT_ONCE}"):
        _fetch(store, root, url, group, folder)
        here |= {path: there[path] for path in group}
        _save(here, index)
    for path in {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - there.keys():
        (folder / path).unlink()
    return folder


def _open(url: str) -> tuple[Any, str]:
    import fsspec

    try:
        store, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise InputError(
            f"images={url} cannot be opened: {error}. s3:// needs the package s3fs, gs:// gcsfs; install it with pip."
        ) from error
    return store, str(root)


def _listed(store: Any, root: str, url: str) -> Listing:
    try:
        store.invalidate_cache()
        within(REPLY_SECONDS, lambda: store.exists(root))
        found: Mapping[str, Mapping[str, Any]] = within(LIST_SECONDS, lambda: store.find(root, detail=True))
    except Exception as error:
        raise _failure(url, error) from error
    base = root.rstrip("/") + "/"
    return {
        path: [int(about["size"]), str(next((about[key] for key in VERSIONS if about.get(key)), ""))]
        for full, about in sorted(found.items())
        if _is_below(path := full.removeprefix(base))
    }


def _is_below(path: str) -> bool:
    """Return whether a file's path stays in the folder, and is not empty, as that of a folder's own entry is."""
    return path != "" and not path.startswith("/") and ".." not in PurePosixPath(path).parts


def _fetch(store: Any, root: str, url: str, paths: Sequence[str], folder: Path) -> None:
    """Fetch files beside the folder first: one that is there is whole."""
    beside = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    local = [beside / str(number) for number in range(len(paths))]
    beside.mkdir(parents=True)
    try:
        remote = [f"{root.rstrip('/')}/{path}" for path in paths]
        arrived = partial(_bytes_in, beside)
        within(STALL_SECONDS, lambda: store.get(remote, [str(path) for path in local]), arrived)
    except Exception as error:
        raise _failure(url, error) from error
    for path, got in zip(paths, local, strict=True):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        got.replace(folder / path)
    beside.rmdir()


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _failure(url: str, error: Exception) -> InputError:
    """Return the error of a store that failed, of whatever kind: each package has its own."""
    reason = str(error) or type(error).__name__
    return InputError(
        f"images={url} cannot be read: {reason}\n"
        "Is the store reachable at its address, and do the credentials allow reading (for s3:// AWS_ENDPOINT_URL, "
        "AWS_PROFILE and the like)? What was fetched is kept: the same command goes on."
    )


def _save(listing: Listing, index: Path) -> None:
    with writing(index) as file:
        file.write(json.dumps(listing).encode())
