"""The overview for whoever runs a round: how far it is, who agrees, what to settle, what the answers change."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select

from whosame.annotation.quality.agreement import agreement
from whosame.annotation.quality.annotator_stats import contributions, ratings
from whosame.annotation.quality.answered_pairs import Case, case, cases, disputes
from whosame.annotation.quality.cluster_preview import NotHereError, RoundFiles, Sheet, contact_sheet
from whosame.annotation.quality.contradictions import Contradiction, beliefs, contradictions
from whosame.annotation.quality.latest import recent
from whosame.annotation.quality.round_progress import headway
from whosame.annotation.queue.adjudicate import adjudicate
from whosame.annotation.queue.image_tokens import image_tokens
from whosame.annotation.queue.submit import RefusedError
from whosame.annotation.store.schema import runs
from whosame.annotation.store.store import LabelStore
from whosame.annotation.store.timestamps import epoch
from whosame.annotation.web.auth import Visitor, checked, coordinator
from whosame.annotation.web.cache import Costly
from whosame.annotation.web.counters import duration
from whosame.questions import Verdict

router = APIRouter(prefix="/overview")

FEW = 12  # disputes and contradictions on the overview; the rest waits until these are settled
REFUSED = {
    "unknown": "This run has no such pair.",
    "over": "That round asks no more: the model has learnt from its answers as they were. Nothing was changed.",
    "unanswered": "Nobody has answered that pair: there is nothing to settle.",
}
Coordinator = Annotated[Visitor, Depends(coordinator)]
Uid = Annotated[str, Query(pattern=r"^[A-Za-z0-9_-]{0,64}$")]
Number = Annotated[int, InPath(ge=1, lt=2**63)]


@dataclass(frozen=True)
class Link:
    """One pair of a circle, the handles of its pictures in the order in which one goes round."""

    task: int
    verdict: Verdict
    handles: tuple[str, str]


@router.get("", response_class=HTMLResponse)
def overview(request: Request, who: Coordinator, run: Uid = "", settled: bool = False) -> Response:
    """Show a run: the one asked for, or the one that is asked about now."""
    store: LabelStore = request.app.state.store
    uid = _uid(request, store, run)
    if uid is None:
        return _page(request, "overview.html", who=who, far=None)
    costly: Costly = request.app.state.costly
    return _page(
        request,
        "overview.html",
        who=who,
        far=headway(store, uid),
        runs=_runs(store),
        people=costly.get(f"people {uid}", lambda: contributions(store, uid)),
        agreement=costly.get(f"agreement {uid}", lambda: agreement(ratings(store, uid))),
        open=disputes(store, uid, undecided=True, limit=FEW),
        decided=disputes(store, uid, undecided=False, limit=FEW),
        circles=_circles(store, uid, costly.get(f"clashes {uid}", lambda: contradictions(beliefs(store, uid)))[:FEW]),
        recent=recent(store, uid),
        notice="Settled." if settled else "",
    )


@router.get("/pair/{task}", response_class=HTMLResponse)
def pair(request: Request, who: Coordinator, task: Number, run: Uid = "", refused: str = "") -> Response:
    """Show one pair: who said what, what contradicts it, and what the answers make of its clusters."""
    store: LabelStore = request.app.state.store
    uid = _uid(request, store, run)
    one = None if uid is None else case(store, uid, task)
    if uid is None or one is None:
        raise HTTPException(404, "This run has no such pair.")
    against = [
        clash
        for clash in request.app.state.costly.get(f"clashes {uid}", lambda: contradictions(beliefs(store, uid)))
        if one.images in [(belief.a, belief.b) for belief in (clash.answer, *clash.chain)]
    ]
    sheet, missing = _sheet(request, store, uid, one)
    return _page(
        request,
        "pair.html",
        who=who,
        far=headway(store, uid),
        case=one,
        circles=_circles(store, uid, against[:3]),
        sheet=sheet,
        missing=missing,
        handles={} if sheet is None else image_tokens(store, uid, sheet.pictures),
        notice=REFUSED.get(refused, ""),
    )


@router.post("/settle", status_code=303, response_class=RedirectResponse)
def decide(
    request: Request,
    who: Coordinator,
    _: Annotated[Visitor, Depends(checked)],
    task: Annotated[int, Form(ge=1, lt=2**63)],
    verdict: Annotated[Verdict, Form()],
    run: Annotated[str, Form(pattern=r"^[A-Za-z0-9_-]{1,64}$")],
    onward: Annotated[bool, Form()] = False,
) -> Response:
    """Settle a pair, and go back to the overview, or on to the next pair that wants it."""
    store: LabelStore = request.app.state.store
    try:
        adjudicate(store, run, task, who.name, verdict)
    except RefusedError as error:
        known = case(store, run, task) is not None
        return RedirectResponse(
            f"/overview/pair/{task}?run={run}&refused={error.reason}" if known else "/overview", 303
        )
    request.app.state.costly.forget()  # whoever settles wants to see what came of it
    left = disputes(store, run, undecided=True, limit=1) if onward else []
    return RedirectResponse(
        f"/overview/pair/{left[0].task}?run={run}" if left else f"/overview?run={run}&settled=1", 303
    )


def ago(moment: float | str | None) -> str:
    """Say how long ago a moment was, given in s since the epoch or as the store writes it."""
    if moment is None:
        return "–"
    seconds = time.time() - (epoch(moment) if isinstance(moment, str) else moment)
    return (
        "just now"
        if seconds < 60
        else f"{duration(seconds)} ago"
        if seconds < 48 * 3600
        else f"{seconds / 86400:.0f} d ago"
    )


def _page(request: Request, template: str, **shown: Any) -> Response:
    shown |= {"ago": ago, "until": lambda end: duration(max(end - time.time(), 0)), "notice": shown.get("notice", "")}
    return request.app.state.templates.TemplateResponse(request, template, shown)  # type: ignore[no-any-return]


def _uid(request: Request, store: LabelStore, wanted: str) -> str | None:
    """Return the run to show: the one wanted, the one that the page serves, or the newest; None: there is none.

    Raises
    ------
    HTTPException
        404: no loop has described the run that is wanted.
    """
    named = wanted or request.app.state.run_uid
    query = select(runs.c.run_uid).order_by(runs.c.last_heartbeat.desc(), runs.c.run_uid)
    with store.reading() as connection:
        found = connection.scalar((query if not named else query.where(runs.c.run_uid == named)).limit(1))
    if found is None and wanted:
        raise HTTPException(404, "There is no such run.")
    return found


def _runs(store: LabelStore) -> list[tuple[str, str, str]]:
    query = select(runs.c.run_uid, runs.c.run, runs.c.state).order_by(runs.c.last_heartbeat.desc()).limit(20)
    with store.reading() as connection:
        return [(row.run_uid, row.run, row.state) for row in connection.execute(query)]


def _circles(store: LabelStore, uid: str, found: list[Contradiction]) -> list[list[Link]]:
    """Return each contradiction as it is shown: the answer, then the chain from its first picture to its second."""
    wanted = {belief.task for clash in found for belief in (clash.answer, *clash.chain)}
    handles = {one.task: one.handles for one in cases(store, uid, sorted(wanted))}
    circles = []
    for clash in found:
        circle = [Link(clash.answer.task, clash.answer.verdict, handles[clash.answer.task])]
        here = clash.answer.a
        for belief in clash.chain:
            a, b = handles[belief.task]
            onward = belief.a == here
            circle.append(Link(belief.task, belief.verdict, (a, b) if onward else (b, a)))
            here = belief.b if onward else belief.a
        circles.append(circle)
    return circles


def _sheet(request: Request, store: LabelStore, uid: str, one: Case) -> tuple[Sheet | None, str]:
    """Return the contact sheet of a pair, or why there is none."""
    runs: Path | None = request.app.state.runs
    far = headway(store, uid)
    if runs is None or far is None:
        return None, "this page was started without the folder of the runs"
    try:
        files = RoundFiles.read(runs, uid, far.run, one.round)
        return contact_sheet(files, one.images, beliefs(store, uid, one.round)), ""
    except NotHereError as error:
        return None, str(error)
