"""Names of the table before: what the next one keeps, and which images were asked about since."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class NamesBefore:
    """The table before, for N training images.

    Attributes
    ----------
    names : list of str, N long
        As people have edited them; empty for outliers, and where there was no table.
    fixed : list of str, N long
        Each image's name in a catalogue, empty where it has none.
    asked : bool [N]
        Whether answers about the image were given, or undone, since.
    """

    names: list[str]
    fixed: list[str]
    asked: NDArray[np.bool_]

    @cached_property
    def by_row(self) -> dict[str, str]:
        """Names by row, as if rows were paths."""
        return {str(row): name for row, name in enumerate(self.names)}


def cores(names: Sequence[str], earlier: Sequence[str]) -> dict[str, str]:
    """Return under which name the core of each earlier identity is now: its own, or that of most of its images.

    An identity of which every image is an outlier now has none.
    """
    into: dict[str, Counter[str]] = defaultdict(Counter)
    for before, now in zip(earlier, names, strict=True):
        if before and now:
            into[before][now] += 1
    have = {*names}
    return {before: before if before in have else counts.most_common(1)[0][0] for before, counts in into.items()}
