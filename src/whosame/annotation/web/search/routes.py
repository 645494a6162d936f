"""Search routes: who is on a photograph? Replies are JSON but for the page and the pictures."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from whosame.annotation.web.auth import Visitor, script_sender, visitor
from whosame.annotation.web.image_routes import UnshowableError, as_shown, read_inside
from whosame.annotation.web.picture_stream import framed
from whosame.annotation.web.search.open_searches import NoSearchError, OpenSearch, OpenSearches
from whosame.annotation.web.thumbnails import thumbnail_of_file
from whosame.errors import InputError, WhosameError
from whosame.search.ranking import Ranking

EXAMPLES = 24  # images of the gallery that the page begins with

router = APIRouter(prefix="/search")

Uid = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{0,64}$")]
Token = Annotated[str, InPath(pattern=r"^[A-Za-z0-9_-]{22}$")]
Several = Annotated[str, Query(max_length=3600, pattern=r"^[A-Za-z0-9_-]{22}( [A-Za-z0-9_-]{22})*$")]
Looker = Annotated[Visitor, Depends(visitor)]
Sender = Annotated[Visitor, Depends(script_sender)]


async def posted(request: Request) -> bytes:
    """Return the body of a request; the middleware has limited its size."""
    return await request.body()


@router.get("", response_class=HTMLResponse)
def page(request: Request, who: Looker, run: Uid = "") -> Response:
    """Show the page, with some images of the gallery."""
    values: dict[str, Any] = {"who": who, "run_uid": run, "content": None, "missing": ""}
    try:
        search = _searches(request).open(run or request.app.state.run_uid)
    except NoSearchError as error:
        values["missing"] = str(error)
    else:
        step = max(1, len(search.gallery) // EXAMPLES)
        examples = [search.tokens.of(row) for row in range(0, len(search.gallery), step)][:EXAMPLES]
        values |= {"content": {"run": run, "examples": examples}, "search": search, "gallery": search.gallery}
    return request.app.state.templates.TemplateResponse(request, "search.html", values)  # type: ignore[no-any-return]


@router.post("/photograph")
def photograph(request: Request, who: Sender, content: Annotated[bytes, Depends(posted)], run: Uid = "") -> Response:  # noqa: ARG001
    """Rank the individuals of the gallery for a photograph; it is decoded in memory and kept nowhere."""
    with _opened(request, run) as search:
        return JSONResponse(_result(search, search.of_image(content)))


@router.get("/like/{token}")
def like(request: Request, who: Looker, token: Token, run: Uid = "") -> Response:  # noqa: ARG001
    """Rank the individuals of the gallery for an image of it."""
    with _opened(request, run) as search:
        return JSONResponse(_result(search, search.of_row(_row(search, token))))


@router.get("/thumbnails", response_class=Response)
def thumbnails(request: Request, who: Looker, tokens: Several, run: Uid = "") -> Response:  # noqa: ARG001
    """Return small images one after the other; see :func:`~whosame.annotation.web.picture_stream.framed`."""
    with _opened(request, run) as search:
        root, data = _searches(request).root(search), request.app.state.runs.parent
        rows = [search.tokens.row(token) for token in tokens.split()]

        def made() -> Iterator[bytes]:
            for row in rows:
                try:
                    yield b"" if row is None else thumbnail_of_file(data, root, search.gallery.paths[row])
                except UnshowableError:
                    yield b""

        return StreamingResponse(framed(made()), media_type="application/octet-stream")


@router.get("/picture/{token}", response_class=Response)
def picture(request: Request, who: Looker, token: Token, run: Uid = "") -> Response:  # noqa: ARG001
    """Return an image of the gallery as it is."""
    with _opened(request, run) as search:
        path = search.gallery.paths[_row(search, token)]
        try:
            content, kind = as_shown(read_inside(_searches(request).root(search), path))
        except UnshowableError as error:
            raise HTTPException(410, str(error)) from error
        return Response(content, media_type=kind)


def _searches(request: Request) -> OpenSearches:
    searches: OpenSearches = request.app.state.searches
    return searches


@contextmanager
def _opened(request: Request, run: str) -> Iterator[OpenSearch]:
    try:
        yield _searches(request).open(run or request.app.state.run_uid)
    except NoSearchError as error:
        raise HTTPException(404, str(error)) from error
    except InputError as error:
        raise HTTPException(422, "this is no image that can be read: give a photograph as JPEG, PNG or WebP") from error
    except WhosameError as error:
        raise HTTPException(503, str(error)) from error


def _row(search: OpenSearch, token: str) -> int:
    row = search.tokens.row(token)
    if row is None:
        raise HTTPException(404, "there is no such picture in the gallery")
    return row


def _result(search: OpenSearch, ranking: Ranking) -> dict[str, Any]:
    return {
        "nobody_near": ranking.nobody_near,
        "calibration": search.gallery.calibration.text(),
        "hits": [
            {
                "token": search.tokens.of(hit.row),
                "identity": hit.identity,
                "known": hit.known,
                "score": round(hit.score, 3),
                "p": None if math.isnan(hit.p) else round(hit.p, 3),
                "camera": hit.camera,
                "images": search.sizes[hit.identity] if hit.identity else 1,
                "confirmed": hit.images if hit.images > 1 else 0,
            }
            for hit in ranking.hits
        ],
    }
