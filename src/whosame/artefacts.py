"""Artefacts of a run: the names of its files, and how files of each kind are written and read."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import load_npz, save_npz

from whosame.atomic import writing

# In the folder of a round, in the order of the pipeline; the catalog names the same files.
FEATURES = "features.npz"
CLUSTERS = "clusters.npy"
GRAPH = "graph.npz"
NEAREST = "nearest.npy"
CLUSTERING_STATE = "clustering_state.json"
QUESTIONS = "questions.parquet"
ANSWERS = "answers.parquet"
MEMORY = "memory.parquet"
STRATEGY_STATE = "strategy_state.npz"
LABELS = "labels.npy"
PAIRS_PICTURE = "pairs.png"
CHECKPOINT = "checkpoint.pt"
TRAINING_REPORT = "training.json"
SELECTION_SHARES = "selection_shares.npy"  # p_j (DCPS, Fig. 2)
METRICS = "metrics.json"  # the last one: a round with metrics is complete
HEAVY = (FEATURES, GRAPH, CHECKPOINT)  # what pruning removes

# Beside them, written when the round is complete.
TIMING = "timing.json"
MLFLOW_RUN = "mlflow.json"  # in the folder of the run too

# In the folder of the run.
RUN = "run.json"  # what the run was made from
FORK = "fork.json"  # the run and the round that a fork continues
COMPARISON = "comparison.json"  # the comparison that the run was played for
LOCK = "lock"


@dataclass(frozen=True)
class Format:
    """How a value is turned into bytes and back."""

    write: Callable[[Any, io.BytesIO], object]
    read: Callable[[Path], Any]


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


FORMATS = {  # by file name or suffix
    GRAPH: Format(lambda graph, file: save_npz(file, graph, compressed=False), load_npz),
    ".npy": Format(lambda array, file: np.save(file, array, allow_pickle=False), np.load),
    ".npz": Format(lambda arrays, file: np.savez(file, **arrays), _read_arrays),
    ".parquet": Format(lambda table, file: table.to_parquet(file), pd.read_parquet),
    ".json": Format(
        lambda content, file: file.write(json.dumps(content, indent=1, sort_keys=True).encode()),
        lambda path: json.loads(path.read_text()),
    ),
    ".png": Format(lambda picture, file: file.write(picture), Path.read_bytes),
}


def format_of(path: Path) -> Format:
    """Return the format of a file, by its name or its suffix."""
    return FORMATS[path.name if path.name in FORMATS else path.suffix]


def read(path: Path) -> Any:
    """Return the content of a file.

    ``.npy``: an array; ``.npz``: a dictionary of arrays, for the graph a sparse matrix; ``.parquet``: a table;
    ``.json``: plain values; ``.png``: bytes.
    """
    return format_of(path).read(path)


def write(path: Path, value: Any, form: Format | None = None) -> None:
    """Write a file atomically, in its own format or the one given."""
    content = io.BytesIO()
    (form or format_of(path)).write(value, content)
    with writing(path) as file:
        file.write(content.getbuffer())
