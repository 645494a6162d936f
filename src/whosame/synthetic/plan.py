"""Plan of the data set: the person, camera and file of every image."""

from dataclasses import dataclass

import numpy as np

from whosame.identities import DISTRACTOR, JUNK
from whosame.seeding import stream
from whosame.synthetic.config import SyntheticConfig

TRAIN, QUERY, GALLERY = "bounding_box_train", "query", "bounding_box_test"
MEAN_CAMERAS_SHARE = 5 / 6  # share of the cameras that see an identity


@dataclass(frozen=True)
class Shot:
    """One image to draw.

    Attributes
    ----------
    path : str
        Relative to the data set's folder, named as Market-1501 names its images.
    identity : int
        As in the file name: 1 and up, 0 a distractor, -1 junk.
    person : int
        The person drawn: 1 and up, also where ``identity`` is junk; 0 is a person outside the data set.
    camera : int
        1 and up.
    """

    path: str
    identity: int
    person: int
    camera: int


def plan(config: SyntheticConfig) -> list[Shot]:
    """Plan the whole data set.

    Returns
    -------
    list of Shot
        As many in each folder as configured, each path once. Identities of the training
        folder are 1..T, those of the test folders T+1 and up. An identity with two images or more in a folder is
        seen by two cameras or more, where there are two.
    """
    counts = config.counts
    rng = stream(config.seed, "synthetic", "plan")
    first_test = counts.train_identities + 1
    train = _pairs(1, counts.train_identities, config.cameras, rng)
    test = _pairs(first_test, counts.test_identities, config.cameras, rng)
    people = counts.gallery_images - counts.distractor_images - counts.junk_images
    shots = _shots(TRAIN, _allocate(train, counts.train_images, rng), rng)
    shots += _shots(QUERY, _allocate(test, counts.query_images, rng), rng)
    # the gallery begins with each identity's second camera, so that a few images suffice for the first query
    shots += _shots(GALLERY, _allocate(_second_first(test), people, rng), rng)
    for identity, images in ((DISTRACTOR, counts.distractor_images), (JUNK, counts.junk_images)):
        cameras = rng.integers(1, config.cameras + 1, images)
        persons = rng.integers(first_test, first_test + max(1, counts.test_identities), images) * -identity
        rows = [(int(p), int(c)) for p, c in zip(persons, cameras, strict=True)]
        shots += _shots(GALLERY, rows, rng, identity)
    return shots


def _pairs(first: int, identities: int, cameras: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return pairs (identity, camera): the first cameras of all identities come before the second ones."""
    wanted = np.clip(rng.binomial(cameras, MEAN_CAMERAS_SHARE, identities), min(2, cameras), cameras)
    ranked = [
        (rank, first + i, int(camera))
        for i in range(identities)
        for rank, camera in enumerate(rng.permutation(cameras)[: wanted[i]] + 1)
    ]
    return [(identity, camera) for _, identity, camera in sorted(ranked, key=lambda row: row[0])]


def _second_first(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    identities = len({identity for identity, _ in pairs})
    return pairs[identities : 2 * identities] + pairs[:identities] + pairs[2 * identities :]


def _allocate(pairs: list[tuple[int, int]], images: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Assign one image to every pair, as far as there are images, and the rest to pairs at random."""
    if images <= len(pairs) or not pairs:
        return pairs[:images]
    extra = rng.integers(len(pairs), size=images - len(pairs))
    return pairs + [pairs[i] for i in extra]


def _shots(
    folder: str, rows: list[tuple[int, int]], rng: np.random.Generator, identity: int | None = None
) -> list[Shot]:
    """Name the images; frame numbers are drawn without replacement, so that names are unique."""
    span = max(100_000, 4 * len(rows))
    frames = rng.choice(span, size=len(rows), replace=False)
    start = {TRAIN: 0, QUERY: 1, GALLERY: 2}[folder]  # residues apart: a frame belongs to one folder only
    shots = []
    for (person, camera), frame in zip(rows, frames, strict=True):
        named = person if identity is None else identity
        label = f"{named:04d}" if named >= 0 else str(named)
        path = f"{folder}/{label}_c{camera}s1_{3 * int(frame) + start:06d}_00.jpg"
        shots.append(Shot(path, named, max(person, 0), camera))
    return shots
