"""Changes of names from one table to the next: what caused each, and images that keep theirs for want of a cause."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from whosame.clustering.dbscan import OUTLIER, renumber
from whosame.memory import LabelMemory
from whosame.naming.names_before import NamesBefore, cores

Cause = Literal["renamed", "merge", "split", "answer", "moved", "left", "none", ""]
Labels = NDArray[np.int64]


class NameChange(NamedTuple):
    """An image whose name is another than in the table before.

    Attributes
    ----------
    path : str
    before, after : str
        ``after`` is empty where the image is in no identity any more.
    cause : str
        See :func:`causes`; ``renamed``: by people.
    p : float
        How probable the image's new place is.
    """

    path: str
    before: str
    after: str
    cause: Cause
    p: float


def causes(
    names: Sequence[str], before: NamesBefore, looks: NDArray[np.float64], memory: LabelMemory, clear: float
) -> list[Cause]:
    """Return what caused each image's name to change.

    Parameters
    ----------
    names : sequence of str, N long
        In the new table; empty for outliers.
    before : NamesBefore
    looks : float64 [N]
        How probable each image's place is, by its looks alone.
    memory : LabelMemory
        The answers.
    clear : float
        How probable a place must be for an image to go there without another cause.

    Returns
    -------
    list of str, N long
        Empty where the name is the same, or there was none before. The first that holds of:
        ``merge``: no image has the old name any more, and its core, most of its images, has this one;
        ``split``: no image had the new name before, and most of those that have it now and had another had this one;
        ``answer``: since the table before, an answer was given about the image or about one that answers join to it; or
        an answer keeps it from the images that have its old name now;
        ``moved``: it belongs to the new identity with at least ``clear``;
        ``left``: it belongs to none with at least ``clear``;
        ``none``.
    """
    core = cores(names, before.names)
    had, have = {*before.names}, {*names}
    out_of: dict[str, Counter[str]] = defaultdict(Counter)
    for old, now in zip(before.names, names, strict=True):
        if old and now not in had:
            out_of[now][old] += 1
    parent = {now: counts.most_common(1)[0][0] for now, counts in out_of.items()}
    roots = memory.must_link_roots(len(names))
    asked = {*roots[before.asked].tolist()}
    holders: dict[str, set[int]] = defaultdict(set)
    for name, root in zip(names, roots.tolist(), strict=True):
        holders[name].add(root)
    apart = _apart(memory)
    found: list[Cause] = []
    for row, (old, now) in enumerate(zip(before.names, names, strict=True)):
        root = int(roots[row])
        if not old or old == now:
            found.append("")
        elif now and old not in have and core.get(old) == now:
            found.append("merge")
        elif now and parent.get(now) == old:
            found.append("split")
        elif root in asked or (old in have and apart[root] & holders[old]):
            found.append("answer")
        elif looks[row] >= clear:
            found.append("moved" if now else "left")
        else:
            found.append("none")
    return found


def stay(
    labels: Labels,
    names: Sequence[str],
    before: NamesBefore,
    looks: NDArray[np.float64],
    memory: LabelMemory,
    clear: float,
) -> Labels:
    """Return the labels in which an image whose name would change without a cause stays with the core of its identity.

    Images that answers join stay together, and an image with a name in a catalogue has that.

    Parameters
    ----------
    labels : int64 [N]
        They obey the answers; -1 is an outlier.
    names, before, looks, memory, clear
        As for :func:`causes`; the names are those of the labels.

    Returns
    -------
    int64 [N]
        They obey the answers; clusters 0..C-1 by smallest row.
    """
    core = cores(names, before.names)
    roots = memory.must_link_roots(len(labels))
    cluster_of = {name: label for name, label in zip(names, labels.tolist(), strict=True) if name}
    units: dict[int, list[int]] = defaultdict(list)
    for row, cause in enumerate(causes(names, before, looks, memory, clear)):
        if cause == "none" and before.names[row] in core and not before.fixed[row]:
            units[int(roots[row])].append(row)
    kept, apart = labels.copy(), _apart(memory)
    for root, rows in units.items():
        members = np.flatnonzero(roots == root)
        there = cluster_of[core[before.names[rows[0]]]]
        if len(rows) == len(members) and not apart[root].intersection(roots[kept == there].tolist()):
            kept[members] = there
    sizes = np.bincount(kept[kept != OUTLIER], minlength=1)
    kept[(kept != OUTLIER) & (sizes[kept] < 2)] = OUTLIER
    inside = kept != OUTLIER
    kept[inside] = renumber(kept[inside])
    return kept


def _apart(memory: LabelMemory) -> dict[int, set[int]]:
    """Return the components that answers keep apart, by their roots."""
    apart: dict[int, set[int]] = defaultdict(set)
    for a, b in memory.cannot_links().tolist():
        apart[a].add(b)
        apart[b].add(a)
    return apart
