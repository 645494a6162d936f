"""The Kedro dataset of a round's artefacts: written atomically, and never twice."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from kedro.io import AbstractDataset

from whosame import artefacts
from whosame.artefacts import Format
from whosame.errors import ResumeError
from whosame.features.extraction import Features
from whosame.training.checkpoint import Checkpoint


def _write_features(features: Features, file: io.BytesIO) -> None:
    arrays: dict[str, Any] = {"vectors": features.vectors, "map_height": np.int64(features.map_height)}
    if features.vertical is not None:
        arrays["vertical"] = features.vertical
    np.savez(file, **arrays)


def _read_features(path: Path) -> Features:
    arrays = artefacts.read(path)
    return Features(arrays["vectors"], arrays.get("vertical"), int(arrays["map_height"]))


OBJECTS = {
    artefacts.FEATURES: Format(_write_features, _read_features),
    artefacts.CHECKPOINT: Format(lambda checkpoint, file: checkpoint.write(file), Checkpoint.load),
}


class Artefact(AbstractDataset[Any, Any]):  # type: ignore[misc]
    """A file of a round.

    Saving writes a temporary file, syncs it and renames it: a crash leaves the whole file or none, so that a file that
    exists can be trusted when a round is resumed. Artefacts are never overwritten: a round made again makes the same.

    Parameters
    ----------
    filepath : str
        Under the folders of run and round. The file's name decides its format, see :mod:`whosame.artefacts`.
    optional : bool
        Whether a missing file is loaded as None: the round before the first one.
    metadata : dict, optional
        For kedro-viz.
    """

    def __init__(self, *, filepath: str, optional: bool = False, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self._format = OBJECTS.get(self._path.name) or artefacts.format_of(self._path)
        self._optional = optional
        self.metadata = metadata

    def load(self) -> Any:
        """Read the file."""
        if self._optional and not self._path.exists():
            return None
        try:
            return artefacts.read(self._path, self._format)
        except FileNotFoundError:
            raise ResumeError(
                f"{self._path} is missing: it was removed or pruned. Fork a round that was kept, or start another run."
            ) from None

    def save(self, data: Any) -> None:
        """Write the file, unless it exists."""
        if not self._path.exists():
            artefacts.write(self._path, data, self._format)

    def _exists(self) -> bool:
        return self._path.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._path.as_posix()}
