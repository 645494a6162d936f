"""The application: the store, the routes, and what an error looks like."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from whosame import __version__
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web import annotate_routes, image_routes, overview_routes
from whosame.annotation.web.annotator_view import Desk
from whosame.annotation.web.auth import add_access
from whosame.annotation.web.cache import Costly
from whosame.annotation.web.process import fingerprint
from whosame.errors import StorageError

HERE = Path(__file__).parent
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def create_app(
    store: LabelStore,
    *,
    run_uid: str | None = None,
    secure: bool = False,
    hosts: Sequence[str] = LOOPBACK,
    runs: Path | None = None,
) -> FastAPI:
    """Return the page as an application.

    Parameters
    ----------
    store : LabelStore
        Open; it stays the caller's to close.
    run_uid : str, optional
        The run that people are asked about; by default the newest one.
    secure : bool
        Whether it is served over HTTPS, so that cookies go no other way.
    hosts : sequence of str
        Names by which browsers may address it.
    runs : Path, optional
        ``data/runs`` of the project, where this machine has it: for the contact sheets of the overview.
    """
    app = FastAPI(title="whosame", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.store = store
    app.state.desk = Desk(store, run_uid)
    app.state.run_uid, app.state.runs, app.state.costly = run_uid, runs, Costly()
    app.state.templates = Jinja2Templates(HERE / "templates")
    add_access(app, store, secure=secure, hosts=hosts)
    app.include_router(annotate_routes.router)
    app.include_router(image_routes.router)
    app.include_router(overview_routes.router)
    app.add_api_route("/about", lambda: {"store": fingerprint(store.where)}, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.add_exception_handler(StorageError, _unavailable)
    return app


def _unavailable(_request: Request, _error: Exception) -> Response:
    # The script keeps the answer and sends it again; the message is for whoever runs the page, not for everybody.
    return JSONResponse({"detail": "The label store cannot be reached just now."}, 503, {"Retry-After": "1"})
