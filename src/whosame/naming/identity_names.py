"""Names of identities that stay the same from one table to the next."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.dbscan import OUTLIER


def name_identities(
    labels: NDArray[np.int64], paths: Sequence[str], earlier: Mapping[str, str], fixed: Sequence[str] = ()
) -> list[str]:
    """Return each image's identity by name, empty for an outlier.

    An identity keeps the name under which most of its images were before; of two that had one name, the one with more
    images of it keeps it. The others are numbered on: no number that was ever in use means another individual. The
    names of a catalogue are fixed: an identity with an image of one has it, and no other identity.

    Parameters
    ----------
    labels : int64 [N]
        -1 is an outlier.
    paths : sequence of str, N long
    earlier : mapping of str to str
        Names by path, empty for outliers. They may have been edited.
    fixed : sequence of str, N long or empty
        Each image's name in the catalogue, empty where it has none; the labels obey it.

    Examples
    --------
    >>> name_identities(np.array([0, 0, 1, 1, -1]), ["a", "b", "c", "d", "e"], {"c": "1", "d": "1", "e": "2"})
    ['3', '3', '1', '1', '']
    """
    shared = Counter(
        (label, earlier[path])
        for label, path in zip(labels.tolist(), paths, strict=True)
        if label != OUTLIER and earlier.get(path)
    )
    fixed = fixed or [""] * len(paths)
    names = {label: name for label, name in zip(labels.tolist(), fixed, strict=True) if name} | {OUTLIER: ""}
    taken = set(fixed)
    for (label, name), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if label not in names and name not in taken:
            names[label] = name
            taken.add(name)
    number = max((int(name) for name in {*earlier.values(), *taken} if name.isdecimal()), default=0)
    for label in np.unique(labels).tolist():
        if label not in names:
            number += 1
            names[label] = str(number)
    return [name or names[label] for label, name in zip(labels.tolist(), fixed, strict=True)]
