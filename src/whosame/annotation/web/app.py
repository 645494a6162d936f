"""The page's application: the store, the routes, the reply to an error of the store."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from whosame import __version__
from whosame.annotation.review.open_reviews import OpenReviews
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web import annotate_routes, image_routes, overview_routes
from whosame.annotation.web.annotator_view import AnnotatorView
from whosame.annotation.web.cache import Cache
from whosame.annotation.web.login_routes import add_auth
from whosame.annotation.web.process import fingerprint
from whosame.annotation.web.review import images as review_images
from whosame.annotation.web.review import routes as review_routes
from whosame.annotation.web.search import routes as search_routes
from whosame.annotation.web.search.open_searches import OpenSearches
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
        Open; the caller closes it.
    run_uid : str, optional
        The run whose pairs are shown; by default the newest one.
    secure : bool
        Whether it is served over HTTPS: cookies are then sent no other way.
    hosts : sequence of str
        Names under which browsers reach it.
    runs : Path, optional
        ``data/runs`` of the project, where this machine has it: for reviews, and for the overview's cluster previews.
    """
    app = FastAPI(title="whosame", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.store = store
    app.state.annotator_view = AnnotatorView(store, run_uid)
    app.state.run_uid, app.state.runs, app.state.cache = run_uid, runs, Cache()
    app.state.reviews, app.state.searches = OpenReviews(store, runs), OpenSearches(store, runs)
    app.state.templates = Jinja2Templates(HERE / "templates")
    add_auth(app, store, secure=secure, hosts=hosts)
    app.include_router(annotate_routes.router)
    app.include_router(image_routes.router)
    app.include_router(overview_routes.router)
    app.include_router(review_images.router)
    app.include_router(review_routes.router)
    app.include_router(search_routes.router)
    app.add_api_route("/about", lambda: {"store": fingerprint(store.where)}, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    app.add_exception_handler(StorageError, _unavailable)
    return app


def _unavailable(_request: Request, _error: Exception) -> Response:
    # The script stores the answer and sends it again. The error's own text is not for annotators.
    return JSONResponse({"detail": "The label store cannot be reached just now."}, 503, {"Retry-After": "1"})
