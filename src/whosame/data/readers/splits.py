"""Test splits for images that come without one: whole identities, and queries among them."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from whosame.data.readers.base import NO_PERSON, FoundImage
from whosame.seeding import stream


def split_by_identity(
    people: Sequence[str | None], fraction: float, seed: int, *, special: Collection[str] = NO_PERSON.keys()
) -> list[str]:
    """Assign every image to training or to the gallery, no person to both.

    Parameters
    ----------
    people : sequence of str or None
        The name of the person in each image; unknown persons are for training.
    special : collection of str
        Names of junk and distractors: in the gallery, as in Market-1501, if any person is.
    fraction : float
        Share of the persons for the test set, rounded; at least one person is left for training.
    seed : int

    Returns
    -------
    list of str
        ``"train"`` or ``"gallery"`` for each image.
    """
    names = sorted({name for name in people if name is not None} - set(special))
    wanted = max(min(round(fraction * len(names)), len(names) - 1), 0)
    chosen = stream(seed, "folder", "held out").permutation(len(names))[:wanted]
    tested = {names[i] for i in chosen} | (set(special) if wanted else set())
    return ["gallery" if name in tested else "train" for name in people]


def draw_queries(images: Sequence[FoundImage], seed: int) -> tuple[list[FoundImage], int]:
    """Turn one gallery image of each person and camera into a query, unless there are queries already.

    The rule of Market-1501 (Zheng et al., ICCV 2015, section 3): a query for each camera a person was seen by. An
    image that is alone in its camera stays in the gallery, for the queries of the other cameras; a person without two
    images of one camera gives a single query.

    Returns
    -------
    images : list of FoundImage
        In the same order.
    drawn : int
        The number of new queries.
    """
    if any(image.split == "query" for image in images):
        return list(images), 0
    seen: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, image in enumerate(images):
        if image.split == "gallery" and image.person is not None:
            seen[image.person][image.camera].append(row)
    generator = stream(seed, "folder", "queries")
    queries = set()
    for person in sorted(seen):
        rows = [seen[person][camera] for camera in sorted(seen[person])]
        several = [row for row in rows if len(row) > 1]
        alone = [[row for camera in rows for row in camera]] if len(rows) > 1 else []
        queries |= {int(generator.choice(row)) for row in several or alone}
    turned = [image._replace(split="query") if row in queries else image for row, image in enumerate(images)]
    return turned, len(queries)
