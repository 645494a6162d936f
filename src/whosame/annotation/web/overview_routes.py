"""Overview routes, for coordinators: progress, people, agreement, disputes, contradictions, cluster previews."""

import time
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select

from whosame.annotation.quality.agreement import agreement
from whosame.annotation.quality.annotator_stats import annotator_stats, ratings
from whosame.annotation.quality.answered_pairs import (
    AnsweredPair,
    answered_pair,
    disputes,
    recent_answers,
)
from whosame.annotation.quality.audit_figures import audit_of
from whosame.annotation.quality.cluster_preview import ClusterPreview, cluster_preview
from whosame.annotation.quality.contradictions import Contradiction, circles, contradictions, pair_verdicts
from whosame.annotation.quality.review_rates import review_rates
from whosame.annotation.quality.round_files import NoPreviewError, RoundFiles
from whosame.annotation.quality.round_progress import round_progress
from whosame.annotation.queue.adjudicate import adjudicate
from whosame.annotation.queue.image_tokens import image_tokens
from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.store.schema import runs
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import epoch
from whosame.annotation.web.auth import Visitor, coordinator, form_sender
from whosame.annotation.web.cache import Cache
from whosame.annotation.web.counters import duration
from whosame.questions import Verdict

router = APIRouter(prefix="/overview")

MAX_PAIRS = 12  # disputes and contradictions on the overview; the others follow when these are settled
REFUSALS = {  # by the reason
    "unknown": "This run has no such pair.",
    "over": "That round asks no more: the model has learnt from its answers as they were. Nothing was changed.",
    "unanswered": "That pair has no answer: there is nothing to settle.",
}
Coordinator = Annotated[Visitor, Depends(coordinator)]
Uid = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{0,64}$")]
TaskId = Annotated[int, InPath(ge=1, lt=2**63)]


@router.get("", response_class=HTMLResponse)
def overview(request: Request, who: Coordinator, run: Uid = "", settled: bool = False) -> Response:
    """Show a run: the given one, or the one that is asked about now."""
    store: LabelStore = request.app.state.store
    uid = _run_uid(request, store, run)
    if uid is None:
        return _page(request, "overview.html", who=who, progress=None)
    cache: Cache = request.app.state.cache
    return _page(
        request,
        "overview.html",
        who=who,
        progress=(progress := round_progress(store, uid)),
        audit=None if progress is None else audit_of(request.app.state.runs, progress.run, uid),
        runs=_newest_runs(store),
        people=cache.get(f"people {uid}", lambda: annotator_stats(store, uid)),
        agreement=cache.get(f"agreement {uid}", lambda: agreement(ratings(store, uid))),
        open=disputes(store, uid, undecided=True, limit=MAX_PAIRS),
        decided=disputes(store, uid, undecided=False, limit=MAX_PAIRS),
        circles=circles(store, uid, _contradictions(request, store, uid)[:MAX_PAIRS]),
        recent=recent_answers(store, uid),
        rates=cache.get(f"rates {uid}", lambda: review_rates(store, uid)),
        notice="Settled." if settled else "",
    )


@router.get("/pair/{task}", response_class=HTMLResponse)
def show_pair(request: Request, who: Coordinator, task: TaskId, run: Uid = "", refused: str = "") -> Response:
    """Show one pair: its answers, what contradicts them, and its clusters before and after the answers."""
    store: LabelStore = request.app.state.store
    uid = _run_uid(request, store, run)
    pair = None if uid is None else answered_pair(store, uid, task)
    if uid is None or pair is None:
        raise HTTPException(404, "This run has no such pair.")
    of_pair = [
        found
        for found in _contradictions(request, store, uid)
        if pair.images in [(one.a, one.b) for one in (found.answer, *found.chain)]
    ]
    preview, missing = _preview(request, store, uid, pair)
    return _page(
        request,
        "pair.html",
        who=who,
        progress=round_progress(store, uid),
        pair=pair,
        circles=circles(store, uid, of_pair[:3]),
        preview=preview,
        missing=missing,
        tokens={} if preview is None else image_tokens(store, uid, preview.images),
        notice=REFUSALS.get(refused, ""),
    )


