"""Image tokens: the random names under which the page shows the images of a run."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from whosame.annotation.store.schema import images
from whosame.annotation.store.store import INSERT, LabelStore, chunks


@dataclass(frozen=True)
class ImageRef:
    """An image of a question: its path under the run's root, and the digest of its bytes."""

    path: str
    digest: str


def image_tokens(store: LabelStore, run_uid: str, image_refs: Mapping[int, ImageRef]) -> dict[int, str]:
    """Return the random names of a run's images on the page; images without one get one.

    An annotator who learnt a token would still not be sent the image: the page sends them their own pairs' only.
    """
    known = known_tokens(store, run_uid, image_refs)
    if missing := image_refs.keys() - known.keys():
        with store.writing() as connection:
            known |= add_images(connection, run_uid, {image: image_refs[image] for image in missing})
    return known


def known_tokens(store: LabelStore, run_uid: str, ids: Collection[int]) -> dict[int, str]:
    """Return the random names of those of a run's images that have one."""
    with store.reading() as connection:
        return _tokens(connection, run_uid, ids)


def add_images(connection: Connection, run_uid: str, image_refs: Mapping[int, ImageRef]) -> dict[int, str]:
    """Add images to those that a run shows, each with a random token, and return all tokens; known ones keep theirs."""
    rows = [
        {"run_uid": run_uid, "image": image, **vars(image_refs[image]), "token": secrets.token_urlsafe(16)}
        for image in sorted(image_refs)
    ]
    if rows:
        insert = INSERT[connection.dialect.name](images)
        connection.execute(insert.on_conflict_do_nothing(index_elements=["run_uid", "image"]), rows)
    return _tokens(connection, run_uid, image_refs)


def _tokens(connection: Connection, run_uid: str, ids: Collection[int]) -> dict[int, str]:
    known: dict[int, str] = {}
    for chunk in chunks(sorted(ids)):
        query = select(images.c.image, images.c.token).where(images.c.run_uid == run_uid, images.c.image.in_(chunk))
        known |= {int(image): str(token) for image, token in connection.execute(query)}
    return known
