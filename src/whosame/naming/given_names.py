"""Names that people gave on the page, written into the table of identities as if they had edited it."""

import csv
import io
from pathlib import Path

from sqlalchemy import func, select

from whosame import artefacts
from whosame.annotation.exchange.csv_format import cell, text_of
from whosame.annotation.review.names import given_names
from whosame.annotation.review.read_state import read_reviews
from whosame.annotation.review.read_table import last_review
from whosame.annotation.store.schema import reviews
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
    with store.reading() as connection:
        events = read_reviews(connection, uid)
        newest = connection.scalar(select(func.max(reviews.c.id)).where(reviews.c.run_uid == uid)) or 0
    if newest == last_review(run):
        return {}
    paths = manifest.table["path"].tolist()
    named = {earlier.get(paths[image], ""): name for image, name in given_names(events, last_review(run)).items()}
    taken = set(earlier.values())  # by an identity that answers have joined to it meanwhile
    renamed = {before: name for before, name in named.items() if before and name not in taken}
    if renamed:
        _rename(file, renamed)
    artefacts.write(run.folder / artefacts.IDENTITIES_REVIEWS, {"reviews": int(newest)})
    return renamed


def _rename(file: Path, renamed: dict[str, str]) -> None:
    rows = list(csv.reader(io.StringIO(file.read_text("utf-8-sig"), newline=""), strict=True))
    at = rows[0].index("identity")
    for row in rows[1:]:
        row[at] = cell(renamed.get(text_of(row[at]), text_of(row[at])))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    with writing(file) as opened:
        opened.write(text.getvalue().encode())
