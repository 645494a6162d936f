"""Undo of answers from the terminal: of an import, of a person, about a pair; also of rounds that have ended."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from whosame.annotation.queue.withdraw import withdraw
from whosame.annotation.store import audit_log
from whosame.annotation.store.schema import NOT_UNDONE, answer_events, review_undos, reviews
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp
from whosame.annotation.store.uids import AUDIT
from whosame.errors import InputError

IMPORT_PREFIX = "import-"  # of the uids of imports, which are no runs


@dataclass(frozen=True)
class Chosen:
    """Which answers are undone: those to which everything applies that is given.

    Attributes
    ----------
    run_uid : str or None
        Of a run.
    import_uid : str or None
        Of an import: :func:`import_uid`.
    annotator : str or None
        Who gave them.
    pair : tuple of int, or None
        Image ids of the run, the smaller first.
    """

    run_uid: str | None = None
    import_uid: str | None = None
    annotator: str | None = None
    pair: tuple[int, int] | None = None

    def query(self) -> Select[tuple[int]]:
        """Select the ids of the answers of people that are chosen and not undone."""
        of = answer_events.c
        query = select(of.id).where(of.source == "human", NOT_UNDONE)
        if self.run_uid is not None:
            query = query.where(of.run_uid == self.run_uid)
        if self.import_uid is not None:
            kept = of.run_uid.in_([self.import_uid, AUDIT + self.import_uid])
            query = query.where(or_(kept, of.session == self.import_uid))
        if self.annotator is not None:
            query = query.where(of.annotator == self.annotator)
        if self.pair is not None:
            query = query.where(of.image_a == self.pair[0], of.image_b == self.pair[1])
        return query


def import_uid(content: bytes) -> str:
    """Return the uid under which the answers of a file are kept."""
    return IMPORT_PREFIX + hashlib.sha256(content).hexdigest()[:16]


def import_uid_of(file: Path) -> str:
    """Return the uid of the answers of a file.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        return import_uid(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}") from error


def count_chosen(store: LabelStore, chosen: Chosen) -> int:
    """Return how many answers would be undone."""
    with store.reading() as connection:
        return len(_ids(connection, chosen))


def undo_answers(store: LabelStore, chosen: Chosen, *, now: Callable[[], float] = time.time) -> int:
    """Undo answers, and their copies in other runs, in one transaction; return how many were undone.

    Of an import the names that it gave are undone too.

    The answers stay in the store. Runs begin their next round without them; what a network has learnt from them stays.

    Parameters
    ----------
    store : LabelStore
    chosen : Chosen
    now : callable
        Returns the time, s since the epoch.
    """
    with store.writing() as connection:
        at = now()
        undone = withdraw(connection, _ids(connection, chosen), audit_log.TERMINAL, now=at)
        undone += _undo_reviews(connection, chosen, at)
        if undone:
            details: dict[str, Any] = {name: value for name, value in vars(chosen).items() if value is not None}
            audit_log.record(connection, audit_log.TERMINAL, "undid answers", {**details, "answers": undone})
    return undone


def _undo_reviews(connection: Connection, chosen: Chosen, at: float) -> int:
    """Undo the reviews that an import of names has made; return how many of them gave a name."""
    if chosen.import_uid is None or chosen.pair is not None:
        return 0
    undone = select(review_undos.c.review_id)
    own = select(reviews).where(reviews.c.session == chosen.import_uid, reviews.c.id.not_in(undone))
    if chosen.annotator is not None:
        own = own.where(reviews.c.annotator == chosen.annotator)
    rows = connection.execute(own).all()
    values = [{"review_id": row.id, "annotator": row.annotator, "undone_at": stamp(at)} for row in rows]
    if values:
        connection.execute(review_undos.insert(), values)
    return sum(row.form == "name" for row in rows)


def _ids(connection: Connection, chosen: Chosen) -> list[int]:
    return list(connection.scalars(chosen.query()))
