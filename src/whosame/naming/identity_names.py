"""Names of identities that stay the same from one table to the next."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.dbscan import OUTLIER


def name_identities(labels: NDArray[np.int64], paths: Sequence[str], earlier: Mapping[str, str]) -> list[str]:
    """Return each image's identity by name, empty for an outlier.

    An identity keeps the name under which most of its images were before; of two that had one name, the one with more
    images of it keeps it. The others are numbered on: no number that was ever in use means another individual.

    Parameters
    ----------
    labels : int64 [N]
        -1 is an outlier.
    paths : sequence of str, N long
    earlier : mapping of str to str
        Names by path, empty for outliers. They may have been edited.

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
    names: dict[int, str] = {OUTLIER: ""}
    taken: set[str] = set()
    for (label, name), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if label not in names and name not in taken:
            names[label] = name
            taken.add(name)
    number = max((int(name) for name in earlier.values() if name.isdecimal()), default=0)
    for label in np.unique(labels).tolist():
        if label not in names:
            number += 1
            names[label] = str(number)
    return [names[label] for label in labels.tolist()]
