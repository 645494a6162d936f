"""What is known of the training images before any answer: individuals of a catalogue, encounters of the layout."""

from pathlib import Path

import pandas as pd

from whosame.data.checks import check_encounters
from whosame.data.manifest import Manifest
from whosame.errors import InputError, format_problems
from whosame.identities import is_person
from whosame.known import IDENTITIES
from whosame.known.catalogue import read_catalogue
from whosame.names import composed
from whosame.tables import known_table


def gather_known(manifest: Manifest, catalogue: str | None, project: Path) -> pd.DataFrame:
    """Return what is known of the training images, as :func:`~whosame.tables.known_table` has it.

    Parameters
    ----------
    manifest : Manifest
    catalogue : str or None
        The path of a CSV file, or ``identities``: those of the manifest.
    project : Path
        A relative path begins here.

    Raises
    ------
    InputError
        The catalogue cannot be read, names images that do not exist, gives an image or an encounter two identities, or
        no training image one. All problems are in one message.
    """
    ids = manifest.image_ids("train")
    rows = manifest.table.iloc[ids]
    if catalogue is None:
        names = [""] * len(ids)
    elif catalogue == IDENTITIES:
        numbers = manifest.identities(ids)
        given = zip(rows["name"], numbers.tolist(), is_person(numbers).tolist(), strict=True)
        names = [(name or str(number)) if person else "" for name, number, person in given]
        if not any(names):
            raise InputError("catalogue=identities, but the layout reads no identity of a training image")
    else:
        names = _of_file(manifest, rows, project / Path(catalogue).expanduser(), catalogue)
    check_encounters(rows["path"].tolist(), rows["encounter"].tolist(), [name or None for name in names])
    return known_table(ids, names, rows["encounter"].tolist())


def _of_file(manifest: Manifest, rows: pd.DataFrame, file: Path, typed: str) -> list[str]:
    found = read_catalogue(file)
    paths = {composed(path) for path in manifest.table["path"]}
    lacking = [f"{path}: no such image" for path in found.identities if path not in paths]
    names = [found.identities.get(composed(path), "") for path in rows["path"]]
    problems = [*found.problems, *lacking, *_copies(rows, names)]
    if not problems and not any(names):
        problems = ["no row gives a training image an identity"]
    if problems:
        title = f"catalogue={typed} has {len(problems)} problem{'s' if len(problems) > 1 else ''}"
        advice = (
            "Its columns are path, below the folder of the images, and identity. An image has one identity; one whose "
            "identity is not known is left out."
        )
        raise InputError(format_problems(title, problems, advice))
    return names


def _copies(rows: pd.DataFrame, names: list[str]) -> list[str]:
    """Return a problem for each file content that has two identities."""
    first: dict[str, tuple[str, str]] = {}
    problems = []
    for path, digest, name in zip(rows["path"], rows["digest"], names, strict=True):
        if name:
            other, as_name = first.setdefault(digest, (path, name))
            if as_name != name:
                problems.append(f"{other} = {path}, the same file content: {as_name!r} and {name!r}")
    return problems
