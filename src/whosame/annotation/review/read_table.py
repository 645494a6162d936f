"""Reading of the reviewed table: which run is reviewed, and the files that its table is in."""

import csv
import io
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame import artefacts
from whosame.annotation.exchange.csv_format import text_of
from whosame.annotation.review.table import NONE, ReviewedTable, Rows
from whosame.data.indexing import find_manifest
from whosame.errors import StorageError, WhosameError
from whosame.questions import Known
from whosame.runs import Run, all_runs
from whosame.tables import known_names, read_known


class NoReviewError(WhosameError):
    """There is nothing to review; the message says why, and what to do."""


def reviewed_run(runs: Path, run_uid: str | None) -> Run:
    """Return the run with a uid, or the one whose table of identities is the newest.

    Raises
    ------
    NoReviewError
    """
    tables = {run: run.folder / artefacts.IDENTITIES for run in all_runs(runs)} if runs.is_dir() else {}
    if run_uid is not None:
        tables = {run: table for run, table in tables.items() if run.about().get("uid") == run_uid}
        if not tables:
            raise NoReviewError("this run is not in the folder of the runs on the machine that serves the page")
    written = {run: table.stat().st_mtime for run, table in tables.items() if table.exists()}
    if not written:
        name = next(iter(tables)).name if run_uid is not None else "RUN"
        raise NoReviewError(f"there are no identities yet: after a round is complete, type kedro identities {name}")
    return max(written, key=lambda run: (written[run], run.name))


def read_table(run: Run, data: Path) -> ReviewedTable:
    """Read the newest table of identities of a run.

    Parameters
    ----------
    run : Run
    data : Path
        The project's data folder, which has the index of the images.

    Raises
    ------
    NoReviewError
        There is no table, it was changed, or the index of the images is gone.
    """
    file = run.folder / artefacts.IDENTITIES
    about = run.about()
    manifest = find_manifest(data, about.get("manifest", {}).get("digest", ""), run.folder / artefacts.IMAGES)
    if manifest is None:
        raise NoReviewError("the index of this run's images is not on the machine that serves the page")
    try:
        content = file.read_bytes()
        rows = {
            text_of(row["path"]): row for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        }
        ids = [image for image in manifest.image_ids("train").tolist() if manifest.table["path"].iat[image] in rows]
        paths = manifest.table["path"].iloc[ids].tolist()
        given = [rows[path] for path in paths]
        named = [text_of(row["identity"]) for row in given]
        p = np.array([float(row["p"]) for row in given])
        sure = np.array([row["known"] in ("answered", "catalogue", "encounter") for row in given], bool)
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise NoReviewError(
            f"{file.name} of run {run.name} cannot be read ({error!r}): type kedro identities {run.name}"
        ) from error
    names = sorted({name for name in named if name})
    number = {name: label for label, name in enumerate(names)}
    digest = blake2b(content, digest_size=16).hexdigest()
    closeness, near, varied = _neighbours(run, digest, names, len(ids))
    known, catalogue = _known(run, np.array(ids, np.int64))
    return ReviewedTable(
        run_uid=about.get("uid", ""),
        run=run.name,
        root=(data.parent / manifest.root),
        overlap=int(about.get("configuration", {}).get("annotator_options", {}).get("overlap", 1)),
        image_ids=np.array(ids, np.int64),
        paths=paths,
        digests=manifest.table["digest"].iloc[ids].tolist(),
        names=names,
        labels=np.array([number.get(name, NONE) for name in named], np.int64),
        p=p,
        answered=sure,
        closeness=closeness,
        near=near,
        digest=digest,
        last_review=last_review(run),
        varied=varied,
        known=known,
        catalogue=catalogue,
    )


def last_review(run: Run) -> int:
    """Return the id of the last review that a run's table takes into account; 0: of none."""
    kept = artefacts.read_if_whole(run.folder / artefacts.IDENTITIES_REVIEWS) or {}
    return int(kept.get("reviews", 0))


def _known(run: Run, image_ids: Rows) -> tuple[Known | None, dict[int, str]]:
    """Return what is known before any answer, as the newest round has it, and the names of the catalogue by row."""
    number = run.completed()
    table = artefacts.read_if_whole(run.round(number) / artefacts.KNOWN)
    if table is None and number:
        table = artefacts.read_if_whole(run.round(number - 1) / artefacts.KNOWN)
    if table is None:
        return None, {}
    table = table[table["image_id"].isin(image_ids)]
    rows = np.searchsorted(image_ids, table["image_id"].to_numpy())
    names = known_names(table)
    found = {
        row: names[image]
        for row, image in zip(rows.tolist(), table["image_id"].tolist(), strict=True)
        if image in names
    }
    return read_known(table, image_ids), found


def _neighbours(run: Run, digest: str, names: list[str], n: int) -> tuple[NDArray[np.float32], Rows, Rows]:
    """Return closeness, near and varied, where they belong to this table; else zeros, and no neighbours."""
    nothing = np.empty((len(names), 0), np.int64)
    try:
        found: dict[str, Any] = artefacts.read(run.folder / artefacts.IDENTITIES_NEAR)
    except (FileNotFoundError, StorageError):
        found = {}
    if str(found.get("table")) != digest or found["names"].tolist() != names or len(found["closeness"]) != n:
        return np.zeros(n, np.float32), nothing, nothing
    return found["closeness"], found["near"], found.get("varied", nothing)
