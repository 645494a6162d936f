"""Thumbnails: small pictures of a run's images, made once and kept on the disk under the digests of the images."""

import io
from pathlib import Path

from whosame.annotation.web.image_routes import UnshowableError, read_checked
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
    kept = cache / FOLDER / digest[:2] / f"{digest}.jpg" if cache is not None else None
    if kept is not None:
        try:
            return kept.read_bytes()
        except OSError:
            pass
    try:
        with opened(read_checked(root, path, digest)) as image:
            small = upright(image, at_least=(SIDE, SIDE)).pixels
            small.thumbnail((SIDE, SIDE))
            drawn = io.BytesIO()
            small.save(drawn, "JPEG", quality=QUALITY)
    except UnusableImageError as error:
        raise UnshowableError("this picture cannot be read") from error
    if kept is not None:
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with writing(kept) as file:
                file.write(drawn.getvalue())
        except (OSError, StorageError):  # a full disk: the page goes on without
            pass
    return drawn.getvalue()
