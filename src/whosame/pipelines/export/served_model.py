"""Model of MLflow: images as base64 or paths to features and the nearest individuals. MLflow runs this file itself.

It needs the packages numpy, faiss, pyarrow, pillow and onnxruntime, and the part of whosame that is beside it.
"""

import base64
import binascii
import os
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from whosame.errors import InputError
from whosame.search.ranking import rank
from whosame.search.searcher import Searcher

TOP = 5
PATHS = "WHOSAME_PATHS"  # "no": images come as base64 only, no file of the server's machine is read


class SearchModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """Features of images, and the individuals of the gallery that are nearest to them."""

    def load_context(self, context: Any) -> None:
        """Load network and gallery."""
        self._searcher = Searcher.load(Path(context.artifacts["model"]))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return a row a query: query, nobody_near, features, nearest."""
        del context
        top = int((params or {}).get("top", TOP))
        if self._searcher.gallery.form.features:
            given = np.array(model_input["features"].tolist(), np.float32)
            names = [str(row) for row in range(len(given))]
            vectors, rankings = self._searcher.embed(given), self._searcher.search_features(given, names, top)
        else:
            images = {f"row {row}": _content(value) for row, value in enumerate(model_input["image"].tolist())}
            vectors = self._searcher.features(images)
            rankings = rank(self._searcher.gallery, vectors, list(images), top)
        return pd.DataFrame(
            {
                "query": [ranking.query for ranking in rankings],
                "nobody_near": [ranking.nobody_near for ranking in rankings],
                "features": [vector.astype(float).tolist() for vector in vectors],
                "nearest": [
                    [
                        {
                            "identity": hit.identity,
                            "score": hit.score,
                            "path": hit.path,
                            "camera": -1 if hit.camera is None else hit.camera,
                            "images": hit.images,
                        }
                        for hit in ranking.hits
                    ]
                    for ranking in rankings
                ],
            }
        )


def _content(value: str | bytes) -> bytes:
    """Return an image's bytes: of a file where the value is the path of one, otherwise decoded from base64."""
    if isinstance(value, bytes):
        return value
    if os.environ.get(PATHS) != "no" and len(value) < 4096 and Path(value).is_file():
        return Path(value).read_bytes()
    try:
        return base64.b64decode(value.partition(",")[2] if value.startswith("data:") else value, validate=True)
    except binascii.Error as error:
        raise InputError(f"{value[:80]!r} is no file and no base64: {error}") from error


mlflow.models.set_model(SearchModel())
