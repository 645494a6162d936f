"""A folder that grows while a run is played: images that came later are added behind those that the run knows.

Image ids, and with them rows, answers and files of earlier rounds, keep their meaning. What a reader numbers anew with
every image (identities, cameras) is translated to the numbers that the run has.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from whosame.data.manifest import Manifest
from whosame.errors import InputError, format_problems
from whosame.identities import DISTRACTOR
from whosame.names import composed

LOWEST = {"camera": 0, "identity": DISTRACTOR + 1, "encounter": 0}  # of the numbers that a reader gives


def extended(known: Manifest, found: Manifest, *, drawn: bool) -> Manifest:
    """Return the images that a run knows, unchanged and in its order, and behind them those that are new.

    Parameters
    ----------
    known : Manifest
        As the run has it.
    found : Manifest
        Of the folder as it is now.
    drawn : bool
        Whether the split is drawn, not named by the folder: then a new image of an individual of the test set belongs
        to the gallery, and every other one to the training set.

    Raises
    ------
    InputError
        An image is gone, or has other bytes; or its identity or camera is another one: each is named.
    """
    row_of = {composed(path): row for row, path in enumerate(found.table["path"])}
    rows = [row_of.get(composed(path), -1) for path in known.table["path"]]
    _refuse_changes(known, found, rows)
    added = found.table.drop(index=rows).copy()
    if added.empty:
        return Manifest(found.root, found.dataset, known.table, found.notes, known.began)
    for column in LOWEST.keys() & set(added):
        here = found.table[column].iloc[rows]
        added[column] = _translated(column, known.table[column], here, added[column], known.table["path"])
    if drawn:
        tested = known.table["identity"][known.table["split"] != "train"]
        added["split"] = np.where(added["identity"].isin(tested[tested > DISTRACTOR]), "gallery", "train")
    table = pd.concat([known.table, added], ignore_index=True).astype(known.table.dtypes.to_dict())
    table.index.name = "image_id"
    return Manifest(found.root, found.dataset, table, found.notes, known.began or len(known))


def _refuse_changes(known: Manifest, found: Manifest, rows: Sequence[int]) -> None:
    """Refuse a folder in which an image that the run knows is gone or has other bytes."""
    before = zip(known.table["path"], known.table["digest"], rows, strict=True)
    now = found.table["digest"].tolist()
    wrong = [
        f"{path}: {'gone' if row < 0 else 'other bytes'}"
        for path, digest, row in before
        if row < 0 or now[row] != digest
    ]
    if wrong:
        advice = "Restore them, or start another run (--params=run=NAME). New images may join at any time."
        raise InputError(format_problems(f"{len(wrong):,} images of the run have changed", wrong, advice))


def _translated(column: str, before: pd.Series, here: pd.Series, added: pd.Series, paths: pd.Series) -> pd.Series:
    """Return the numbers of new images as the run has them, those that it has not as new ones."""
    lowest = LOWEST[column]
    pairs = pd.DataFrame({"before": before.to_numpy(), "here": here.to_numpy(), "path": paths.to_numpy()})
    numbered = pairs[(pairs["before"] >= lowest) & (pairs["here"] >= lowest)]
    first = numbered.drop_duplicates("here")
    known = dict(zip(first["here"], first["before"], strict=True))
    odd = numbered[numbered["here"].map(known) != numbered["before"]]
    odd = pd.concat([odd, pairs[pairs["before"].ge(lowest).fillna(False) != pairs["here"].ge(lowest).fillna(False)]])
    if len(odd) or len(set(known.values())) < len(known):
        title = f"the {column} of images of the run is another one than when it was started"
        raise InputError(format_problems(title, odd["path"].tolist(), "Restore their names, or start another run."))
    highest = max([int(value) for value in known.values()], default=lowest - 1)
    new = sorted({int(value) for value in added.dropna() if value >= lowest and value not in known})
    known |= {value: highest + number for number, value in enumerate(new, start=1)}
    return added.map(lambda value: known.get(value, value), na_action="ignore").astype(added.dtype)
