"""Folders of identities: one a name, with links to its images, or copies."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from whosame.errors import StorageError
from whosame.naming.identity_table import IdentityRow

UNSAFE = dict.fromkeys(map(ord, '/\\:*?"<>|\0'), "_")  # not in a file's name, on any system
LONGEST = 100


def write_folders(rows: Iterable[IdentityRow], root: Path, folder: Path, how: Literal["links", "copies"]) -> int:
    """Write a folder an identity; images without one are left out. What is in the folder is replaced.

    Parameters
    ----------
    rows : iterable of IdentityRow
    root : Path
        The folder of the images.
    folder : Path
    how : str
        ``links``: absolute symbolic links, for this machine; ``copies``: files, which can be moved.

    Returns
    -------
    int
        How many folders.

    Raises
    ------
    StorageError
        The disk is full or cannot be written to, or an image is gone.
    """
    named = [row for row in rows if row.identity]
    folders = folder_names(row.identity for row in named)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        for name in folders.values():
            (folder / name).mkdir(parents=True)
        for row in named:
            place = folder / folders[row.identity] / row.path.replace("/", "__")
            source = (root / row.path).absolute()
            if how == "links":
                place.symlink_to(source)
            else:
                shutil.copy2(source, place)
    except OSError as error:
        raise StorageError(
            f"the folders of identities cannot be written: {error}. Free some space, restore the image, or leave the "
            "folders out with --params=export.folders=none"
        ) from error
    return len(folders)


def folder_names(identities: Iterable[str]) -> dict[str, str]:
    """Return the name of each identity's folder: its own without what no file's name has, and a number where two agree.

    Examples
    --------
    >>> folder_names(["a/b", "a:b", "7", ".."])
    {'..': '_', '7': '7', 'a/b': 'a_b', 'a:b': 'a_b-2'}
    """
    found: dict[str, str] = {}
    used: set[str] = set()  # in lower case: macOS knows no other
    for identity in sorted(set(identities)):
        plain = name = identity.translate(UNSAFE).strip(" .")[:LONGEST] or "_"
        number = 1
        while name.lower() in used:
            number += 1
            name = f"{plain}-{number}"
        used.add(name.lower())
        found[identity] = name
    return found
