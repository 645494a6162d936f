"""Checks of a data set before any work starts: errors, and oddities to report."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from whosame.data.readers.base import FoundImage
from whosame.errors import InputError, format_problems

MOST = 2**63 - 1  # of a number in a manifest


def check(images: Sequence[FoundImage], digests: Sequence[str], *, keep_duplicates: bool) -> list[str]:
    """Check identities, splits, cameras and bytes of all images against each other.

    Parameters
    ----------
    images : sequence of FoundImage
        Sorted by path.
    digests : sequence of str
        Of the images' bytes.
    keep_duplicates : bool
        Whether the same bytes under two identities are a note, not an error.

    Returns
    -------
    list of str
        The oddities, each with its count.

    Raises
    ------
    InputError
        Nothing to train on; a person in training and in test; the same bytes under two identities; images of one
        encounter under two identities.
    """
    if not any(image.split == "train" for image in images):
        raise InputError(f"none of the {len(images):,} images is for training. Check the folders or the expressions.")
    _check_disjoint(images)
    check_encounters([image.file.path for image in images], [e.encounter for e in images], [e.person for e in images])
    return [*_duplicates(images, digests, keep=keep_duplicates), *_leaks(images, digests), *_gaps(images)]


def check_numbers(images: Sequence[FoundImage]) -> None:
    """Check that identities and cameras are numbers that a manifest can hold.

    Raises
    ------
    InputError
        A reader gave others; the files are named.
    """
    wrong = [
        f"{image.file.path}: {what} {number}"
        for image in images
        for what, number in (("camera", image.camera), ("identity", image.identity))
        if number is not None and not -1 <= number <= MOST
    ]
    if wrong:
        advice = f"Both are whole numbers from -1 to {MOST}; the reader of a layout numbers other names itself."
        raise InputError(format_problems(f"{len(wrong)} numbers of images are out of range", wrong, advice))


def check_encounters(paths: Sequence[str], encounters: Sequence[int], individuals: Sequence[object]) -> None:
    """Check that no encounter has images of two individuals.

    Parameters
    ----------
    paths : sequence of str
    encounters : sequence of int
        A negative number: of none.
    individuals : sequence
        None where unknown.

    Raises
    ------
    InputError
        One or more have; an image of each individual is named.
    """
    seen: dict[int, dict[object, str]] = defaultdict(dict)
    for path, encounter, individual in zip(paths, encounters, individuals, strict=True):
        if encounter >= 0 and individual is not None:
            seen[encounter].setdefault(individual, path)
    mixed = [" and ".join(first.values()) for first in seen.values() if len(first) > 1]
    if mixed:
        advice = "Images of one group show one individual: change the group of folder.pattern, or mend the identities."
        title = f"{len(mixed)} groups have images under two identities or more, as in"
        raise InputError(format_problems(title, mixed, advice))


def _check_disjoint(images: Sequence[FoundImage]) -> None:
    first: dict[bool, dict[int, str]] = {True: {}, False: {}}
    for image in images:
        if image.person is not None:
            first[image.split == "train"].setdefault(image.person, image.file.path)
    both = sorted(set(first[True]) & set(first[False]))
    if both:
        named = [f"{first[True][person]} and {first[False][person]}" for person in both]
        advice = "Retrieval is measured on people never trained on: move all images of a person to one side."
        raise InputError(format_problems(f"{len(both)} identities are in training and in test, as in", named, advice))


def _duplicates(images: Sequence[FoundImage], digests: Sequence[str], *, keep: bool) -> list[str]:
    groups: dict[str, list[FoundImage]] = defaultdict(list)
    for image, digest in zip(images, digests, strict=True):
        groups[digest].append(image)
    several, copies = [], 0
    for group in groups.values():
        people: dict[int, str] = {}
        for image in group:
            if image.person is not None:
                people.setdefault(image.person, image.file.path)
        if len(people) > 1:
            several.append(" = ".join(people.values()))
        else:
            copies += len(group) - 1
    if several and not keep:
        advice = "One of the identities is wrong: remove a file, or take them as they are with duplicates=keep."
        raise InputError(format_problems(f"{len(several)} images are there under two identities", several, advice))
    notes = [f"{len(several):,} images are there under two identities (duplicates=keep)"] if several else []
    return [*notes, f"{copies:,} files are copies of another of the same or of no known person"] if copies else notes


def _leaks(images: Sequence[FoundImage], digests: Sequence[str]) -> list[str]:
    pairs = list(zip(images, digests, strict=True))
    trained = {digest: image.file.path for image, digest in pairs if image.split == "train"}
    leaks = [(image, trained[digest]) for image, digest in pairs if image.split != "train" and digest in trained]
    if not leaks:
        return []
    splits = Counter(image.split for image, _ in leaks)
    counted = f"{splits['query']:,} queries and {splits['gallery']:,} gallery images"
    first, copy = leaks[0]
    return [f"{counted} are training images, byte for byte, as {first.file.path} = {copy}: retrieval looks too good"]


def _gaps(images: Sequence[FoundImage]) -> list[str]:
    notes = []
    splits = Counter(image.split for image in images)
    cameras = Counter(image.camera for image in images)
    unknown = sum(image.identity is None for image in images)
    missing = [split for split in ("query", "gallery") if not splits[split]]
    if missing:
        notes.append(f"0 images in {' and '.join(missing)}" + (": retrieval is not measured" if missing[1:] else ""))
    if len(cameras) == 1 and -1 not in cameras:
        notes.append(f"all {len(images):,} images are of one camera ({next(iter(cameras))})")
    elif len(cameras) > 1 and cameras[-1]:
        notes.append(f"{cameras[-1]:,} images are of no known camera")
    if unknown:
        notes.append(f"{unknown:,} of {len(images):,} images have no identity: no oracle answers for them")
    return notes
