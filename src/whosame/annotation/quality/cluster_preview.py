"""Contact sheets: the clusters of a pair's two images, as the round began and as its answers change them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whosame.annotation.quality.contradictions import Belief
from whosame.annotation.queue.image_tokens import ImageRef
from whosame.clustering import enforce
from whosame.clustering.dbscan import OUTLIER
from whosame.data.indexing import find_manifest
from whosame.data.manifest import Manifest
from whosame.errors import StorageError, WhosameError
from whosame.memory import LabelMemory
from whosame.runs import Run, is_name

SHOWN = 24  # images of a cluster on a sheet


class NotHereError(WhosameError):
    """The machine that serves the page does not have what a sheet is drawn from; the message says what."""


@dataclass(frozen=True)
class Group:
    """A cluster on a sheet.

    Attributes
    ----------
    images : tuple of int
        Image ids, the nearest to the pair first, at most :data:`SHOWN`.
    size : int
        Images of the whole cluster.
    outlier : bool
        Whether it is an image in no cluster.
    """

    images: tuple[int, ...]
    size: int
    outlier: bool = False


@dataclass(frozen=True)
class Sheet:
    """The clusters of two images before and after the answers of a round; one group where both are in it.

    Those with the pair come first. The groups after are parts of those before: what else the answers join to them
    is not on the sheet.
    """

    before: tuple[Group, ...]
    after: tuple[Group, ...]
    pictures: dict[int, ImageRef]

    @property
    def changed(self) -> bool:
        """Whether the answers change these clusters."""
        return self.before != self.after


@dataclass(frozen=True, eq=False)
class RoundFiles:
    """What the folder of a run knows of one round.

    Attributes
    ----------
    image_ids : int64 [N]
        Of the training images, ascending.
    vectors : float32 [N, D]
        What was clustered.
    labels : int64 [N]
        Clusters as the round began, -1 is an outlier.
    memory : LabelMemory
        What was known then.
    manifest : Manifest
    """

    image_ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    labels: NDArray[np.int64]
    memory: LabelMemory
    manifest: Manifest

    @classmethod
    def read(cls, runs: Path, run_uid: str, name: str, number: int) -> "RoundFiles":
        """Read a round of a run.

        Parameters
        ----------
        runs : Path
            ``data/runs`` of the project.
        run_uid, name : str
            The run's own mark and its name: a run that was begun anew under the name is another.
        number : int
            The round, from 0.

        Raises
        ------
        NotHereError
            The run is on another machine, was begun anew, the round's features were pruned, or a file is damaged.
        """
        run = Run(runs / name)
        try:
            if not is_name(name) or run.about().get("uid") != run_uid:
                raise NotHereError(f"the folder of run {name!r} is not on the machine that serves this page")
            return cls._read(run, number, runs.parent)
        except FileNotFoundError as error:
            raise NotHereError(f"round {number + 1} has no clusters here any more: it was removed or pruned") from error
        except (OSError, ValueError, KeyError, BadZipFile, StorageError) as error:
            raise NotHereError(f"round {number + 1} of run {name!r} cannot be read here: {error}") from error

    @classmethod
    def _read(cls, run: Run, number: int, data: Path) -> "RoundFiles":
        about, folder = run.about(), run.round(number)
        labels = np.load(folder / "clusters.npy", allow_pickle=False)
        with np.load(folder / "features.npz", allow_pickle=False) as arrays:
            vectors = arrays["vectors"]
        manifest = find_manifest(data, about["manifest"]["digest"])
        if manifest is None:
            raise NotHereError("the index of this run's images is not on the machine that serves this page")
        image_ids = manifest.image_ids("train")
        clustering = about["configuration"]["clustering"]
        if clustering["centre_cameras"]:
            from whosame.features.centring import centre_by_camera  # brings torch, seconds of the page's start

            vectors = centre_by_camera(vectors, manifest.cameras(image_ids))
        before = run.round(number - 1) / "memory.parquet"
        memory = LabelMemory()
        if clustering["reuse"] and before.exists():
            log = pd.read_parquet(before)
            a, b = (np.searchsorted(image_ids, log[side].to_numpy()) for side in ("image_a", "image_b"))
            memory = LabelMemory.from_log(a.tolist(), b.tolist(), log["verdict"].tolist())
        return cls(image_ids, vectors, labels, memory, manifest)


def contact_sheet(files: RoundFiles, pair: tuple[int, int], answers: Iterable[Belief]) -> Sheet:
    """Draw up the sheet of one pair.

    Parameters
    ----------
    files : RoundFiles
    pair : tuple of int
        Image ids of training images.
    answers : iterable of Belief
        What is believed of the round's pairs.

    Raises
    ------
    NotHereError
        The pair's images are none of the training images.
    """
    a, b = np.searchsorted(files.image_ids, pair).tolist()
    if max(a, b) >= len(files.image_ids) or files.image_ids[[a, b]].tolist() != list(pair):
        raise NotHereError("these two are not among the images that this run trains on here")
    memory = files.memory.copy()
    for answer in answers:
        one, other = np.searchsorted(files.image_ids, (answer.a, answer.b)).tolist()
        if answer.verdict != "unsure":
            memory.add(one, other, answer.verdict == "same")
    rows = _members(files.labels, (a, b))
    before = files.labels[rows]
    after = enforce(before, files.vectors[rows], _restricted(memory, rows, len(files.labels)))
    near = np.max(files.vectors[rows] @ files.vectors[[a, b]].T, axis=1)
    near[np.isin(rows, (a, b))] = np.inf  # the two themselves first, whatever is as near
    first, second = np.searchsorted(rows, (a, b)).tolist()
    drawn = [_groups(labels, near, (first, second), files.image_ids[rows]) for labels in (before, after)]
    shown = sorted({image for groups in drawn for group in groups for image in group.images})
    table = files.manifest.table
    pictures = {image: ImageRef(str(table["path"].iat[image]), str(table["digest"].iat[image])) for image in shown}
    return Sheet(drawn[0], drawn[1], pictures)


def _members(labels: NDArray[np.int64], pair: tuple[int, int]) -> NDArray[np.int64]:
    """Return the rows of the clusters of two rows, ascending."""
    clusters = [labels[row] for row in pair if labels[row] != OUTLIER]
    return np.union1d(np.flatnonzero(np.isin(labels, clusters)), pair)


def _restricted(memory: LabelMemory, rows: NDArray[np.int64], n: int) -> LabelMemory:
    """Return what a memory says about some rows among themselves, by their place, whatever ways lead outside."""
    roots = memory.must_link_roots(n)[rows].tolist()
    first: dict[int, int] = {}
    some = LabelMemory()
    for place, root in enumerate(roots):
        if first.setdefault(root, place) != place:
            some.add(first[root], place, same=True)
    for one, other in memory.cannot_links().tolist():
        if one in first and other in first:
            some.add(first[one], first[other], same=False)
    return some


def _groups(
    labels: NDArray[np.int64], near: NDArray[Any], pair: tuple[int, int], image_ids: NDArray[np.int64]
) -> tuple[Group, ...]:
    """Return the clusters, those with the pair first, then the largest; in each the nearest image first."""
    places = [np.flatnonzero(labels == label) for label in np.unique(labels[labels != OUTLIER])]
    places += [np.array([place]) for place in np.flatnonzero(labels == OUTLIER)]

    def order(part: NDArray[np.int64]) -> tuple[bool, bool, int, int]:
        return pair[0] not in part, pair[1] not in part, -len(part), int(part[0])

    groups = []
    for part in sorted(places, key=order):
        nearest = part[np.argsort(-near[part], kind="stable")]
        images = tuple(image_ids[nearest[:SHOWN]].tolist())
        groups.append(Group(images, len(part), bool(labels[part[0]] == OUTLIER)))
    return tuple(groups)
