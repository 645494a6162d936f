"""The reviewed table: the newest identities of a run, and what was computed beside it, as the page needs them."""

import csv
import io
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whosame import artefacts
from whosame.annotation.exchange.csv_format import text_of
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.data.indexing import find_manifest
from whosame.errors import StorageError, WhosameError
from whosame.runs import Run, all_runs

NONE = -1  # the identity of an outlier
Rows = NDArray[np.int64]


class NoReviewError(WhosameError):
    """There is nothing to review; the message says why, and what to do."""


@dataclass(frozen=True, eq=False)
class ReviewedTable:
    """The identities of a run: a row an image, in the order of the image ids.

    Attributes
    ----------
    run_uid, run : str
    root : Path
        Folder of the images.
    overlap : int
        How many people each pair is shown to.
    image_ids : int64 [N]
        Ascending.
    paths, digests : list of str, N long
    names : list of str, C long
        Of the identities, sorted.
    labels : int64 [N]
        Identities 0..C-1; -1 is an outlier.
    p : float64 [N]
        Probability that the identity is right.
    answered : bool [N]
        Whether an answer or a catalogue says so.
    closeness : float32 [N]
        Similarity to the mean of the identity.
    near : int64 [C, K]
        For each identity the nearest others, the nearest first; -1: no more.
    digest : str
        Of the file.
    last_review : int
        Id of the last review that it takes into account; 0: of none.
    """

    run_uid: str
    run: str
    root: Path
    overlap: int
    image_ids: Rows
    paths: list[str]
    digests: list[str]
    names: list[str]
    labels: Rows
    p: NDArray[np.float64]
    answered: NDArray[np.bool_]
    closeness: NDArray[np.float32]
    near: Rows
    digest: str
    last_review: int

    def image_ref(self, row: int) -> ImageRef:
        """Return an image as the store keeps it."""
        return ImageRef(self.paths[row], self.digests[row])

    def row(self, image: int) -> int | None:
        """Return the row of an image id; None: the table lacks the image."""
        at = int(np.searchsorted(self.image_ids, image))
        return at if at < len(self.image_ids) and self.image_ids[at] == image else None


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
    closeness, near = _neighbours(run, digest, names, len(ids))
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
    )


def last_review(run: Run) -> int:
    """Return the id of the last review that a run's table takes into account; 0: of none."""
    kept = artefacts.read_if_whole(run.folder / artefacts.IDENTITIES_REVIEWS) or {}
    return int(kept.get("last_review", 0))


def _neighbours(run: Run, digest: str, names: list[str], n: int) -> tuple[NDArray[np.float32], Rows]:
    """Return closeness and near, where they belong to this table; else zeros, and no neighbours."""
    none = np.zeros(n, np.float32), np.empty((len(names), 0), np.int64)
    try:
        found: dict[str, Any] = artefacts.read(run.folder / artefacts.IDENTITIES_NEAR)
    except (FileNotFoundError, StorageError):
        return none
    if str(found["table"]) != digest or found["names"].tolist() != names or len(found["closeness"]) != n:
        return none
    return found["closeness"], found["near"]
