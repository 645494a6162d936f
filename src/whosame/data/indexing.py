"""Index of a folder of images: its manifest. An image is decoded once, and again only when its file has changed."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from whosame.atomic import writing
from whosame.data.checks import check, check_numbers
from whosame.data.decoding import BYTES_A_PIXEL, DECODER, UnusableImageError, in_threads, inspect
from whosame.data.manifest import SCHEMA, Manifest, as_table
from whosame.data.readers.base import SUFFIXES, ImageFile
from whosame.data.source import SourceConfig
from whosame.errors import InputError, format_problems
from whosame.names import composed
from whosame.operating_system import usable_cores
from whosame.progress import track

logger = logging.getLogger(__name__)

HEADER = 2**20  # bytes besides pixels that a file may have before it is too large by its size alone
IN_WORK = 64  # files in work at once: their bytes are in memory


class ImageInfo(NamedTuple):
    """Of an image file's bytes: blake2b-128 in hex, upright height and width in pixels."""

    digest: str
    height: int
    width: int


def index_images(source: SourceConfig, cache: Path) -> Manifest:
    """Return the manifest of a source, looking only at files that are new or changed.

    Names, sizes and modification times are read every time. For unchanged files the results of the last time are used
    (``02_index`` of the cache has a file for each folder of images); the others are read, hashed and decoded, in
    parallel over cores. The manifest is stored there too, and written again only if it differs.

    Parameters
    ----------
    source : SourceConfig
    cache : Path
        The project's data folder.

    Returns
    -------
    Manifest
        With the oddities that are no errors in its ``notes``. They are logged when the manifest is new or has changed.

    Raises
    ------
    InputError
        No images; names or lists that do not follow the layout; numbers that are out of range; images that cannot be
        used, unless they are to be left out; the same bytes under two identities; a person in training and in test. All
        of a kind at once.
    StorageError
        The cache cannot be written.
    """
    root = source.folder_of_images(cache)
    found = source.reader.read(root)
    if not found.images:
        known = ", ".join(sorted(SUFFIXES))
        raise InputError(f"no image for layout={source.layout} in {root}. Give another folder with images ({known}).")
    check_numbers(found.images)
    folder, name = cache.resolve() / "02_index", _key(repr(source) + str(root))
    infos = _inspect_files(root, sorted(image.file for image in found.images), source, folder)
    left_out = _leave_out(root, infos, source, folder / f"unreadable_{name}.txt")
    described = [(image, info) for image in found.images if isinstance(info := infos[image.file], ImageInfo)]
    described.sort(key=lambda pair: composed(pair[0].file.path))
    images, digests = [image for image, _ in described], [info.digest for _, info in described]
    notes = [*found.notes, *left_out, *check(images, digests, keep_duplicates=source.duplicates == "keep")]
    columns = [
        [image.file.path for image in images],
        [image.split for image in images],
        [image.camera for image in images],
        [image.identity for image in images],
        [info.height for _, info in described],
        [info.width for _, info in described],
        digests,
        [image.name for image in images],
        [image.encounter for image in images],
        [image.view for image in images],
    ]
    table = as_table(pa.table(dict(zip(SCHEMA.names, columns, strict=True)), schema=SCHEMA))
    manifest = Manifest(root, source.dataset, table, tuple(notes))
    if _save_if_changed(manifest, folder / f"manifest_{name}.parquet"):
        for note in notes:
            logger.warning("%s: %s", manifest.dataset, note)
    return manifest


def find_manifest(cache: Path, digest: str, kept: Path | None = None) -> Manifest | None:
    """Return the stored manifest with a digest; None if there is none.

    Parameters
    ----------
    cache : Path
        The project's data folder.
    digest : str
        :attr:`Manifest.digest`.
    kept : Path, optional
        A file that is looked at first: a run's own.
    """
    for path in [*([kept] if kept else []), *sorted((cache / "02_index").glob("manifest_*.parquet"))]:
        with suppress(OSError, ValueError):  # a damaged one is no reason to miss another
            if (pq.read_schema(path).metadata or {}).get(b"digest") == digest.encode():
                return Manifest.load(path)
    return None


