"""Gallery: features, paths, names and answers of the images that are searched, in three files."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from whosame.artefacts import read
from whosame.atomic import writing
from whosame.errors import ResumeError, StorageError
from whosame.search.calibration import Calibration

FORMAT = 1
INDEX, TABLE, ABOUT = "gallery.faiss", "gallery.parquet", "gallery.json"

SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("split", pa.string()),
        ("camera", pa.int64()),
        ("identity", pa.string()),
        ("known", pa.string()),
        ("p", pa.float64()),
        ("individual", pa.int64()),
    ]
)


class ImageForm(NamedTuple):
    """How an image file becomes what the network takes.

    Attributes
    ----------
    height, width : int
        In pixels.
    resize : str
        ``bilinear`` or ``bicubic``.
    letterbox, invert : bool
        See :class:`whosame.data.pixels.PixelsConfig`.
    features : int
        0; D for a network that takes features of D numbers that were computed elsewhere, and no images.
    """

    height: int
    width: int
    resize: str
    letterbox: bool
    invert: bool
    features: int


@dataclasses.dataclass(frozen=True, eq=False)
class Gallery:
    """M images that are searched.

    Attributes
    ----------
    vectors : float32 [M, D]
        Features of length 1.
    paths : sequence of str, M long
        Relative to ``root``.
    splits : sequence of str, M long
        ``train``, ``query`` or ``gallery``.
    cameras : int64 [M]
        -1 where unknown.
    identities : sequence of str, M long
        By name; empty where none is known.
    known : sequence of str, M long
        How the identity is known, as in ``identities.csv``; empty for images of the test set.
    p : float64 [M]
        How probable it is; nan for images of the test set.
    individuals : int64 [M]
        The smallest row of the images that answers join with each: equal for two images if people have confirmed, or
        it follows from what they have confirmed, that these show one individual.
    root : str
        The folder of the images.
    run, code : str
        The run, and the version of whosame that made the gallery.
    round : int
        The last round whose training the network has.
    answers : int
        How many answers there were.
    form : ImageForm
    calibration : Calibration
    """

    vectors: NDArray[np.float32]
    paths: Sequence[str]
    splits: Sequence[str]
    cameras: NDArray[np.int64]
    identities: Sequence[str]
    known: Sequence[str]
    p: NDArray[np.float64]
    individuals: NDArray[np.int64]
    root: str
    run: str
    code: str
    round: int
    answers: int
    form: ImageForm
    calibration: Calibration

    def __len__(self) -> int:
        return len(self.paths)

    def save(self, folder: Path) -> list[Path]:
        """Write the three files; the last one is complete when the others are.

        Raises
        ------
        StorageError
            The disk is full or cannot be written to.
        """
        about = folder / ABOUT
        about.unlink(missing_ok=True)
        index = faiss.IndexFlatIP(self.vectors.shape[1])
        index.add(self.vectors)
        with writing(folder / INDEX) as file:
            file.write(faiss.serialize_index(index).tobytes())
        columns = [self.paths, self.splits, self.cameras, self.identities, self.known, self.p, self.individuals]
        arrays = [pa.array(column, type=field.type) for column, field in zip(columns, SCHEMA, strict=True)]
        with writing(folder / TABLE) as file:
            pq.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), file)
        content = {name: getattr(self, name) for name in ("root", "run", "code", "round", "answers")}
        content |= {"form": self.form._asdict(), "calibration": self.calibration._asdict(), "format": FORMAT}
        with writing(about) as file:
            file.write(json.dumps(content, indent=1).encode())
        return [folder / INDEX, folder / TABLE, about]

    @classmethod
    def load(cls, folder: Path) -> "Gallery":
        """Read the files.

        Raises
        ------
        FileNotFoundError
            There is no gallery, or not all of it.
        ResumeError
            Another version of whosame wrote it.
        StorageError
            A file is damaged, or they do not belong together.
        """
        about: dict[str, Any] = read(folder / ABOUT)
        if about.get("format") != FORMAT:
            raise ResumeError(
                f"{folder} was written by another version of whosame ({about.get('code', 'unknown')}): make it again "
                "with kedro search --fresh"
            )
        try:
            index = faiss.deserialize_index(np.frombuffer((folder / INDEX).read_bytes(), np.uint8))
            table = pq.read_table(folder / TABLE, memory_map=False)
            columns = {name: table.column(name) for name in SCHEMA.names}
            vectors = index.reconstruct_n(0, index.ntotal)
            if len(table) != len(vectors):
                raise ValueError(f"{len(table)} rows and {len(vectors)} features")  # noqa: TRY301
        except FileNotFoundError:
            raise
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise StorageError(
                f"the gallery in {folder} cannot be read: {error}. Make it again with kedro search --fresh"
            ) from error
        texts = {name: columns[name].to_pylist() for name in ("path", "split", "identity", "known")}
        return cls(
            vectors,
            texts["path"],
            texts["split"],
            columns["camera"].to_numpy(),
            texts["identity"],
            texts["known"],
            columns["p"].to_numpy(),
            columns["individual"].to_numpy(),
            **{name: about[name] for name in ("root", "run", "code", "round", "answers")},
            form=ImageForm(**about["form"]),
            calibration=Calibration.read(about["calibration"]),
        )
