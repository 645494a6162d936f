"""Round files: one round of a run as the cluster preview needs it, read from the run's folder."""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from whosame import artefacts
from whosame.data.indexing import find_manifest
from whosame.data.manifest import Manifest
from whosame.errors import StorageError, WhosameError
from whosame.memory import LabelMemory
from whosame.runs import Run, is_name
from whosame.tables import read_memory, with_found


class NoPreviewError(WhosameError):
    """The machine that serves the page lacks the files for a preview; the message says which."""


@dataclass(frozen=True, eq=False)
class RoundFiles:
    """Files of one round in a run's folder.

    Attributes
    ----------
    image_ids : int64 [N]
        Of the training images, ascending.
    vectors : float32 [N, D]
        The features that were clustered.
    labels : int64 [N]
        Clusters at the start of the round, -1 is an outlier.
    memory : LabelMemory
        What was known before any question, and the answers of earlier rounds.
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
            The run's unique id and its name: a run that was started again under the name is another.
        number : int
            The round, from 0.

        Raises
        ------
        NoPreviewError
            The run is on another machine or was started again, the round's features were pruned, or a file is damaged.
        """
        run = Run(runs / name)
        try:
            if not is_name(name) or run.about().get("uid") != run_uid:
                raise NoPreviewError(f"the folder of run {name!r} is not on the machine that serves this page")
            return cls._read(run, number, runs.parent)
        except FileNotFoundError as error:
            raise NoPreviewError(
                f"round {number + 1} has no clusters here any more: it was removed or pruned"
            ) from error
        except (OSError, ValueError, KeyError, BadZipFile, StorageError) as error:
            raise NoPreviewError(f"round {number + 1} of run {name!r} cannot be read here: {error}") from error

    @classmethod
    def _read(cls, run: Run, number: int, data: Path) -> "RoundFiles":
        about, folder = run.about(), run.round(number)
        labels = artefacts.read(folder / artefacts.CLUSTERS)
        vectors = artefacts.read(folder / artefacts.FEATURES)["vectors"]
        manifest = find_manifest(data, about["manifest"]["digest"], run.folder / artefacts.IMAGES)
        if manifest is None:
            raise NoPreviewError("the index of this run's images is not on the machine that serves this page")
        image_ids = manifest.image_ids("train")[: len(labels)]  # others may have been added since
        clustering = about["configuration"]["clustering"]
        if clustering["centre_cameras"]:
            from whosame.features.centring import centre_by_camera  # brings torch, seconds of the page's start

            vectors = centre_by_camera(vectors, manifest.cameras(image_ids))
        before = run.round(number - 1) / artefacts.MEMORY
        answers = artefacts.read(before) if clustering["reuse"] and before.exists() else None
        given = artefacts.read_if_whole(folder / artefacts.KNOWN)
        if (found := artefacts.read_if_whole(folder / artefacts.FOUND)) is not None and clustering["reuse"]:
            answers = with_found(answers, found, number)
        return cls(image_ids, vectors, labels, read_memory(answers, image_ids, given), manifest)
