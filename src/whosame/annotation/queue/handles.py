"""Handles for pictures that nobody was asked about: what a coordinator sees of a cluster."""

import secrets
from collections.abc import Mapping

from sqlalchemy import select

from whosame.annotation.queue.tasks import Picture
from whosame.annotation.store.schema import pictures
from whosame.annotation.store.store import INSERT, LabelStore, portions


def handles(store: LabelStore, run_uid: str, images: Mapping[int, Picture]) -> dict[int, str]:
    """Return what the page calls these images of a run, giving a random handle to those that have none.

    An annotator who learnt a handle would still not be sent the picture: the page sends them their own pairs' only.
    """
    known = _known(store, run_uid, images)
    if missing := sorted(images.keys() - known.keys()):
        rows = [
            {"run_uid": run_uid, "image": image, **vars(images[image]), "handle": secrets.token_urlsafe(16)}
            for image in missing
        ]
        with store.writing() as connection:
            insert = INSERT[connection.dialect.name](pictures)
            connection.execute(insert.on_conflict_do_nothing(index_elements=["run_uid", "image"]), rows)
        known = _known(store, run_uid, images)
    return known


def _known(store: LabelStore, run_uid: str, images: Mapping[int, Picture]) -> dict[int, str]:
    known: dict[int, str] = {}
    with store.reading() as connection:
        for portion in portions(sorted(images)):
            query = select(pictures.c.image, pictures.c.handle).where(pictures.c.run_uid == run_uid)
            query = query.where(pictures.c.image.in_(portion))
            known |= {int(row.image): str(row.handle) for row in connection.execute(query)}
    return known
