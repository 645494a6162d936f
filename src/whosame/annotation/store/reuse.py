"""Answer reuse: people's answers of earlier runs to pairs of the same images, found by the digests of their bytes."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from whosame.annotation.store.schema import NOT_UNDONE, answer_events
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import stamp
from whosame.annotation.store.uids import AUDIT
from whosame.questions import Kind

AT_ONCE = 10_000  # answers; a query has at most 32,766 values


@dataclass(frozen=True)
class Pair:
    """Two images of the manifest, ``image_a < image_b``, with the digests of their bytes, and the kind of question."""

    image_a: int
    image_b: int
    digest_a: str
    digest_b: str
    kind: Kind


def find_earlier(store: LabelStore, run_uid: str, run: str, number: int, pairs: Iterable[Pair]) -> int:
    """Copy to a run people's answers of other runs to pairs of the same images.

    The copies belong to this run, which therefore stays the same whatever happens to the others, unless a person undoes
    an answer: its copies are undone with it. Of each person the newest answer is copied, each once; none for pairs that
    have an answer of this run's own, be it undone. Answers to a second or third attempt are not copied, and none that
    were given in an audit: nothing is trained on these.

    Parameters
    ----------
    store : LabelStore
    run_uid, run : str
        The run that asks.
    number : int
        Its round.
    pairs : iterable of Pair

    Returns
    -------
    int
        How many answers were copied.

    Raises
    ------
    StorageError
        The database is gone, locked, full or read-only.
    """
    with store.reading() as connection:
        found = {pair: answers for pair in pairs if (answers := _elsewhere(connection, run_uid, pair))}
    if not found:
        return 0
    with store.writing() as connection:
        here = _Here(connection, run_uid)
        new = [
            here.copy(row, run, number, pair)
            for pair, answers in found.items()
            for row in answers
            if here.may_copy(row.id, pair.image_a, pair.image_b)
        ]
        if new:
            connection.execute(answer_events.insert(), new)
    return len(new)


def find_all_earlier(
    store: LabelStore,
    run_uid: str,
    run: str,
    number: int,
    images: Mapping[str, int],
    *,
    without: Collection[tuple[int, int]] = (),
) -> int:
    """Copy to a run people's answers of other runs, and of imported files, to all pairs of its images.

    The rules are those of :func:`find_earlier`. All human answers of the store are read once.

    Parameters
    ----------
    store : LabelStore
    run_uid, run : str
        The run that begins a round.
    number : int
        Its round.
    images : mapping of str to int
        Image ids by the digests of their bytes.
    without : collection of (int, int)
        Pairs of image ids, smaller first, that are left out.

    Returns
    -------
    int
        How many answers were copied.

    Raises
    ------
    StorageError
        The database is gone, locked, full or read-only.
    """
    events = answer_events.c
    everywhere = (
        select(events.id, events.digest_a, events.digest_b, events.annotator)  # not the rest: there may be a million
        .where(events.run_uid != run_uid, events.source == "human", events.attempt == 1)
        .where(events.found_in.is_(None), NOT_UNDONE, ~events.run_uid.startswith(AUDIT))
        .order_by(events.id)
    )
    with store.writing() as connection:
        here = _Here(connection, run_uid)
        newest: dict[tuple[int, int, str], int] = {}
        for event, digest_a, digest_b, annotator in connection.execute(everywhere):
            a, b = images.get(digest_a, -1), images.get(digest_b, -1)
            pair = (a, b) if a < b else (b, a)
            if pair[0] >= 0 and a != b and pair not in without and here.may_copy(event, *pair):
                newest[*pair, annotator] = event
        wanted = sorted(newest.values())
        for begin in range(0, len(wanted), AT_ONCE):
            some = select(answer_events).where(events.id.in_(wanted[begin : begin + AT_ONCE])).order_by(events.id)
            rows = connection.execute(some).all()
            values = [here.copy(row, run, number, _in_order(row, images)) for row in rows]
            connection.execute(answer_events.insert(), values)
    return len(wanted)


def _in_order(row: Any, images: Mapping[str, int]) -> Pair:
    (a, digest_a), (b, digest_b) = sorted((images[digest], digest) for digest in (row.digest_a, row.digest_b))
    return Pair(a, b, digest_a, digest_b, row.kind)


def _elsewhere(connection: Connection, run_uid: str, pair: Pair) -> Sequence[Any]:
    """Return the answers of other runs to a pair of images, the newest of each person, in order."""
    events = answer_events.c
    same = and_(events.digest_a == pair.digest_a, events.digest_b == pair.digest_b)
    turned = and_(events.digest_a == pair.digest_b, events.digest_b == pair.digest_a)
    query = (
        select(answer_events)
        .where(or_(same, turned), events.run_uid != run_uid, events.source == "human", events.attempt == 1)
        .where(events.found_in.is_(None), NOT_UNDONE, ~events.run_uid.startswith(AUDIT))
        .order_by(events.id)
    )
    newest = {row.annotator: row for row in connection.execute(query)}
    return sorted(newest.values(), key=lambda row: row.id)


class _Here:
    """The answers that a run has, undone ones too."""

    def __init__(self, connection: Connection, run_uid: str) -> None:
        self._run_uid = run_uid
        of = answer_events.c
        query = select(of.image_a, of.image_b, of.annotator, of.found_in, (~NOT_UNDONE).label("undone"))
        rows = connection.execute(query.where(of.run_uid == run_uid)).all()
        self._copied = {row.found_in for row in rows}
        self._answered = {(row.image_a, row.image_b) for row in rows if row.found_in is None or not row.undone}
        self._given = Counter((row.image_a, row.image_b, row.annotator) for row in rows)

    def may_copy(self, event: int, image_a: int, image_b: int) -> bool:
        """Return whether an answer is new here; one that was undone here is not, and a pair may have others."""
        return event not in self._copied and (image_a, image_b) not in self._answered

    def copy(self, row: Any, run: str, number: int, pair: Pair) -> dict[str, Any]:
        """Return the columns of a copy."""
        return {
            **vars(pair),
            "run_uid": self._run_uid,
            "run": run,
            "round": number,
            "verdict": row.verdict,
            "source": "human",
            "annotator": row.annotator,
            "attempt": 1,
            "revision": self._given[pair.image_a, pair.image_b, row.annotator],
            "seconds": row.seconds,
            "answered_at": stamp(time.time()),
            "settles": row.settles,
            "found_in": row.id,
        }