@router.post("/settle", status_code=303, response_class=RedirectResponse)
def settle(
    request: Request,
    who: Coordinator,
    _: Annotated[Visitor, Depends(form_sender)],
    task: Annotated[int, Form(ge=1, lt=2**63)],
    verdict: Annotated[Verdict, Form()],
    run: Annotated[str, Form(pattern=r"^[A-Za-z0-9_-]{1,64}$")],
    onward: Annotated[bool, Form()] = False,
) -> Response:
    """Decide a pair, and go back to the overview, or on to the next undecided dispute."""
    store: LabelStore = request.app.state.store
    try:
        adjudicate(store, run, task, who.name, verdict)
    except RefusedError as error:
        known = answered_pair(store, run, task) is not None
        back = f"/overview/pair/{task}?run={run}&refused={error.reason}" if known else "/overview"
        return RedirectResponse(back, 303)
    request.app.state.cache.clear()  # the coordinator sees the effect at once
    left = disputes(store, run, undecided=True, limit=1) if onward else []
    return RedirectResponse(
        f"/overview/pair/{left[0].task}?run={run}" if left else f"/overview?run={run}&settled=1", 303
    )


def ago(moment: float | str | None) -> str:
    """Return how long ago a moment was, given in s since the epoch or as the store writes it."""
    if moment is None:
        return "–"
    seconds = time.time() - (epoch(moment) if isinstance(moment, str) else moment)
    if seconds < 60:
        return "just now"
    return f"{duration(seconds)} ago" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} d ago"


def _page(request: Request, template: str, *, notice: str = "", **values: Any) -> Response:
    values |= {"ago": ago, "until": lambda end: duration(max(end - time.time(), 0)), "notice": notice}
    return request.app.state.templates.TemplateResponse(request, template, values)  # type: ignore[no-any-return]


def _run_uid(request: Request, store: LabelStore, given: str) -> str | None:
    """Return the run to show: the given one, the one that the page serves, or the newest; None: there is none.

    Raises
    ------
    HTTPException
        404: the store does not know the given run.
    """
    named = given or request.app.state.run_uid
    query = select(runs.c.run_uid).order_by(runs.c.last_heartbeat.desc(), runs.c.run_uid)
    with store.reading() as connection:
        found = connection.scalar((query if not named else query.where(runs.c.run_uid == named)).limit(1))
    if found is None and given:
        raise HTTPException(404, "There is no such run.")
    return found


def _newest_runs(store: LabelStore) -> list[tuple[str, str, str]]:
    query = select(runs.c.run_uid, runs.c.run, runs.c.state).order_by(runs.c.last_heartbeat.desc()).limit(20)
    with store.reading() as connection:
        return [(row.run_uid, row.run, row.state) for row in connection.execute(query)]


def _contradictions(request: Request, store: LabelStore, uid: str) -> list[Contradiction]:
    cache: Cache = request.app.state.cache
    return cache.get(f"contradictions {uid}", lambda: contradictions(pair_verdicts(store, uid)))


def _preview(request: Request, store: LabelStore, uid: str, pair: AnsweredPair) -> tuple[ClusterPreview | None, str]:
    """Return the cluster preview of a pair, or why there is none."""
    folder: Path | None = request.app.state.runs
    progress = round_progress(store, uid)
    if folder is None or progress is None:
        return None, "this page was started without the folder of the runs"
    try:
        files = RoundFiles.read(folder, uid, progress.run, pair.round)
        return cluster_preview(files, pair.images, pair_verdicts(store, uid, pair.round)), ""
    except NoPreviewError as error:
        return None, str(error)
