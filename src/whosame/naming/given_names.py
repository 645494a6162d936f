"""Names that people gave on the page, written into the table of identities as if they had edited it."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, func, select

from whosame import artefacts
from whosame.annotation.exchange.csv_format import cell, text_of
from whosame.annotation.review.names import given_names
from whosame.annotation.review.read_state import read_reviews
from whosame.annotation.review.read_table import last_review
from whosame.annotation.store.schema import review_undos, reviews
from whosame.annotation.store.store import LabelStore
from whosame.atomic import writing
from whosame.data.manifest import Manifest
from whosame.naming.identity_table import read_identities
from whosame.runs import Run


def write_given_names(run: Run, store: LabelStore, manifest: Manifest) -> dict[str, str]:
    """Rename the identities of a run's table as people have named them since it was written.

    Parameters
    ----------
    run : Run
    store : LabelStore
    manifest : Manifest
        Of the run's images.

    Returns
    -------
    dict of str to str
        The new names by the old ones. Nothing is written where there are none, or no table.

    Raises
    ------
    InputError
        The file is no table of identities.
    """
    file, uid = run.folder / artefacts.IDENTITIES, run.about().get("uid", "")
    earlier = read_identities(file)
    if not earlier or not uid:
        return {}
    kept = artefacts.read_if_whole(run.folder / artefacts.IDENTITIES_REVIEWS) or {}
    with store.reading() as connection:
        events = read_reviews(connection, uid)
        own = select(reviews.c.id).where(reviews.c.run_uid == uid)
        newest = {
            "reviews": int(connection.scalar(select(func.max(reviews.c.id)).where(reviews.c.run_uid == uid)) or 0),
            "undos": int(
                connection.scalar(select(func.max(review_undos.c.id)).where(review_undos.c.review_id.in_(own))) or 0
            ),
        }
        undone = _undone_names(connection, uid, last_review(run), int(kept.get("undos", 0)))
    if newest == {"reviews": 0, "undos": 0} | kept:
        return {}
    paths = manifest.table["path"].tolist()
    names = _Names(earlier)
    for given, before in undone:
        names.take_back(given, before)
    for image, name in given_names(events, last_review(run)).items():
        names.give(earlier.get(paths[image], ""), name)
    renamed = {before: now for before, now in names.now.items() if before != now}
    if renamed:
        _rename(file, renamed)
    artefacts.write(run.folder / artefacts.IDENTITIES_REVIEWS, newest)
    return renamed


def _undone_names(connection: Connection, uid: str, last: int, last_undo: int) -> list[tuple[str, str]]:
    """Return the names in the table that were undone since, and the name before each; the newest first."""
    of = reviews.c
    query = select(of.name, of.identity).join(review_undos, review_undos.c.review_id == of.id)
    query = query.where(of.run_uid == uid, of.form == "name", of.id <= last, review_undos.c.id > last_undo)
    return [(name, before) for name, before in connection.execute(query.order_by(of.id.desc()))]


class _Names:
    """The names of a table as they change: ``now`` by the names that are written."""

    def __init__(self, earlier: Mapping[str, str]) -> None:
        self.now = {name: name for name in earlier.values() if name}

    def give(self, written: str, name: str) -> None:
        """Give an identity another name, unless an identity that answers have joined to it has that."""
        if written and name not in self.now.values():
            self.now[written] = name

    def take_back(self, given: str, before: str) -> None:
        """Give the identity of a name its name before, or a new number where another identity has that by now."""
        written = next((written for written, name in self.now.items() if name == given), None)
        if written is not None:
            numbers = [int(name) for name in {*self.now, *self.now.values()} if name.isdecimal()]
            self.now[written] = before if before not in self.now.values() else str(max(numbers, default=0) + 1)


def _rename(file: Path, renamed: dict[str, str]) -> None:
    rows = list(csv.reader(io.StringIO(file.read_text("utf-8-sig"), newline=""), strict=True))
    at = rows[0].index("identity")
    for row in rows[1:]:
        row[at] = cell(renamed.get(text_of(row[at]), text_of(row[at])))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    with writing(file) as opened:
        opened.write(text.getvalue().encode())
