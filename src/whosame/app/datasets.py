"""The artefacts of a round as Kedro datasets: written whole or not at all, and never twice."""

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from kedro.io import AbstractDataset

from whosame.atomic import writing
from whosame.errors import ResumeError
from whosame.features.extraction import Features
from whosame.training.checkpoint import Checkpoint


@dataclasses.dataclass(frozen=True)
class Form:
    """How one kind of artefact is turned into bytes and back."""

    write: Callable[[Any, io.BytesIO], object]
    read: Callable[[Path], Any]


def _write_arrays(arrays: dict[str, np.ndarray], file: io.BytesIO) -> None:
    np.savez(file, **arrays)  # type: ignore[arg-type]


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _write_features(features: Features, file: io.BytesIO) -> None:
    arrays: dict[str, Any] = {"vectors": features.vectors, "map_height": np.int64(features.map_height)}
    if features.vertical is not None:
        arrays["vertical"] = features.vertical
    _write_arrays(arrays, file)


def _read_features(path: Path) -> Features:
    arrays = _read_arrays(path)
    return Features(arrays["vectors"], arrays.get("vertical"), int(arrays["map_height"]))


FORMS = {
    "array": Form(lambda array, file: np.save(file, array, allow_pickle=False), np.load),
    "arrays": Form(_write_arrays, _read_arrays),
    "features": Form(_write_features, _read_features),
    "graph": Form(lambda graph, file: sp.save_npz(file, graph, compressed=False), sp.load_npz),
    "table": Form(lambda table, file: table.to_parquet(file), pd.read_parquet),
    "json": Form(
        lambda content, file: file.write(json.dumps(content, indent=1, sort_keys=True).encode()),
        lambda path: json.loads(path.read_text()),
    ),
    "picture": Form(lambda picture, file: file.write(picture), Path.read_bytes),
    "checkpoint": Form(lambda checkpoint, file: checkpoint.write(file), Checkpoint.load),
}


class Artefact(AbstractDataset[Any, Any]):  # type: ignore[misc]
    """A file of a round.

    Saving writes a temporary file, syncs it and renames it: a crash leaves the whole file or none, so that what exists
    can be trusted when a round is resumed. A file that exists is kept: artefacts are never overwritten, and a round
    made again makes the same.

    Parameters
    ----------
    filepath : str
        Where it lies, under the run and the round.
    form : str
        One of ``array, arrays, features, graph, table, json, picture, checkpoint``.
    optional : bool
        Whether a missing file is loaded as None: the round before the first one.
    metadata : dict, optional
        For kedro-viz.
    """

    def __init__(
        self, *, filepath: str, form: str, optional: bool = False, metadata: dict[str, Any] | None = None
    ) -> None:
        self._path = Path(filepath)
        self._form = FORMS[form]
        self._optional = optional
        self.metadata = metadata

    def load(self) -> Any:
        """Read the file."""
        if self._optional and not self._path.exists():
            return None
        try:
            return self._form.read(self._path)
        except FileNotFoundError:
            raise ResumeError(
                f"{self._path} is missing: it was removed or pruned. Fork a round that was kept, or begin another run."
            ) from None

    def save(self, data: Any) -> None:
        """Write the file, unless it is there."""
        if self._path.exists():
            return
        content = io.BytesIO()
        self._form.write(data, content)
        with writing(self._path) as file:
            file.write(content.getbuffer())

    def _exists(self) -> bool:
        return self._path.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._path.as_posix()}
