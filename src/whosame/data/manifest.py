"""Manifest: one row an image, and its three views: training set, truth, test set."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whosame.atomic import writing
from whosame.errors import StorageError
from whosame.identities import UNKNOWN
from whosame.names import composed

SPLITS = ("train", "query", "gallery")

SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("split", pa.string()),
        ("camera", pa.int64()),
        ("identity", pa.int64()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("digest", pa.string()),
        ("name", pa.string()),
        ("encounter", pa.int64()),
        ("view", pa.string()),
    ],
)
DEFAULTS = {"name": "", "encounter": -1, "view": ""}  # of columns that the manifests of older versions lack


@dataclass(frozen=True, eq=False)
class Manifest:
    """The images of a data set, in the order of their sorted relative paths.

    Parameters
    ----------
    root : Path
        The folder that the paths are relative to.
    dataset : str
        Name of the data set.
    table : pandas.DataFrame, M rows, indexed by image_id 0..M-1
        ``path`` (relative, posix), ``split`` (train, query or gallery), ``camera`` (int64, -1 unknown), ``identity``
        (Int64, <NA> unknown, -1 junk, 0 distractor), ``height`` and ``width`` (int32, pixels, upright), ``digest``
        (blake2b-128 of the file's bytes, in hex), ``name`` (of the identity; empty where the layout has numbers only),
        ``encounter`` (int64, of a burst or track; -1: of none), ``view`` (the side that is seen; empty: unknown).
    notes : tuple of str
        Oddities that are no errors, each with its count.
    began : int, optional
        With how many of the images a run began, if others were added later: :mod:`whosame.data.growing`.
    """

    root: Path
    dataset: str
    table: pd.DataFrame
    notes: tuple[str, ...] = ()
    began: int | None = None

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def digest(self) -> str:
        """Digest of every row (blake2b-128, hex): all that results depend on, not the folder.

        A copy of the folder whose names have another Unicode form has the same digest.
        """
        columns = [
            map(composed, self.table["path"]),
            self.table["split"],
            self.cameras(),
            self.identities(),
            self.table["digest"],
        ]
        columns += [self.table[name] for name in ("encounter", "view") if (self.table[name] != DEFAULTS[name]).any()]
        rows = ("\0".join(map(str, row)) for row in zip(*columns, strict=True))
        return hashlib.blake2b("\n".join(rows).encode(), digest_size=16).hexdigest()

    def first(self, count: int) -> "Manifest":
        """Return the first images alone."""
        return Manifest(self.root, self.dataset, self.table.iloc[:count], self.notes, self.began)

    @cached_property
    def bytes_digest(self) -> str:
        """Digest of the images' bytes alone, in order: what the decoded pixels depend on."""
        return hashlib.blake2b("\n".join(self.table["digest"]).encode(), digest_size=16).hexdigest()

    def image_ids(self, split: str) -> NDArray[np.int64]:
        """Return the image_ids of a split ("train", "query" or "gallery"), ascending, int64 [n]."""
        return np.flatnonzero((self.table["split"] == split).to_numpy()).astype(np.int64)

    def cameras(self, image_ids: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the cameras of the images (default: all), int64 [n], -1 unknown."""
        cameras = self.table["camera"].to_numpy(np.int64)
        return cameras if image_ids is None else cameras[image_ids]

    def identities(self, image_ids: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the identities of the images (default: all), int64 [n], ``UNKNOWN`` = -2 for <NA>."""
        identities = self.table["identity"].to_numpy(np.int64, na_value=UNKNOWN)
        return identities if image_ids is None else identities[image_ids]

    def paths(self, image_ids: NDArray[np.int64] | None = None) -> list[Path]:
        """Return the paths of the images (default: all)."""
        paths = self.table["path"] if image_ids is None else self.table["path"].iloc[image_ids]
        return [self.root / path for path in paths]

    @property
    def about(self) -> dict[str, str]:
        """The metadata stored with the rows: root, dataset, notes (JSON), digest, digest of the paths as they are."""
        paths = hashlib.blake2b("\n".join(self.table["path"]).encode(), digest_size=16).hexdigest()
        notes, began = json.dumps(self.notes), json.dumps(self.began)
        about = {"root": str(self.root), "dataset": self.dataset, "notes": notes, "digest": self.digest, "paths": paths}
        return about | ({"began": began} if self.began is not None else {})

    def save(self, path: Path) -> None:
        """Write the manifest as a Parquet file.

        Raises
        ------
        StorageError
            The file cannot be written.
        """
        table = pa.Table.from_pandas(self.table, schema=SCHEMA, preserve_index=False)
        with writing(path) as file:
            pq.write_table(table.replace_schema_metadata(self.about), file)

    @classmethod
    def load(cls, path: Path) -> "Manifest":
        """Read a manifest that :meth:`save` wrote.

        Raises
        ------
        StorageError
            The file is missing or is no manifest.
        """
        try:
            stored = pq.read_table(path, memory_map=False)
            about = {key.decode(): value.decode() for key, value in (stored.schema.metadata or {}).items()}
            notes, began = tuple(json.loads(about["notes"])), json.loads(about.get("began", "null"))
            return cls(Path(about["root"]), about["dataset"], as_table(stored), notes, began)
        except (OSError, KeyError, ValueError) as error:  # pyarrow's errors are ValueErrors and OSErrors
            raise StorageError(f"no manifest can be read from {path}: {error}. Delete it and index again.") from error


def as_table(stored: pa.Table) -> pd.DataFrame:
    """Return the rows of an Arrow table with the manifest's columns and types."""
    for name, value in DEFAULTS.items():
        if name not in stored.column_names:
            stored = stored.append_column(name, pa.array([value] * len(stored), SCHEMA.field(name).type))
    table: pd.DataFrame = stored.select(SCHEMA.names).cast(SCHEMA).to_pandas(integer_object_nulls=True)
    table = table.astype({"identity": "Int64", "camera": np.int64})
    table.index.name = "image_id"
    return table


@dataclass(frozen=True, eq=False)
class TrainSet:
    """What strategies and training may know of the N training images: no identity.

    ``image_ids`` int64 [N], ascending; ``cameras`` int64 [N], -1 unknown; ``digests`` N strings; ``views`` N strings,
    empty where unknown, or none at all.
    """

    image_ids: NDArray[np.int64]
    cameras: NDArray[np.int64]
    digests: tuple[str, ...]
    views: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def view_numbers(self) -> NDArray[np.int64]:
        """The views as numbers, int64 [N], -1 where unknown."""
        names, numbers = np.unique(np.array(self.views or ("",) * len(self), str), return_inverse=True)
        return np.where(names[numbers] == "", -1, numbers)


@dataclass(frozen=True, eq=False)
class Truth:
    """The identities of the training images, for the oracle and the evaluation: int64 [N], -2 unknown."""

    identities: NDArray[np.int64]

    @property
    def known(self) -> bool:
        """Whether every training image has an identity."""
        return len(self.identities) > 0 and bool((self.identities != UNKNOWN).all())


@dataclass(frozen=True, eq=False)
class TestSet:
    """Queries and gallery, all int64: image_ids, identities (-1 junk, 0 distractor) and cameras. May be empty."""

    __test__ = False  # pytest collects classes named Test…

    query_ids: NDArray[np.int64]
    gallery_ids: NDArray[np.int64]
    query_identities: NDArray[np.int64]
    gallery_identities: NDArray[np.int64]
    query_cameras: NDArray[np.int64]
    gallery_cameras: NDArray[np.int64]


def split(manifest: Manifest, *, use_cameras: bool = True) -> tuple[TrainSet, Truth, TestSet]:
    """Split a manifest into training set, truth and test set.

    Test images without an identity are left out: their ranks cannot be scored.

    Parameters
    ----------
    manifest : Manifest
    use_cameras : bool
        Whether the training set has the cameras of the manifest; otherwise all of its cameras are unknown. The test set
        has them in any case.
    """
    train = manifest.image_ids("train")
    cameras = manifest.cameras(train) if use_cameras else np.full(len(train), -1, np.int64)
    query, gallery = (
        ids[manifest.identities(ids) != UNKNOWN] for ids in (manifest.image_ids("query"), manifest.image_ids("gallery"))
    )
    return (
        TrainSet(train, cameras, *(tuple(manifest.table[name].iloc[train]) for name in ("digest", "view"))),
        Truth(manifest.identities(train)),
        TestSet(
            query,
            gallery,
            manifest.identities(query),
            manifest.identities(gallery),
            manifest.cameras(query),
            manifest.cameras(gallery),
        ),
    )
