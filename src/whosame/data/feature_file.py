"""Files of features computed elsewhere: ``.npy`` in the order of the images, ``.parquet`` with their paths."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from whosame.atomic import writing
from whosame.data.manifest import Manifest
from whosame.errors import InputError, format_problems
from whosame.names import composed

PATH = "path"
BLOCK = 4096  # images at a time
SUFFIXES = (".npy", ".parquet")

Rows = NDArray[np.floating]


def dimension_of(path: str) -> int:
    """Return D, how many numbers a feature has.

    Raises
    ------
    InputError
        There is no such file, or it holds no features.
    """
    file = _existing(path)
    if file.suffix == ".npy":
        return int(_npy(file).shape[1])
    names, size = _columns(file)
    return size or len(names)


def keep_features(path: str, manifest: Manifest, kept: Path) -> Path:
    """Write the features of a manifest's images to a file, float16 [M, D, 1, 1], each of length √D.

    Parameters
    ----------
    path : str
        ``.npy``: float [M, D], a row an image, in the order of sorted paths, whatever order the manifest has.
        ``.parquet``: a column ``path``, relative to the folder, and either one column of lists of D numbers or D
        columns of numbers, in any order; images that are not in the folder are passed over.
    manifest : Manifest of M images
    kept : Path
        The file to write, atomically.

    Raises
    ------
    InputError
        Another count of rows than of images, images without a feature, or features that are not finite or all 0: each
        image is named.
    """
    file = _existing(path)
    found = _npy(file) if file.suffix == ".npy" else _parquet(file, manifest)
    if len(found) != len(manifest):
        raise InputError(
            f"features={path} has {len(found):,} rows, and the folder {len(manifest):,} images. A .npy has a row an "
            "image, in the order of their sorted paths; a .parquet with a column path may be in any order."
        )
    paths = manifest.table["path"].tolist()
    order = np.arange(len(found))
    if file.suffix == ".npy":  # images that were added to a run are behind the others in its manifest
        order[sorted(range(len(found)), key=lambda row: composed(paths[row]))] = np.arange(len(found))
    wrong: list[str] = []
    with writing(kept) as out:
        shape = (*found.shape, 1, 1)
        np.lib.format.write_array_header_1_0(out, {"descr": "<f2", "fortran_order": False, "shape": shape})
        for begin in range(0, len(found), BLOCK):
            block = np.asarray(found[order[begin : begin + BLOCK]], np.float64)
            length = np.linalg.norm(block, axis=1)
            unusable = ~np.isfinite(length) | (length == 0)
            wrong += [f"{paths[begin + row]}: length {length[row]}" for row in np.flatnonzero(unusable)]
            scaled = block[~unusable] / length[~unusable, None] * np.sqrt(block.shape[1])
            out.write(scaled.astype("<f2").tobytes())
        if wrong:
            advice = "Compute these features again, or leave the images out of the folder."
            raise InputError(format_problems(f"features={path}: {len(wrong):,} features cannot be used", wrong, advice))
    return kept


def _existing(path: str) -> Path:
    file = Path(path).expanduser()
    if file.suffix not in SUFFIXES:
        raise InputError(f"features={path} takes a file {' or '.join(SUFFIXES)}: docs/own-folder.md")
    if not file.is_file():
        raise InputError(f"features={path} is not a file")
    return file


def _npy(file: Path) -> Rows:
    try:
        found = open_memmap(file, mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"features={file} cannot be read: {error}") from error
    if found.ndim != 2 or found.shape[1] < 2 or not np.issubdtype(found.dtype, np.floating):
        raise InputError(f"features={file} holds {found.dtype} {list(found.shape)}, not floats [images, numbers]")
    return found


def _columns(file: Path) -> tuple[list[str], int]:
    """Return the names of the columns of numbers, and D if they are one column of lists, else 0."""
    try:
        schema = pq.read_schema(file)
    except (OSError, ValueError) as error:
        raise InputError(f"features={file} cannot be read: {error}") from error
    lists = [each.name for each in schema if pa.types.is_list(each.type) or pa.types.is_fixed_size_list(each.type)]
    numbers = [each.name for each in schema if pa.types.is_floating(each.type)]
    if PATH not in schema.names or (len(lists) != 1 and (lists or len(numbers) < 2)):
        raise InputError(
            f"features={file} has the columns {', '.join(schema.names)}; it takes {PATH}, and one column of lists of "
            "numbers, or columns of floats"
        )
    if not lists:
        return numbers, 0
    with pq.ParquetFile(file) as parquet:
        first = next(parquet.iter_batches(batch_size=1, columns=lists), None)
    return lists, len(first.column(0)[0]) if first is not None and len(first) else 0


def _parquet(file: Path, manifest: Manifest) -> Rows:
    names, size = _columns(file)
    table = pq.read_table(file, columns=[PATH, *names])
    paths = [composed(each) for each in table.column(PATH).to_pylist()]
    if size:
        column = table.column(names[0]).combine_chunks()
        flat = np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float32)
        if len(flat) != len(paths) * size:
            raise InputError(f"features={file}: the lists of {names[0]} differ in length, the first has {size} numbers")
        values = flat.reshape(-1, size)
    else:
        values = np.stack([table.column(name).to_numpy() for name in names], axis=1).astype(np.float32)
    row_of = dict(zip(paths, range(len(paths)), strict=True))
    if len(row_of) < len(paths):
        twice = sorted(each for each, count in Counter(paths).items() if count > 1)
        advice = "An image has one feature: leave the others out."
        raise InputError(
            format_problems(f"features={file}: {len(twice):,} paths are there more than once", twice, advice)
        )
    wanted = [composed(each) for each in manifest.table["path"]]
    missing = [each for each in wanted if each not in row_of]
    if missing:
        advice = "Paths are relative to the folder of the images."
        raise InputError(format_problems(f"features={file} has no feature of {len(missing):,} images", missing, advice))
    return values[[row_of[each] for each in wanted]]
