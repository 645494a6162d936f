"""From names to the numbers of the manifest, the same way in every reader that has names."""

from collections.abc import Iterable

from whosame.data.manifest import JUNK


def number_identities(names: Iterable[str | None]) -> dict[str, int]:
    """Give the names of persons the numbers 1, 2, … in sorted order; ``-1`` is junk, as in Market-1501.

    Examples
    --------
    >>> number_identities(["Greek/character02", "Greek/character01", None, "-1"])
    {'-1': -1, 'Greek/character01': 1, 'Greek/character02': 2}
    """
    persons = sorted({name for name in names if name is not None} - {"-1"})
    return {"-1": JUNK} | {name: number for number, name in enumerate(persons, start=1)}


def number_cameras(names: Iterable[str | None]) -> dict[str, int]:
    """Take cameras that are all digits as the numbers they are, any others as 1, 2, … in sorted order.

    Examples
    --------
    >>> number_cameras(["02", "11", None]), number_cameras(["hall", "door"])
    ({'02': 2, '11': 11}, {'door': 1, 'hall': 2})
    """
    cameras = sorted({name for name in names if name is not None})
    if all(name.isdecimal() for name in cameras):
        return {name: int(name) for name in cameras}
    return {name: number for number, name in enumerate(cameras, start=1)}
