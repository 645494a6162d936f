"""Images in an object store: a copy on this machine, for which only new and changed files are fetched."""

import hashlib
import json
from pathlib import Path

from whosame.atomic import GIB, require_space, writing
from whosame.data.object_store import AT_ONCE, Listing, ObjectFolder, folder_name
from whosame.errors import InputError
from whosame.progress import track


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
        See :class:`ObjectFolder`; or there is no file.
    StorageError
        The disk has not enough space.
    """
    name = f"{folder_name(url)}_{hashlib.sha256(url.rstrip('/').encode()).hexdigest()[:12]}"
    folder = cache.resolve() / "01_raw" / name
    index = folder.with_name(f"{name}.json")
    store = ObjectFolder(url, "images")
    there = store.listed()
    if not there:
        raise InputError(f"images={url}: there is no file. Give the URL of the folder that holds the images.")
    here: Listing = json.loads(index.read_text()) if index.exists() else {}
    here = {path: about for path, about in here.items() if there.get(path) == about and (folder / path).exists()}
    missing = [path for path in there if path not in here]
    size = sum(there[path][0] for path in missing)
    require_space(folder, size, f"images of {url}", "take a part of them")
    groups = [missing[at : at + AT_ONCE] for at in range(0, len(missing), AT_ONCE)]
    for group in track(groups, f"fetch {len(missing):,} files, {size / GIB:.2f} GiB, in groups of {AT_ONCE}"):
        store.fetch(group, folder)
        here |= {path: there[path] for path in group}
        with writing(index) as file:
            file.write(json.dumps(here).encode())
    for path in {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - there.keys():
        (folder / path).unlink()
    return folder
