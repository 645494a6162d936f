"""From a folder to a manifest: every image is looked at once, and again only when its file has changed."""

import hashlib
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from whosame.atomic import writing
from whosame.data.checks import check
from whosame.data.decoding import BYTES_A_PIXEL, UnusableImageError, cores, in_threads, inspect
from whosame.data.manifest import SCHEMA, Manifest, as_table
from whosame.data.readers.base import SUFFIXES, ImageFile
from whosame.data.source import SourceConfig
from whosame.errors import InputError, format_problems
from whosame.progress import track

HEADER = 2**20  # bytes of a file that are no pixels, at most, for its size alone to speak
AHEAD = 64  # files under way at once: their bytes are in memory


class Facts(NamedTuple):
    """What an image file's bytes say: blake2b-128 in hex, upright height and width in pixels."""

    digest: str
    height: int
    width: int


def index_images(source: SourceConfig, cache: Path) -> Manifest:
    """Return the manifest of a source, looking only at files that are new or changed.

    Names, sizes and times of change are read every time. Files that are as they were keep what is known of them
    (kept in ``02_index`` of the cache, a file for each folder of images); the others are read, hashed and decoded, in
    parallel over cores. The manifest is kept beside, and written again only if it differs.

    Parameters
    ----------
    source : SourceConfig
    cache : Path
        The project's data folder.

    Returns
    -------
    Manifest
        Its ``notes`` tell, with counts, what is odd but no error.

    Raises
    ------
    InputError
        No images; names or lists that do not follow the layout; images that are unreadable, empty, truncated or
        absurdly large; the same bytes under two persons; a person in training and in test. All of a kind at once.
    StorageError
        The cache cannot be written.
    """
    root = source.place(cache)
    found = source.reader.read(root)
    if not found.images:
        known = ", ".join(sorted(SUFFIXES))
        raise InputError(f"no image for layout={source.layout} in {root}. Give another folder with images ({known}).")
    images = sorted(found.images, key=lambda image: image.file.path)
    folder = cache.resolve() / "02_index"
    facts = _facts(root, [image.file for image in images], source, folder / f"files_{_key(str(root))}.parquet")
    notes = [*found.notes, *check(images, [fact.digest for fact in facts], keep_duplicates=source.duplicates == "keep")]
    columns = [
        [image.file.path for image in images],
        [image.split for image in images],
        [image.camera for image in images],
        [image.identity for image in images],
        [fact.height for fact in facts],
        [fact.width for fact in facts],
        [fact.digest for fact in facts],
    ]
    table = as_table(pa.table(dict(zip(SCHEMA.names, columns, strict=True)), schema=SCHEMA))
    manifest = Manifest(root, source.dataset, table, tuple(notes))
    _keep(manifest, folder / f"manifest_{_key(repr(source) + str(root))}.parquet")
    return manifest


def kept_manifest(cache: Path, digest: str) -> Manifest | None:
    """Return the manifest of a digest that was kept when its images were indexed; None: none was.

    Parameters
    ----------
    cache : Path
        The project's data folder.
    digest : str
        :attr:`Manifest.digest`.
    """
    for path in sorted((cache / "02_index").glob("manifest_*.parquet")):
        if (pq.read_schema(path).metadata or {}).get(b"digest") == digest.encode():
            return Manifest.load(path)
    return None


def _facts(root: Path, files: Sequence[ImageFile], source: SourceConfig, store: Path) -> list[Facts]:
    max_pixels = source.max_megapixels * 1e6
    known = {file: fact for file, fact in _remembered(store).items() if fact.height * fact.width <= max_pixels}
    new = [file for file in files if file not in known]
    if not new:
        return [known[file] for file in files]
    look = partial(_look, root=root, max_pixels=max_pixels)
    wrong = []
    with ThreadPoolExecutor(cores()) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_megapixels is the rule here
        for file, fact in zip(new, track(in_threads(look, new, pool, AHEAD), "index", len(new)), strict=True):
            if isinstance(fact, str):
                wrong.append(f"{file.path}: {fact}")
            else:
                known[file] = fact
    _remember({file: known[file] for file in files if file in known}, store)
    if wrong:
        advice = "Remove or replace them, then run again: the others are not looked at a second time."
        raise InputError(format_problems(f"{len(wrong)} images in {root} cannot be used", wrong, advice))
    return [known[file] for file in files]


def _look(file: ImageFile, *, root: Path, max_pixels: float) -> Facts | str:
    """Return what a file's bytes say, or why they cannot be used."""
    if file.size > BYTES_A_PIXEL * max_pixels + HEADER:
        return f"{file.size:,} bytes, absurdly large for a crop"
    try:
        content = (root / file.path).read_bytes()
        height, width = inspect(content, max_pixels)
    except UnusableImageError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return Facts(hashlib.blake2b(content, digest_size=16).hexdigest(), height, width)


def _remembered(store: Path) -> dict[ImageFile, Facts]:
    try:
        table = pq.read_table(store, memory_map=False, use_threads=False)
        columns = [table[name].to_pylist() for name in (*ImageFile._fields, *Facts._fields)]
    except (OSError, KeyError, ValueError):  # absent, or of another version: everything is looked at anew
        return {}
    n = len(ImageFile._fields)
    return {ImageFile(*row[:n]): Facts(*row[n:]) for row in zip(*columns, strict=True)}


def _remember(facts: dict[ImageFile, Facts], store: Path) -> None:
    rows = [(*file, *fact) for file, fact in facts.items()]
    columns = zip(*rows, strict=True) if rows else [[] for _ in (*ImageFile._fields, *Facts._fields)]
    with writing(store) as out:
        pq.write_table(pa.table(dict(zip((*ImageFile._fields, *Facts._fields), map(list, columns), strict=True))), out)


def _keep(manifest: Manifest, path: Path) -> None:
    try:
        kept = pq.read_schema(path).metadata or {}
    except (OSError, ValueError):  # absent or damaged
        kept = {}
    if {key.decode(): value.decode() for key, value in kept.items()} != manifest.about:
        manifest.save(path)


def _key(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
