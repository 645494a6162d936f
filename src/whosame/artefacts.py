"""Artefacts of a run: the names of its files, and how files of each kind are written and read."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from whosame.atomic import writing
from whosame.errors import StorageError, WhosameError

# In the folder of a round, in the order of the pipeline; the catalog names the same files.
FEATURES = "features.npz"
KNOWN = "known.parquet"
FOUND = "found.parquet"
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
RETRIEVAL = "retrieval.npz"  # CMC and precision by recall
METRICS = "metrics.json"  # the last one: a round with metrics is complete
OF_A_ROUND = (
    *(
        FEATURES,
        KNOWN,
        FOUND,
        CLUSTERS,
        GRAPH,
        NEAREST,
        CLUSTERING_STATE,
        QUESTIONS,
        ANSWERS,
        MEMORY,
        STRATEGY_STATE,
        LABELS,
    ),
    *(PAIRS_PICTURE, CHECKPOINT, TRAINING_REPORT, SELECTION_SHARES, RETRIEVAL, METRICS),
)
HEAVY = (FEATURES, GRAPH, CHECKPOINT)  # what pruning removes

# Beside them, written when the round is complete.
TIMING = "timing.json"
MLFLOW_RUN = "mlflow.json"  # in the folder of the run too

# In the folder of the run.
RUN = "run.json"  # what the run was made from
IMAGES = "images.parquet"  # the images it knows, in the order of their ids
FORK = "fork.json"  # the run and the round that a fork continues
COMPARISON = "comparison.json"  # the comparison that the run was played for
LOCK = "lock"
AUDIT = "audit.json"  # how right these are
IDENTITIES = "identities.csv"  # which individual each image shows, after the last training
SEARCH = "search"  # a folder: the gallery that kedro search ranks
PICTURES = "pictures"  # a folder: map, curves, strips and clusters, as PNG files
PICTURES_PAGE = "pictures.html"  # all of them on a page
EXPORT = "export"  # a folder: what is written for use elsewhere
IDENTITIES_NEAR = "identities_near.npz"  # which identities are similar, for the page where they are reviewed
IDENTITIES_REVIEWS = "identities_reviews.json"  # the last review whose names the table has

NOT_MADE_AGAIN = (RUN, FORK)


@dataclass(frozen=True)
class Format:
    """How a value is turned into bytes and back."""

    write: Callable[[Any, io.BytesIO], object]
    read: Callable[[Path], Any]


def _read_json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict):
        raise ValueError("it holds no JSON object")  # noqa: TRY004  as for any other content
    return content


def _opened(read: Callable[[BinaryIO], Any]) -> Callable[[Path], Any]:
    """Return a reader that closes the file, also one that cannot be read."""

    def from_path(path: Path) -> Any:
        with path.open("rb") as file:
            return read(file)

    return from_path


def _read_arrays(file: BinaryIO) -> dict[str, np.ndarray]:
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


# Commands that read no graph and no table start without scipy and pandas.
def _write_graph(graph: Any, file: io.BytesIO) -> None:
    from scipy.sparse import save_npz

    save_npz(file, graph, compressed=False)


def _read_graph(file: BinaryIO) -> Any:
    from scipy.sparse import load_npz

    return load_npz(file)


def _read_table(path: Path) -> Any:
    from pandas import read_parquet

    return read_parquet(path)


FORMATS = {  # by file name or suffix
    GRAPH: Format(_write_graph, _opened(_read_graph)),
    ".npy": Format(lambda array, file: np.save(file, array, allow_pickle=False), _opened(np.load)),
    ".npz": Format(lambda arrays, file: np.savez(file, **arrays), _opened(_read_arrays)),
    ".parquet": Format(lambda table, file: table.to_parquet(file), _read_table),
    ".json": Format(
        lambda content, file: file.write(json.dumps(content, indent=1, sort_keys=True).encode()),
        _read_json,
    ),
    ".png": Format(lambda picture, file: file.write(picture), Path.read_bytes),
}


def format_of(path: Path) -> Format:
    """Return the format of a file, by its name or its suffix."""
    return FORMATS[path.name if path.name in FORMATS else path.suffix]


def read(path: Path, form: Format | None = None) -> Any:
    """Return the content of a file, in its own format or the one given.

    ``.npy``: an array; ``.npz``: a dictionary of arrays, for the graph a sparse matrix; ``.parquet``: a table;
    ``.json``: a dictionary; ``.png``: bytes.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    StorageError
        It is empty, damaged or unreadable; the message names it and says what to do.
    """
    try:
        return (form or format_of(path)).read(path)
    except (FileNotFoundError, MemoryError, WhosameError):
        raise
    except Exception as error:  # each format has errors of its own
        reason = "it is empty" if path.is_file() and path.stat().st_size == 0 else f"{type(error).__name__}: {error}"
        advice = (
            "Restore it from a backup, or remove the run: kedro runs remove NAME. Its answers stay in the label store."
            if path.name in NOT_MADE_AGAIN
            else "Delete it: the command that made it makes it again."
        )
        raise StorageError(f"{path} cannot be read: {reason}. {advice}") from error


def read_if_whole(path: Path) -> Any:
    """Return the content of a file that can be done without; None where it is missing or damaged."""
    try:
        return read(path)
    except (FileNotFoundError, StorageError):
        return None


def write(path: Path, value: Any, form: Format | None = None) -> None:
    """Write a file atomically, in its own format or the one given."""
    content = io.BytesIO()
    (form or format_of(path)).write(value, content)
    with writing(path) as file:
        file.write(content.getbuffer())
