"""Review content: sheets and contradictions as the page's script reads them, images by their tokens."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request

from whosame.annotation.queue.image_tokens import image_tokens
from whosame.annotation.review.open_reviews import OpenReviews
from whosame.annotation.review.sheet import Sheet, sheet_of
from whosame.annotation.review.state import ReviewState
from whosame.annotation.review.statements import Contradiction
from whosame.annotation.review.undo import last_review
from whosame.annotation.store.store import LabelStore
from whosame.annotation.web.auth import Visitor


def open_reviews(request: Request) -> OpenReviews:
    """Return the reviews of the application that a request is sent to."""
    reviews: OpenReviews = request.app.state.reviews
    return reviews


def content(
    request: Request, state: ReviewState, who: Visitor, identity: int | None = None, page: int = 0
) -> dict[str, Any]:
    """Return a sheet with the tokens of its images, and of those of the next one."""
    store: LabelStore = request.app.state.store
    shown = sheet_of(state, identity, page) or sheet_of(state)
    if shown is None:
        return {"run": state.table.run_uid, "sheet": None}
    if page + 1 < shown.pages:
        ahead = sheet_of(state, shown.identity, page + 1)
    else:
        ahead = sheet_of(state, shown.following) if shown.following is not None else None
    rows = [*shown.images, *(ahead.images if ahead else [])]
    tokens = dict(zip(rows, tokens_of(request, state, rows), strict=True))
    with store.reading() as connection:
        undoable = last_review(connection, state.table.run_uid, who.name)
    return {"run": state.table.run_uid, "sheet": _as_dict(shown, tokens), "undoable": undoable} | {
        "ahead": [tokens[row] for row in ahead.images] if ahead else []
    }


def _as_dict(shown: Sheet, tokens: dict[int, str]) -> dict[str, Any]:
    kept = ("identity", "name", "version", "position", "total", "reviewed", "page", "pages", "size")
    return {name: getattr(shown, name) for name in (*kept, "following", "preceding")} | {
        "reference": tokens[shown.reference],
        "images": [{"token": tokens[row], "joined": row in shown.joined} for row in shown.rows],
        "suggestions": [
            {"identity": each.identity, "name": each.name, "token": tokens[each.row]} for each in shown.suggestions
        ],
    }


def tokens_of(request: Request, state: ReviewState, rows: Sequence[int]) -> list[str]:
    """Return the random names of images on the page."""
    table, store = state.table, request.app.state.store
    refs = {int(table.image_ids[row]): table.image_ref(row) for row in rows}
    tokens = image_tokens(store, table.run_uid, refs)
    return [tokens[int(table.image_ids[row])] for row in rows]


def told(request: Request, state: ReviewState, found: Sequence[Contradiction]) -> list[dict[str, Any]]:
    """Return contradictions for the page: who answered what."""
    rows = [row for each in found for row in each.rows]
    for each in found:
        for answer in each.answers:
            rows += [row for row in map(state.table.row, (answer.image_a, answer.image_b)) if row is not None]
    tokens = dict(zip(rows, tokens_of(request, state, rows), strict=True))
    return [
        {
            "tokens": [tokens[row] for row in each.rows],
            "same": each.same,
            "answers": [
                {
                    "who": answer.annotator,
                    "verdict": answer.verdict,
                    "at": answer.answered_at,
                    "review": answer.review,
                    "tokens": [
                        tokens[row] for row in map(state.table.row, (answer.image_a, answer.image_b)) if row is not None
                    ],
                }
                for answer in each.answers
            ],
        }
        for each in found
    ]
