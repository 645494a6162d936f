"""Images of a review: the thumbnails of a sheet in one response, and images as they are; by their tokens."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import Response, StreamingResponse

from whosame.annotation.review.open_reviews import OpenReview
from whosame.annotation.review.read_table import NoReviewError
from whosame.annotation.review.sheet import sheet_of
from whosame.annotation.web.auth import Visitor, visitor
from whosame.annotation.web.image_routes import UnshowableError, read_image
from whosame.annotation.web.picture_stream import framed
from whosame.annotation.web.review.content import next_sheet, open_reviews
from whosame.annotation.web.thumbnails import thumbnail

router = APIRouter(prefix="/review")

Looker = Annotated[Visitor, Depends(visitor)]
Token = Annotated[str, InPath(pattern=r"^[A-Za-z0-9_-]{22}$")]
RunUid = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Several = Annotated[str, Query(max_length=3600, pattern=r"^[A-Za-z0-9_-]{22}( [A-Za-z0-9_-]{22})*$")]


@router.get("/thumbnails", response_class=Response)
def thumbnails(request: Request, who: Looker, run: RunUid, tokens: Several) -> Response:  # noqa: ARG001
    """Return small images one after the other, as they are ready; see :func:`framed`."""
    review = _open(request, run)
    rows = [review.tokens.row(token) for token in tokens.split()]
    return StreamingResponse(framed(_thumbnails(_cache(request), review, rows)), media_type="application/octet-stream")


@router.get("/picture/{token}", response_class=Response)
def picture(request: Request, who: Looker, run: RunUid, token: Token) -> Response:  # noqa: ARG001
    """Return an image of a sheet as it is."""
    review = _open(request, run)
    row = review.tokens.row(token)
    if row is None:
        raise HTTPException(404, "there is no such picture on a sheet")
    try:
        content, kind = read_image(review.table.root, review.table.paths[row], review.table.digests[row])
    except UnshowableError as error:
        raise HTTPException(410, str(error)) from error
    return Response(content, media_type=kind)


def make_first_thumbnails(review: OpenReview, cache: Path | None) -> None:
    """Make the thumbnails of the sheet that is shown first, and of the next one."""
    state = review.state()
    shown = sheet_of(state)
    for each in (shown, next_sheet(state, shown) if shown else None):
        for _ in _thumbnails(cache, review, each.images if each else []):
            pass


def _thumbnails(cache: Path | None, review: OpenReview, rows: Sequence[int | None]) -> Iterator[bytes]:
    table = review.table
    for row in rows:
        try:
            yield b"" if row is None else thumbnail(cache, table.root, table.paths[row], table.digests[row])
        except UnshowableError:
            yield b""


def _cache(request: Request) -> Path | None:
    runs: Path | None = request.app.state.runs
    return None if runs is None else runs.parent


def _open(request: Request, run_uid: str) -> OpenReview:
    reviews = open_reviews(request)
    try:
        return reviews.open(reviews.run(run_uid))
    except NoReviewError as error:
        raise HTTPException(404, str(error)) from error
