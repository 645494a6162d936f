"""Thumbnails: small pictures of a run's images, made once and kept on the disk under the digests of the images."""

import hashlib
import io
from contextlib import suppress
from pathlib import Path

from whosame.annotation.web.image_routes import UnshowableError, read_checked, read_inside
from whosame.atomic import writing
from whosame.data.decoding import UnusableImageError, opened, upright
from whosame.errors import StorageError

SIDE = 160  # pixels, at most
FOLDER = "05_thumbnails"  # of the data folder
QUALITY = 80


def thumbnail(cache: Path | None, root: Path, path: str, digest: str) -> bytes:
    """Return an image upright and small, as JPEG.

    Parameters
    ----------
    cache : Path or None
        The data folder; a thumbnail that cannot be kept there is made again.
    root, path, digest : Path, str, str
        As for :func:`~whosame.annotation.web.image_routes.read_image`.

    Raises
    ------
    UnshowableError
        The file is gone, has changed, is no image, or is outside the folder.
    """
    return _kept(cache, digest) or _made(cache, read_checked(root, path, digest), digest)


def thumbnail_of_file(cache: Path | None, root: Path, path: str) -> bytes:
    """Return the same of an image whose digest is not known, as it is on the disk now.

    Raises
    ------
    UnshowableError
        The file is gone, is no image, or is outside the folder.
    """
    content = read_inside(root, path)
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    return _kept(cache, digest) or _made(cache, content, digest)


def _made(cache: Path | None, content: bytes, digest: str) -> bytes:
    try:
        with opened(content) as image:
            small = upright(image, at_least=(SIDE, SIDE)).pixels
            small.thumbnail((SIDE, SIDE))
            drawn = io.BytesIO()
            small.save(drawn, "JPEG", quality=QUALITY)
    except UnusableImageError as error:
        raise UnshowableError("this picture cannot be read") from error
    if cache is not None:
        with suppress(OSError, StorageError):  # a full disk: the page goes on without
            _file(cache, digest).parent.mkdir(parents=True, exist_ok=True)
            with writing(_file(cache, digest)) as file:
                file.write(drawn.getvalue())
    return drawn.getvalue()


def _kept(cache: Path | None, digest: str) -> bytes | None:
    try:
        return None if cache is None else _file(cache, digest).read_bytes()
    except OSError:
        return None


def _file(cache: Path, digest: str) -> Path:
    return cache / FOLDER / digest[:2] / f"{digest}.jpg"