def _inspect_files(
    root: Path, files: Sequence[ImageFile], source: SourceConfig, folder: Path
) -> dict[ImageFile, ImageInfo | str]:
    """Return each file's digest and size, or why it cannot be used."""
    max_pixels = source.max_megapixels * 1e6
    store = folder / f"files_{_key(str(root))}_v{DECODER}.parquet"
    known = {file: info for file, info in _load_cache(store).items() if info.height * info.width <= max_pixels}
    new = [file for file in files if file not in known]
    inspected: dict[ImageFile, ImageInfo | str] = {}
    if new:
        work = partial(_inspect_file, root=root, max_pixels=max_pixels)
        with ThreadPoolExecutor(usable_cores()) as pool:
            infos = track(in_threads(work, new, pool, IN_WORK), "index", len(new))
            inspected = dict(zip(new, infos, strict=True))
        usable = known | {file: info for file, info in inspected.items() if isinstance(info, ImageInfo)}
        _save_cache({file: usable[file] for file in files if file in usable}, store)
    return {file: inspected[file] if file in inspected else known[file] for file in files}


def _inspect_file(file: ImageFile, *, root: Path, max_pixels: float) -> ImageInfo | str:
    """Return a file's digest and size, or why it cannot be used."""
    path = root / file.path
    if file.size > BYTES_A_PIXEL * max_pixels + HEADER:
        return f"{file.size:,} bytes, absurdly large for a crop"
    try:
        if not path.is_file():  # reading from a named pipe would not end
            return "no file, or a link to none"
        content = path.read_bytes()
        height, width = inspect(content, max_pixels)
    except UnusableImageError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ImageInfo(hashlib.blake2b(content, digest_size=16).hexdigest(), height, width)


def _leave_out(root: Path, infos: Mapping[ImageFile, ImageInfo | str], source: SourceConfig, listed: Path) -> list[str]:
    """Return the note on files that cannot be used and list them in a file; raise unless they are to be left out."""
    unusable = [f"{file.path}: {info}" for file, info in infos.items() if isinstance(info, str)]
    listed.unlink(missing_ok=True)
    if not unusable:
        return []
    with writing(listed) as out:
        out.writelines(f"{line}\n".encode() for line in unusable)
    if source.unreadable == "error" or len(unusable) == len(infos):
        title = f"{len(unusable)} images in {root} cannot be used"
        advice = (
            f"{listed} lists them. Remove or replace them, or leave them out with unreadable=skip, then run again: "
            "the others are not decoded a second time."
        )
        raise InputError(format_problems(title, unusable, advice))
    return [f"{len(unusable):,} images that cannot be used are left out (unreadable=skip): {listed} lists them"]


def _load_cache(store: Path) -> dict[ImageFile, ImageInfo]:
    try:
        table = pq.read_table(store, memory_map=False, use_threads=False)
        columns = [table[name].to_pylist() for name in (*ImageFile._fields, *ImageInfo._fields)]
    except (OSError, KeyError, ValueError):  # absent, or of another version: every file is decoded again
        return {}
    n = len(ImageFile._fields)
    return {ImageFile(*row[:n]): ImageInfo(*row[n:]) for row in zip(*columns, strict=True)}


def _save_cache(infos: dict[ImageFile, ImageInfo], store: Path) -> None:
    rows = [(*file, *info) for file, info in infos.items()]
    columns = zip(*rows, strict=True) if rows else [[] for _ in (*ImageFile._fields, *ImageInfo._fields)]
    with writing(store) as out:
        pq.write_table(
            pa.table(dict(zip((*ImageFile._fields, *ImageInfo._fields), map(list, columns), strict=True))), out
        )


def _save_if_changed(manifest: Manifest, path: Path) -> bool:
    try:
        stored = pq.read_schema(path).metadata or {}
    except (OSError, ValueError):  # absent or damaged
        stored = {}
    if {key.decode(): value.decode() for key, value in stored.items()} == manifest.about:
        return False
    manifest.save(path)
    return True


def _key(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
