"""Image routes: the images of pairs, by random token, for the people who were shown them."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi import Path as InPath
from fastapi.responses import Response
from sqlalchemy import Connection, Row, or_, select

from whosame.annotation.store.schema import answer_events, images, leases, runs, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.auth import Visitor, visitor
from whosame.data.decoding import UnusableImageError, opened, stored_upright, upright

router = APIRouter()

THUMBNAIL = 240  # pixels
BROWSER_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


class UnshowableError(Exception):
    """An image that cannot be shown; the message says why."""


@router.get("/picture/{token}", response_class=Response)
def image(
    request: Request,
    who: Annotated[Visitor, Depends(visitor)],
    token: Annotated[str, InPath(pattern=r"^[A-Za-z0-9_-]{22}$")],
) -> Response:
    """Return an image that the person is shown or was shown; to coordinators any of the run."""
    return _respond(request, who, token, read_image)


@router.get("/thumbnail/{token}", response_class=Response)
def thumbnail(
    request: Request,
    who: Annotated[Visitor, Depends(visitor)],
    token: Annotated[str, InPath(pattern=r"^[A-Za-z0-9_-]{22}$")],
) -> Response:
    """Return the same image, small."""
    return _respond(request, who, token, read_thumbnail)


def _respond(
    request: Request, who: Visitor, token: str, read: Callable[[Path, str, str], tuple[bytes, str]]
) -> Response:
    store: LabelStore = request.app.state.store
    with store.reading() as connection:
        row = _find(connection, token)
        if row is None or not (who.role == "coordinator" or _was_shown(connection, row, who.name)):
            raise HTTPException(404, "there is no such picture among your pairs")
    try:
        content, kind = read(Path(row.root), row.path, row.digest)
    except UnshowableError as error:
        raise HTTPException(410, str(error)) from error
    return Response(content, media_type=kind)  # not cached: the script keeps the next pair, the disk keeps none


def read_image(root: Path, path: str, digest: str) -> tuple[bytes, str]:
    """Return an image file as browsers can show it, upright, and its media type.

    Parameters
    ----------
    root : Path
        Folder of the run's images; no file outside it is read, whatever links there are.
    path : str
        Under the root.
    digest : str
        Of the bytes when the run began. Other bytes are not shown: the answer would be about another image than the
        one in the store.

    Raises
    ------
    UnshowableError
        The file is gone, has changed, is no image, or is outside the folder.
    """
    return as_shown(read_checked(root, path, digest))


def as_shown(content: bytes) -> tuple[bytes, str]:
    """Return the content of an image file as browsers can show it, upright, and its media type.

    Raises
    ------
    UnshowableError
        It is no image.
    """
    try:
        with opened(content) as image:
            if image.format in BROWSER_FORMATS and stored_upright(image):
                return content, BROWSER_FORMATS[image.format]
            drawn = io.BytesIO()
            upright(image).pixels.save(drawn, "PNG")
    except UnusableImageError as error:
        raise UnshowableError("this picture cannot be read") from error
    return drawn.getvalue(), "image/png"


def read_thumbnail(root: Path, path: str, digest: str) -> tuple[bytes, str]:
    """Return an image file upright and at most 240 pixels high and wide, as JPEG, as :func:`read_image` does."""
    try:
        with opened(read_checked(root, path, digest)) as image:
            small = upright(image, at_least=(THUMBNAIL, THUMBNAIL)).pixels
            small.thumbnail((THUMBNAIL, THUMBNAIL))
            drawn = io.BytesIO()
            small.save(drawn, "JPEG", quality=85)
    except UnusableImageError as error:
        raise UnshowableError("this picture cannot be read") from error
    return drawn.getvalue(), "image/jpeg"


def read_checked(root: Path, path: str, digest: str) -> bytes:
    """Return the bytes of an image file under the root, those of the digest.

    Raises
    ------
    UnshowableError
        The file is gone, has changed, or is outside the folder.
    """
    content = read_inside(root, path)
    if hashlib.blake2b(content, digest_size=16).hexdigest() != digest:
        raise UnshowableError("this picture has changed since the run began")
    return content


def read_inside(root: Path, path: str) -> bytes:
    """Return the bytes of a file under the root.

    Raises
    ------
    UnshowableError
        The file is gone, or is outside the folder.
    """
    try:
        root = root.resolve(strict=True)
        file = (root / path).resolve(strict=True)
        if not file.is_relative_to(root):
            raise UnshowableError("this picture is outside the folder of the images")
        return file.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL in the path; RuntimeError: links in a ring
        raise UnshowableError("this picture is not where it was when the run began") from error


def _find(connection: Connection, token: str) -> Row[Any] | None:
    query = select(images, runs.c.root, runs.c.guide).join(runs, runs.c.run_uid == images.c.run_uid)
    return connection.execute(query.where(images.c.token == token)).first()


def _was_shown(connection: Connection, image: Row[Any], annotator: str) -> bool:
    if image.token in image.guide:  # an example, for all
        return True
    leased = select(leases.c.token).join(tasks, tasks.c.id == leases.c.task_id).where(leases.c.annotator == annotator)
    leased = leased.where(tasks.c.run_uid == image.run_uid)
    exemplar = tasks.c.exemplars.contains(image.token, autoescape=True)
    leased = leased.where(or_(tasks.c.image_a == image.image, tasks.c.image_b == image.image, exemplar))
    if connection.execute(leased.limit(1)).first() is not None:
        return True
    answered = select(answer_events.c.id).where(
        answer_events.c.run_uid == image.run_uid,
        answer_events.c.annotator == annotator,
        or_(answer_events.c.image_a == image.image, answer_events.c.image_b == image.image),
    )
    return connection.execute(answered.limit(1)).first() is not None
