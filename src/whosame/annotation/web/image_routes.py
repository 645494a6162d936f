"""The pictures of pairs: by random handle, to those who were shown them, and never a file outside the run's folder."""

import hashlib
import io
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi import Path as InPath
from fastapi.responses import Response
from PIL import Image, ImageOps
from sqlalchemy import Connection, Row, or_, select

from whosame.annotation.store.schema import answer_events, images, leases, runs, tasks
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.auth import Visitor, visitor
from whosame.data.decoding import FAILURES, eight_bits

router = APIRouter()

SHOWN_AS_THEY_ARE = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


class UnshowableError(Exception):
    """A picture that cannot be shown; the message says why."""


@router.get("/picture/{handle}", response_class=Response)
def picture(
    request: Request,
    who: Annotated[Visitor, Depends(visitor)],
    handle: Annotated[str, InPath(pattern=r"^[A-Za-z0-9_-]{22}$")],
) -> Response:
    """Send a picture of a pair that somebody holds or has answered; to coordinators any of the run's."""
    store: LabelStore = request.app.state.store
    with store.reading() as connection:
        row = _find(connection, handle)
        if row is None or not (who.role == "coordinator" or _was_shown(connection, row, who.name)):
            raise HTTPException(404, "there is no such picture among your pairs")
    try:
        content, kind = read_picture(Path(row.root), row.path, row.digest)
    except UnshowableError as error:
        raise HTTPException(410, str(error)) from error
    return Response(content, media_type=kind)  # not cached: the script holds the next pair, the disk none


def read_picture(root: Path, path: str, digest: str) -> tuple[bytes, str]:
    """Return a picture as browsers can show it, and its media type.

    Parameters
    ----------
    root : Path
        Folder of the run's images; nothing outside it is read, wherever links lead.
    path : str
        Under the root.
    digest : str
        Of the bytes when the run began. Others are not shown: the answer would be about another picture than the
        one that the store names.

    Raises
    ------
    UnshowableError
        The file is gone, has changed, is no picture, or is not within the folder.
    """
    try:
        root = root.resolve(strict=True)
        file = (root / path).resolve(strict=True)
        if not file.is_relative_to(root):
            raise UnshowableError("this picture is outside the folder of the images")
        content = file.read_bytes()
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL in the path; RuntimeError: links in a ring
        raise UnshowableError("this picture is not where it was when the run began") from error
    if hashlib.blake2b(content, digest_size=16).hexdigest() != digest:
        raise UnshowableError("this picture has changed since the run began")
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.format in SHOWN_AS_THEY_ARE:
                return content, SHOWN_AS_THEY_ARE[image.format]
            turned = eight_bits(ImageOps.exif_transpose(image))
            upright = turned if turned.mode in ("L", "RGB", "RGBA") else turned.convert("RGB")
            drawn = io.BytesIO()
            upright.save(drawn, "PNG")
    except FAILURES as error:
        raise UnshowableError("this picture cannot be read") from error
    return drawn.getvalue(), "image/png"


def _find(connection: Connection, handle: str) -> Row[Any] | None:
    named = select(images, runs.c.root)
    named = named.join(runs, runs.c.run_uid == images.c.run_uid)
    return connection.execute(named.where(images.c.token == handle)).first()


def _was_shown(connection: Connection, picture: Row[Any], annotator: str) -> bool:
    held = select(leases.c.token).join(tasks, tasks.c.id == leases.c.task_id).where(leases.c.annotator == annotator)
    held = held.where(tasks.c.run_uid == picture.run_uid)
    held = held.where(or_(tasks.c.image_a == picture.image, tasks.c.image_b == picture.image))
    if connection.execute(held.limit(1)).first() is not None:
        return True
    answered = select(answer_events.c.id).where(
        answer_events.c.run_uid == picture.run_uid,
        answer_events.c.annotator == annotator,
        or_(answer_events.c.image_a == picture.image, answer_events.c.image_b == picture.image),
    )
    return connection.execute(answered.limit(1)).first() is not None
